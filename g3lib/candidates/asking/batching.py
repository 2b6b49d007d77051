"""The Batch API as a transport: the same requests at half the price, answered within a day.

What was handed in is found again after a kill or a lost reply, by the ledger or by our name for it in its metadata.
Requests that fail are handed in again in another batch.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from tenacity import RetryCallState

from g3lib.candidates.asking.batch_ledger import BatchLedger, Handed
from g3lib.candidates.asking.conversation import Conversation, at_most, client_of, entry_of
from g3lib.candidates.asking.dialect import Dialect
from g3lib.candidates.asking.endpoint import read_reply
from g3lib.candidates.asking.images import data_url
from g3lib.candidates.asking.items import Item
from g3lib.candidates.asking.spending import Cost
from g3lib.candidates.asking.tries import FILTERS, Again, failure_of, judged, retrying
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import Answer

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

MOST_LINES, MOST_BYTES = 50_000, 100_000_000  # OpenAI takes 50,000 requests and 200 MB
AT_ONCE = 4  # batches; what an account may have queued is limited
ENDED = ("completed", "failed", "expired", "cancelled")
QUEUE_FULL = "token_limit_exceeded"  # the code of a batch that the account's queue has no room for now
NAME = "g3_batch"  # in a batch's metadata, our name for it

T = TypeVar("T")


async def ask_in_batches(talk: Conversation, items: Sequence[Item]) -> None:
    """Hand in what is open, wait, and record the answers; LmmError if questions stay open."""
    async with client_of(talk.endpoint, talk.settings) as client:
        await Desk(client, talk, {item.name: item for item in items}).serve()


@dataclass
class Desk:
    """What is open, and what is handed in."""

    client: "AsyncOpenAI"
    talk: Conversation
    open: dict[str, Item]
    dialect: Dialect = field(default_factory=Dialect)
    tries: Counter[str] = field(default_factory=Counter)
    held: dict[str, Cost] = field(default_factory=dict)
    handed: dict[str, Handed] = field(default_factory=dict)  # by batch id
    submitted: set[str] = field(default_factory=set)  # our names of batches that the endpoint may have

    def __post_init__(self) -> None:
        """The ledger stands beside the log; an example tells errors what this is about."""
        self.example = next(iter(self.open.values())).question
        self.ledger = BatchLedger(self.talk.log.path.with_suffix(".batches"))

    async def serve(self) -> None:
        """Until nothing is open."""
        await self._find_again()
        while self.open or self.handed:
            waiting = {name for handed in self.handed.values() for name in handed.requests}
            while len(self.handed) < AT_ONCE and (left := [n for n in self.open if n not in waiting]):
                handed = await self._hand_in(left)
                if handed is None:
                    break
                waiting |= set(handed.requests)
            await self._collect()

    async def _find_again(self) -> None:
        """Batches of a run before this one."""
        outstanding = self.ledger.outstanding()
        if not outstanding:
            return
        known: dict[str, Batch] = {}
        if any(handed.batch_id is None for handed in outstanding):
            known = await self._patiently(self._known)
        for handed in outstanding:
            batch_id = handed.batch_id or (known[handed.name].id if handed.name in known else None)
            if batch_id is None:
                self.ledger.collected(handed.name)  # killed before the endpoint heard of it
                continue
            self.handed[batch_id] = Handed(handed.name, handed.requests, batch_id)

    async def _known(self) -> "dict[str, Batch]":
        """Every batch of ours that the endpoint has, by our name for it."""
        batches = [batch async for batch in self.client.batches.list(limit=100)]
        return {batch.metadata[NAME]: batch for batch in batches if NAME in (batch.metadata or {})}  # type: ignore[index]

    async def _hand_in(self, names: Sequence[str]) -> Handed | None:
        """A batch of as many of these as fit; None if the budget wants others to be answered first."""
        with TemporaryFile() as file:
            taken = self._write(file, names)
            if not taken:
                return None
            name = uuid4().hex
            self.ledger.submitting(name, taken)
            batch = await self._patiently(partial(self._submit, file, name))
        self.ledger.submitted(name, batch.id)
        self.handed[batch.id] = Handed(name, tuple(taken), batch.id)
        self.talk.progress.report(f"LMM: batch {batch.id} of {len(taken):,} requests handed in")
        return self.handed[batch.id]

    async def _submit(self, file: IO[bytes], name: str) -> "Batch":
        """A second try looks first whether only the reply to the first was lost."""
        if name in self.submitted:
            known = await self._known()
            if name in known:
                return known[name]
        file.seek(0)
        uploaded = await self.client.files.create(file=("requests.jsonl", file), purpose="batch")
        self.submitted.add(name)
        return await self.client.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={NAME: name},
        )

    def _write(self, file: IO[bytes], names: Sequence[str]) -> list[str]:
        """One line per request, as long as the file, and the budget, allow."""
        taken: list[str] = []
        for name in names[:MOST_LINES]:
            item = self.open[name]
            worst = self.talk.worst(item)
            short = self.talk.purse.shortage(worst)
            if short and not taken and not self.handed:
                raise LmmError("budget", f"{short} ({len(self.open)} requests are open)")
            line = b"" if short else self._line(item)
            if short or (taken and file.tell() + len(line) > MOST_BYTES):
                break
            self.talk.purse.set_aside(worst)
            self.held[name] = worst
            file.write(line)
            taken.append(name)
        return taken

    def _line(self, item: Item) -> bytes:
        url = data_url(item.jpeg(), item.question.longest_side)
        body = self.dialect.spoken(item.question.body(url, item.first, item.count))
        request = {"custom_id": item.name, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(request).encode() + b"\n"

    async def _collect(self) -> None:
        """Wait until some batch has ended, and record what it holds."""
        for batch_id, handed in list(self.handed.items()):
            batch = await self._patiently(partial(self.client.batches.retrieve, batch_id))
            if batch.status not in ENDED:
                continue
            for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                content = await self._patiently(partial(self.client.files.content, file_id))
                lines = content.text.splitlines()
                ended = await asyncio.gather(*map(self._read, lines), return_exceptions=True)
                for end in filter(None, ended):
                    raise end
            self._close(handed, batch)
        if self.handed:
            await asyncio.sleep(self.talk.settings.batch_poll_seconds)

    def _close(self, handed: Handed, batch: "Batch") -> None:
        self.ledger.collected(handed.name)
        del self.handed[str(handed.batch_id)]
        errors = (batch.errors and batch.errors.data) or []
        if batch.status == "failed" and not any(each.code == QUEUE_FULL for each in errors):
            said = "; ".join(str(each.message) for each in errors)
            what = f"batch {batch.id} was refused."
            raise self._ended(self.talk.endpoint.error("rejected", what, said))
        for name in handed.requests:
            if name in self.held:
                self.talk.purse.settle(self.held.pop(name), Cost())
            if name in self.open:
                self._failed(name, f"batch {batch.status}")

    async def _read(self, line: str) -> None:
        """One line of a batch's output: recorded, or to be asked again."""
        found = json.loads(line)
        item = self.open.get(found.get("custom_id"))
        if item is None:
            return  # recorded before a kill
        response = found.get("response") or {}
        body = response.get("body") or {}
        if response.get("status_code") == 200:
            await self._answered(item, body)
        else:
            error = body.get("error") or found.get("error") or {}
            await self._refused(item, response.get("status_code"), error)

    async def _answered(self, item: Item, body: dict[str, Any]) -> None:
        try:
            answer = at_most(read_reply(self.talk.endpoint, json.dumps(body)), item.count)
        except LmmError:
            return self._failed(item.name, "no completion")
        return await self._record(item, answer)

    async def _record(self, item: Item, answer: Answer) -> None:
        cost = self.talk.cost(answer.tokens_in, answer.tokens_out)
        sent = self.dialect.spoken(item.question.body("", item.first, item.count))
        await self.talk.log.record(entry_of(self.talk, item, sent, answer, 0.0))
        del self.open[item.name]
        if item.name in self.held:
            self.talk.purse.settle(self.held.pop(item.name), cost)
        self.talk.progress.answered(answer, cost)
        if answer.refusal is None and len(answer.texts) < item.count:
            rest = item.after(len(answer.texts))
            self.open[rest.name] = rest
            self.talk.progress.more(1)

    async def _refused(self, item: Item, status: int | None, error: dict[str, Any]) -> None:
        code, message = str(error.get("code")), str(error.get("message"))
        if code in FILTERS:
            said = self.talk.endpoint.redacted(f"refused by the endpoint: {code}")
            await self._record(item, Answer((), 0, 0, said))
        elif status in (400, 422) and not self.dialect.learn(error, message):
            what = f"HTTP {status} for {item.question.source} of photo {item.question.photo_id!r} in a batch."
            raise self._ended(self.talk.endpoint.error("rejected", what, message))
        else:
            self._failed(item.name, f"HTTP {status}" if status else code)

    def _failed(self, name: str, trouble: str) -> None:
        """Asked again in another batch, but not for ever."""
        self.tries[name] += 1
        self.talk.progress.trouble(trouble)
        if self.tries[name] > self.talk.settings.max_retries:
            what = f"{trouble} in {self.tries[name]} batches for request {name}."
            raise self._ended(self.talk.endpoint.error("unavailable", what))

    def _ended(self, error: LmmError) -> LmmError:
        kept = f"the answers so far are kept in {self.talk.log.path}: run again to continue"
        return LmmError(error.kind, f"{error} ({len(self.open)} requests are open; {kept})")

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call to the endpoint, repeated as the settings say."""
        from openai import APIError, NotFoundError

        async def once() -> T:
            try:
                return await call()
            except NotFoundError as error:
                what = (
                    "HTTP 404: it has no Batch API (then set transport: direct), or has forgotten a batch "
                    f"(then remove {self.ledger.path}: its requests are asked anew)."
                )
                raise self.talk.endpoint.error("rejected", what, error.response.text) from None
            except APIError as error:
                raise judged(self.talk.endpoint, self.example, error) from None

        def heard(state: RetryCallState) -> None:
            self.talk.progress.trouble(failure_of(state).trouble)

        try:
            return await retrying(self.talk.settings, heard, asyncio.sleep)(once)
        except Again as again:
            raise self._ended(again.error) from None
