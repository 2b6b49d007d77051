"""The input file of a batch: which lines it has, and what is wrong with them as lines.

What is wrong with the requests in them is found when it is their turn, and is no error of the batch.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from g3lib.candidates.stand_in.batches import ENDPOINT
from g3lib.candidates.stand_in.dialect import Dialect

MOST_LINES = 50_000
MOST_ERRORS = 100
_TURN = 32  # lines between which others get their turn


@dataclass
class Input:
    """The lines that are sound, by custom_id, and the errors of the others; `model` is that of all lines."""

    lines: dict[str, bytes] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None

    def blame(self, line: int | None, code: str, message: str, param: str | None = None) -> None:
        """Note an error, if there are not too many already."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"code": code, "line": line, "message": message, "param": param})


async def read_input(content: bytes, dialect: Dialect) -> Input:
    """Check a batch's input file."""
    found = Input()
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            _take(found, number, line, dialect)
        if number % _TURN == 0:
            await asyncio.sleep(0)
    if not found.lines and not found.errors:
        found.blame(None, "empty_file", "The input file is empty.")
    if len(found.lines) > MOST_LINES:
        message = f"The input file has {len(found.lines)} requests; {MOST_LINES} are the most."
        found.blame(None, "too_many_tasks", message)
    return found


def _take(found: Input, number: int, line: bytes, dialect: Dialect) -> None:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        found.blame(number, "invalid_json_line", "This line is not parseable as valid JSON.")
        return
    wrong = list(_faults(request, found, dialect))
    for code, message, param in wrong:
        found.blame(number, code, message, param)
    if not wrong:
        found.model = request["body"]["model"]
        found.lines[request["custom_id"]] = line


def _faults(request: dict[str, Any], found: Input, dialect: Dialect) -> Iterable[tuple[str, str, str]]:
    """Code, message and parameter of what is wrong with a line."""
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(request.get(name), kind):
            yield "missing_required_parameter", f"Missing required parameter: '{name}'.", name
            return
    if request["custom_id"] in found.lines:
        message = f"The custom_id {request['custom_id'][:100]!r} is not unique in this batch."
        yield "duplicate_custom_id", message, "custom_id"
    if request["method"] != "POST":
        yield "invalid_method", "The method must be POST.", "method"
    if request["url"] != ENDPOINT:
        yield "invalid_url", "The URL of this request does not match that of the batch.", "url"
    model = request["body"].get("model")
    if model not in dialect.models:
        message = f"The provided model {str(model)[:100]!r} is not supported by the Batch API."
        yield "model_not_found", message, "body.model"
    elif found.model not in (None, model):
        yield "mismatched_model", "All requests of a batch must have the same model.", "body.model"
