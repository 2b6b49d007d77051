"""Which batches were handed in, on the disk before and after: a killed run must not pay for one twice."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Event = Literal["submitting", "submitted", "collected"]


@dataclass(frozen=True)
class Handed:
    """A batch: our name for it, the names of its requests; `batch_id` once the endpoint has given one."""

    name: str
    requests: tuple[str, ...]
    batch_id: str | None = None


class BatchLedger:
    """Lines of JSON beside a log of responses; what is said here is synced before anything happens."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path

    def outstanding(self) -> list[Handed]:
        """Batches whose answers are not all recorded, in the order in which they were handed in."""
        found: dict[str, Handed] = {}
        for line in self._lines():
            name = line["name"]
            if line["event"] == "submitting":
                found[name] = Handed(name, tuple(line["requests"]))
            elif line["event"] == "submitted" and name in found:
                found[name] = Handed(name, found[name].requests, line["batch_id"])
            elif line["event"] == "collected":
                found.pop(name, None)
        return list(found.values())

    def submitting(self, name: str, requests: Sequence[str]) -> None:
        """Before the endpoint hears of it."""
        self._append({"event": "submitting", "name": name, "requests": list(requests)})

    def submitted(self, name: str, batch_id: str) -> None:
        """Once the endpoint has named it."""
        self._append({"event": "submitted", "name": name, "batch_id": batch_id})

    def collected(self, name: str) -> None:
        """Once every answer of it is recorded, or it turned out that it was never handed in."""
        self._append({"event": "collected", "name": name})

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("ab") as handle:
            # a line that a killed process left unfinished stands by itself and is skipped
            handle.write(b"\n" + json.dumps(line).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())

    def _lines(self) -> Iterable[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                said = json.loads(line)
                if said["event"] in ("submitting", "submitted", "collected"):
                    yield said
            except (ValueError, KeyError, TypeError):
                continue  # torn or blank
