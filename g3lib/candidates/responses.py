"""Every LMM answer, appended to a JSONL log and synced before it counts: what is paid is kept.

One log per experiment and benchmark; all experiments of a benchmark share what is recorded. How an
answer is got does not belong here.
"""

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

Range = tuple[int, int]  # the first answer, and how many from there


@dataclass(frozen=True)
class Answer:
    """What an LMM said to one request, and what it cost in tokens.

    finishes: why each text ended, in OpenAI's words (`stop`, `length`, `refusal`, …).
    refusal: why the endpoint itself would not answer, e.g. a content filter; then no texts.
    """

    texts: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    refusal: str | None = None
    finishes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One line of the log: the answers from `first` on; `request` names its image by SHA-256."""

    key: str
    first: int
    model: str
    label: str
    endpoint: str  # its URL, without anything secret
    request: Mapping[str, Any]
    answer: Answer
    finished_at: str  # ISO 8601, UTC
    latency: float  # seconds of the try that was answered
    batched: bool = False

    def to_line(self) -> bytes:
        """The entry as one line of JSON."""
        line = {
            "key": self.key,
            "first": self.first,
            "model": self.model,
            "label": self.label,
            "endpoint": self.endpoint,
            "request": self.request,
            "texts": self.answer.texts,
            "finishes": self.answer.finishes,
            "refusal": self.answer.refusal,
            "usage": {
                "prompt_tokens": self.answer.tokens_in,
                "completion_tokens": self.answer.tokens_out,
            },
            "finished_at": self.finished_at,
            "latency": self.latency,
            "batched": self.batched,
        }
        return json.dumps(line).encode() + b"\n"  # ASCII: no line separator inside a line


class Recorded:
    """The recorded answers of a benchmark: by key, the requests that were answered, each by its first answer."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._answers: dict[str, dict[int, Answer]] = {}

    def add(self, key: str, first: int, answer: Answer) -> None:
        """What is recorded first stays: a second answer in its place must not change a table."""
        self._answers.setdefault(key, {}).setdefault(first, answer)

    def parts(self, key: str) -> list[tuple[int, Answer]]:
        """Every answered request of a question, by its first answer."""
        return sorted(self._answers.get(key, {}).items())

    def refused(self, key: str) -> bool:
        """Whether the endpoint would not answer at all, which asking again will not change."""
        return any(answer.refusal is not None for answer in self._answers.get(key, {}).values())

    def missing(self, key: str, n: int) -> list[Range]:
        """What is still to be asked so that the first `n` answers are there."""
        if self.refused(key):
            return []
        ranges, reached = [], 0
        for first, answer in self.parts(key):
            if first >= n:
                break
            if first > reached:
                ranges.append((reached, first - reached))
            reached = max(reached, first + len(answer.texts))
        return [*ranges, (reached, n - reached)] if reached < n else ranges


def recorded(folder: Path, benchmark: str) -> Recorded:
    """What any experiment of the benchmark has recorded under `folder`, read without waiting for anybody."""
    found = Recorded()
    for path in sorted(folder.glob(f"*/{benchmark}.jsonl")):
        for entry in entries(path):
            found.add(entry.key, entry.first, entry.answer)
    return found


@dataclass
class ResponseLog:
    """The recorded answers of a benchmark, and the file to which this experiment appends."""

    path: Path
    recorded: Recorded
    _handle: FileIO
    _pending: list[tuple[Entry, asyncio.Future[None]]] = field(default_factory=list)
    _committer: asyncio.Task[None] | None = None

    @classmethod
    @contextmanager
    def open(cls, folder: Path, experiment: str, benchmark: str) -> Iterator["ResponseLog"]:
        """The log `<folder>/<experiment>/<benchmark>.jsonl`, locked for this benchmark.

        A second process waits here, then finds the answers of the first. Append within one event
        loop at a time.
        """
        path = folder / experiment / f"{benchmark}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{benchmark}.lock"):
            _drop_torn_line(path)
            known = recorded(folder, benchmark)
            with path.open("ab", buffering=0) as handle:
                yield cls(path, known, handle)

    async def record(self, entry: Entry) -> None:
        """Return once the entry is on the disk; entries that wait together share one fsync."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((entry, done))
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        """Write and sync what is pending until nothing is; failures reach those who wait."""
        while self._pending:
            batch, self._pending = self._pending, []
            try:
                lines = b"".join(entry.to_line() for entry, _ in batch)
                await asyncio.to_thread(self._append, lines)
            except OSError as error:  # e.g. disk full: each asker learns of it
                for _, done in batch:
                    if not done.done():
                        done.set_exception(OSError(error.errno, error.strerror, str(self.path)))
                continue
            for entry, done in batch:
                self.recorded.add(entry.key, entry.first, entry.answer)
                if not done.done():
                    done.set_result(None)

    def _append(self, lines: bytes) -> None:
        """Write all lines or, if the disk refuses, none of them."""
        before = os.fstat(self._handle.fileno()).st_size
        try:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._handle.write(rest) or 0 :]
            os.fsync(self._handle.fileno())
        except OSError:
            self._handle.truncate(before)
            raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a benchmark; say so when another process makes us wait."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("%s is held by another run of this benchmark; waiting for it", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _drop_torn_line(path: Path) -> None:
    """Cut off what a killed process left unfinished, so that the next append starts a line."""
    if not path.exists():
        return
    with path.open("rb+") as handle:
        content = handle.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            log.warning("%s: dropping a torn last line of %d bytes", path, len(content) - whole)
            handle.truncate(whole)
            os.fsync(handle.fileno())


def entries(path: Path) -> Iterable[Entry]:
    """The entries of one log; a damaged line is skipped, so its question is asked anew."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                yield _entry(json.loads(line))
            except (ValueError, KeyError, TypeError):
                log.warning("%s: line %d is damaged; its question counts as open", path, number)


def _entry(line: Mapping[str, Any]) -> Entry:
    usage = line["usage"]
    answer = Answer(
        tuple(map(str, line["texts"])),
        int(usage["prompt_tokens"]),
        int(usage["completion_tokens"]),
        line["refusal"],
        tuple(map(str, line["finishes"])),
    )
    return Entry(
        key=str(line["key"]),
        first=int(line["first"]),
        model=str(line["model"]),
        label=str(line["label"]),
        endpoint=str(line["endpoint"]),
        request=line["request"],
        answer=answer,
        finished_at=str(line["finished_at"]),
        latency=float(line["latency"]),
        batched=bool(line["batched"]),
    )
