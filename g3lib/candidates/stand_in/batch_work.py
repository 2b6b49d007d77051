"""The work on a batch: its lines answered one after the other, spread over the time it is told to take."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from g3lib.candidates.stand_in.batch_lines import read_input
from g3lib.candidates.stand_in.batches import Batch
from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.faults import uniform
from g3lib.candidates.stand_in.files import File, Files
from g3lib.candidates.stand_in.protocol import Chat
from g3lib.candidates.stand_in.service import Service
from g3lib.candidates.stand_in.spoiling import refused

EXPIRED = "This request could not be executed before the completion window expired."
CANCELLED = "The batch was cancelled before this request was executed."

_FAILED = {"code": "invalid_request", "line": None, "message": "told to fail (--batch-fail)", "param": None}
_OUTAGE = ApiError("The server had an error while processing your request. Sorry about that!", 500)

Row = dict[str, Any]


@dataclass
class _Rows:
    """The lines of the files that a batch writes."""

    outputs: list[Row] = field(default_factory=list)
    errors: list[Row] = field(default_factory=list)
    expired: bool = False


class BatchWork:
    """From a batch that was created to its files."""

    def __init__(self, service: Service, files: Files) -> None:
        self.service, self.files = service, files

    async def run(self, batch: Batch, content: bytes) -> None:
        """See a batch through: a quarter of the time it is validated, a quarter finalized."""
        behaviour = self.service.behaviour
        await asyncio.sleep(behaviour.batch_seconds / 4)
        given = await read_input(content, behaviour.dialect)
        batch.errors = [_FAILED] if behaviour.batch_fail else given.errors
        if batch.errors:
            batch.become("failed")
            return
        batch.total, batch.model = len(given.lines), given.model
        batch.become("in_progress")
        rows = await self._rows(batch, given.lines, behaviour.batch_seconds / 2)
        batch.become("finalizing")
        await asyncio.sleep(behaviour.batch_seconds / 4)
        batch.output_file_id = self._written(f"{batch.id}_output.jsonl", rows.outputs)
        batch.error_file_id = self._written(f"{batch.id}_error.jsonl", rows.errors)
        batch.become("cancelled" if batch.is_cancelling else "expired" if rows.expired else "completed")

    def _written(self, filename: str, rows: list[Row]) -> str | None:
        """The identifier of a file of these rows, shuffled as they are in OpenAI's; None for no rows."""
        if not rows:
            return None
        Random(self.service.behaviour.seed).shuffle(rows)
        content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        return self.files.add(File(content, filename, "batch_output")).id

    async def _rows(self, batch: Batch, lines: Mapping[str, bytes], seconds: float) -> _Rows:
        """Answer the lines, evenly spread over so many seconds or as long as it takes."""
        rows, loop = _Rows(), asyncio.get_running_loop()
        began = loop.time()
        for done, (custom_id, line) in enumerate(lines.items(), start=1):
            if batch.is_cancelling:
                rows.errors.append(_row(custom_id, error=("batch_cancelled", CANCELLED)))
                batch.failed += 1
                continue
            await self._answer(batch, rows, custom_id, json.loads(line)["body"])
            await asyncio.sleep(max(0.0, began + seconds * done / len(lines) - loop.time()))
        return rows

    async def _answer(self, batch: Batch, rows: _Rows, custom_id: str, request: dict[str, Any]) -> None:
        """Add a line's row to those of the output or of the errors."""
        self.service.ledger.batch_lines += 1
        try:
            chat, attempt = self.service.read(request)
            if self._expires(chat, attempt):
                rows.errors.append(_row(custom_id, error=("batch_expired", EXPIRED)))
                rows.expired = True
                batch.failed += 1
                return
            body = await self._completed(chat, attempt)
        except ApiError as error:
            rows.errors.append(_row(custom_id, error.status, error.body))
            batch.failed += 1
            return
        rows.outputs.append(_row(custom_id, 200, body))
        batch.completed += 1
        batch.tokens_in += body["usage"]["prompt_tokens"]
        batch.tokens_out += body["usage"]["completion_tokens"]

    def _expires(self, chat: Chat, attempt: int) -> bool:
        return self._chance(chat, attempt) < self.service.behaviour.batch_expire

    def _chance(self, chat: Chat, attempt: int) -> float:
        return uniform("batch", self.service.behaviour.seed, chat.digest, attempt)

    async def _completed(self, chat: Chat, attempt: int) -> dict[str, Any]:
        """The completion for a line, noted as answered; ApiError if it is told to fail."""
        behaviour, ledger = self.service.behaviour, self.service.ledger
        if self._chance(chat, attempt) < behaviour.batch_expire + behaviour.batch_error:
            raise _OUTAGE
        fault = self.service.befalling(chat, attempt)
        if fault is not None and fault.is_about_answers:
            ledger.faults[fault.title] += 1
            if fault.kind == "refusal":
                raise refused(fault, chat, None)
        body = await self.service.completed(chat, fault)
        if body["choices"]:
            ledger.batch_answered += 1
        ledger.answer(chat.digest, len(body["choices"]))
        return body


def _row(
    custom_id: str,
    status: int = 200,
    body: Mapping[str, Any] | None = None,
    error: tuple[str, str] | None = None,
) -> Row:
    """A line of an output or error file: with a response, or with the reason why there is none."""
    request_id = f"req_{uuid4().hex}"
    return {
        "id": f"batch_req_{uuid4().hex[:24]}",
        "custom_id": custom_id,
        "response": body and {"status_code": status, "request_id": request_id, "body": body},
        "error": error and {"code": error[0], "message": error[1]},
    }
