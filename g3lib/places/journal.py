"""A journal of a geocoder's answers: what was once asked is never asked again, whatever kills the process.

One JSON object per line, appended as answers arrive and synced in batches. Positions are kept in ten-thousandths
of a degree (11 m), which is as near as a place name can matter.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

SYNC_EVERY = 64  # answers; a power cut may cost so many, a killed process none
LINE = re.compile(rb'\{"key": \[(-?\d+), (-?\d+)\], .*\}\n\Z')  # as `record` writes them
Key = tuple[int, int]  # latitude and longitude in 1e-4 degrees


@dataclass(frozen=True)
class Answer:
    """What the geocoder said of a position: an address by parts and the place's own position, or nothing."""

    address: Mapping[str, str] | None
    lat: float | None = None
    lon: float | None = None


@dataclass
class Journal:
    """The answers wanted now by key, and the file to which new ones are appended; safe between threads."""

    path: Path
    answers: dict[Key, Answer]
    _handle: FileIO
    _unsynced: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def open(cls, path: Path, wanted: Collection[Key]) -> Iterator["Journal"]:
        """The journal at `path`, locked; of what it holds, only `wanted` is kept in memory.

        A second process waits here, then finds the answers of the first. Raises ValueError naming a damaged line
        before the last.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("%s is being written by another process; waiting for it", path)
            lock.acquire()
        with lock, path.open("ab", buffering=0) as handle:
            _drop_torn_line(path)
            journal = cls(path, dict(_read(path, frozenset(wanted))), handle)
            try:
                yield journal
            finally:
                journal.sync()
                lock.release()

    def record(self, key: Key, answer: Answer) -> None:
        """Append an answer; it counts as soon as this returns."""
        line = {"key": key, "address": answer.address, "lat": answer.lat, "lon": answer.lon}
        content = json.dumps(line).encode() + b"\n"  # ASCII: no line separator inside a line
        with self._lock:
            before = os.fstat(self._handle.fileno()).st_size
            try:
                if self._handle.write(content) != len(content):
                    raise OSError(f"{self.path}: the disk took only a part of an answer; free some space")
            except OSError:
                self._handle.truncate(before)
                raise
            self.answers[key] = answer
            self._unsynced += 1
            if self._unsynced >= SYNC_EVERY:
                self._sync()

    def sync(self) -> None:
        """Bring what was recorded to the disk."""
        with self._lock:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._handle.fileno())
        self._unsynced = 0


def _drop_torn_line(path: Path) -> None:
    """Cut off what a killed process left unfinished, so that the next append starts a line."""
    with path.open("rb+") as handle:
        end = handle.seek(0, os.SEEK_END)
        whole, tail = end, b""
        while whole and b"\n" not in tail:
            start = max(0, whole - 65_536)
            handle.seek(start)
            tail, whole = handle.read(whole - start), start
        whole += tail.rfind(b"\n") + 1
        if whole < end:
            log.warning("%s: dropping a torn last line of %d bytes", path, end - whole)
            handle.truncate(whole)
            os.fsync(handle.fileno())


def _read(path: Path, wanted: frozenset[Key]) -> Iterator[tuple[Key, Answer]]:
    """The wanted answers; other lines are only glanced at, since a journal of millions is read for each shard."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            match = LINE.match(line)
            key = (int(match[1]), int(match[2])) if match else None
            if match and key not in wanted:
                continue
            try:
                entry = json.loads(line)
                key = (int(entry["key"][0]), int(entry["key"][1]))
                answer = Answer(entry["address"], entry["lat"], entry["lon"])
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise ValueError(
                    f"{path}: line {number} is damaged ({error}); remove that line, and its position is asked anew"
                ) from error
            if key in wanted:
                yield key, answer


def address_of(raw: Mapping[str, Any]) -> Answer:
    """The parts of a Nominatim response worth keeping; whatever is no text or number is left out."""
    parts = raw.get("address")
    address = (
        {str(k): v for k, v in parts.items() if isinstance(v, str)} if isinstance(parts, Mapping) else {}
    )
    try:
        return Answer(address, float(raw["lat"]), float(raw["lon"]))
    except (KeyError, TypeError, ValueError):
        return Answer(address)
