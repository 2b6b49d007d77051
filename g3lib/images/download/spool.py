"""A shard's photos while they are fetched: bytes in one file, every URL's fate in another, both append-only.

`photos.bin` holds the bytes, `ledger.jsonl` one line for every URL whose fate is settled. Bytes go before the line that
names them, and both straight to the operating system, so a killed process loses nothing that its ledger names; both
are synced every few seconds and at the end, so a power cut loses seconds. Opening a spool drops what a crash left half
done: a torn last line, bytes that no line names, entries whose bytes are not what they were.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from g3lib.images.download.wanted import DamagedSpool, DiskFull, Entry, SpoolInUse
from g3lib.images.fates import TRANSIENT, Fate

SYNC_SECONDS = 5.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

log = logging.getLogger(__name__)


@dataclass
class Spool:
    """An open spool; `entries` are the settled fates by URL. Transient ones of earlier runs are not among them."""

    folder: Path
    entries: dict[str, Entry]
    _photos: int  # file descriptors
    _ledger: int
    _end: int  # bytes in photos.bin
    _syncer: ThreadPoolExecutor
    _synced: float = field(default_factory=time.monotonic)
    _syncing: "Future[None] | None" = None

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator["Spool"]:
        """The spool in `folder`, made if it is not there, and locked.

        Raises SpoolInUse if another process has it, DiskFull if there is no room for it.
        """
        with _disk_of(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                problem = f"{folder} is being filled by another process; let that finish, or end it"
                raise SpoolInUse(problem) from None
        try:
            with _disk_of(folder), ThreadPoolExecutor(1, "spool-sync") as syncer:
                spool = cls._recovered(folder, syncer)
                try:
                    yield spool
                finally:
                    spool._close()
        finally:
            lock.release()

    @classmethod
    def _recovered(cls, folder: Path, syncer: ThreadPoolExecutor) -> "Spool":
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        photos, ledger = (os.open(folder / name, flags, 0o644) for name in ("photos.bin", "ledger.jsonl"))
        _drop_torn_line(ledger, folder)
        found = {url: entry for url, entry in _lines(ledger, folder) if entry.fate not in TRANSIENT}
        entries = {url: entry for url, entry in found.items() if _sound(photos, entry)}
        if len(entries) < len(found):
            damaged = len(found) - len(entries)
            log.warning("%s: %d photos are damaged and are asked for again", folder, damaged)
        end = max((entry.offset + entry.length for entry in entries.values()), default=0)
        os.ftruncate(photos, end)
        return cls(folder, entries, photos, ledger, end, syncer)

    def add(self, url: str, entry: Entry, data: bytes = b"", seconds: float = 0.0) -> None:
        """Record a URL's fate, after its bytes if it has any; raises DiskFull and then leaves the spool as it was."""
        entry = _placed(entry, self._end, data)
        before = os.lseek(self._ledger, 0, os.SEEK_END)
        try:
            if data:
                _write(self._photos, data)
            _write(self._ledger, _line(url, entry, seconds))
        except OSError as problem:
            os.ftruncate(self._photos, self._end)
            os.ftruncate(self._ledger, before)
            raise _named(problem, self.folder) from problem
        self._end += len(data)
        self.entries[url] = entry
        self._sync_now_and_then()

    def read(self, url: str) -> bytes:
        """The bytes of a delivered URL; DamagedSpool if they changed since they were written."""
        entry = self.entries[url]
        data = os.pread(self._photos, entry.length, entry.offset)
        if hashlib.sha256(data).digest() != entry.sha256:
            where = f"{self.folder / 'photos.bin'}, byte {entry.offset:,}"
            raise DamagedSpool(
                f"{where}: the photo of {url} is damaged; run again, and it is asked for again"
            )
        return data

    def sync(self) -> None:
        """Return once everything is on the disk, the bytes before the lines that name them."""
        with _disk_of(self.folder):
            os.fsync(self._photos)
            os.fsync(self._ledger)

    def _sync_now_and_then(self) -> None:
        if time.monotonic() - self._synced < SYNC_SECONDS:
            return
        if self._syncing is not None:
            if not self._syncing.done():
                return
            self._syncing.result()  # raises what the disk refused
        self._synced, self._syncing = time.monotonic(), self._syncer.submit(self.sync)

    def _close(self) -> None:
        try:
            self._syncer.shutdown()
            self.sync()
        finally:
            os.close(self._photos)
            os.close(self._ledger)


def discard(folder: Path) -> None:
    """Remove a spool, once the shard made of it is committed; one that is not there is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def _placed(entry: Entry, offset: int, data: bytes) -> Entry:
    """The entry with the place and digest of its bytes."""
    if not entry.delivered:
        return entry
    digest = hashlib.sha256(data).digest()
    status, attempts = entry.http_status, entry.attempts
    return Entry(Fate.STORED, entry.detail, status, attempts, offset, len(data), digest, entry.final_url)


def _write(descriptor: int, data: bytes) -> None:
    """All of it: the operating system may take it in parts."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def _line(url: str, entry: Entry, seconds: float) -> bytes:
    facts = {
        "url": url,
        "fate": entry.fate.value,
        "detail": entry.detail,
        "http_status": entry.http_status,
        "attempts": entry.attempts,
        "offset": entry.offset,
        "length": entry.length,
        "sha256": entry.sha256.hex(),
        "final_url": entry.final_url,
        "seconds": round(seconds, 3),
        "finished_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return json.dumps(facts).encode() + b"\n"  # ASCII: no line separator inside a line


def _drop_torn_line(ledger: int, folder: Path) -> None:
    """Cut off what a killed process left unfinished, so that the next append starts a line."""
    size = os.fstat(ledger).st_size
    keep = size
    while keep:  # backwards in blocks: a torn line may be longer than one
        start = max(0, keep - 65536)
        newline = os.pread(ledger, keep - start, start).rfind(b"\n")
        keep = start + newline + 1
        if newline >= 0:
            break
    if keep < size:
        log.warning("%s: dropping a torn last line of %d bytes from the ledger", folder, size - keep)
        os.ftruncate(ledger, keep)


def _lines(ledger: int, folder: Path) -> Iterator[tuple[str, Entry]]:
    """URL and entry of each line; a damaged line is skipped, so that its URL is asked for again."""
    with os.fdopen(os.dup(ledger), "rb") as handle:
        handle.seek(0)
        for number, line in enumerate(handle, start=1):
            try:
                yield _parsed(json.loads(line))
            except (ValueError, KeyError, TypeError):
                log.warning(
                    "%s: line %d of the ledger is damaged; its URL is asked for again", folder, number
                )


def _parsed(facts: dict[str, object]) -> tuple[str, Entry]:
    """A line's URL and entry; ValueError, KeyError or TypeError if it is not one that we wrote."""
    url, numbers = facts.pop("url"), (facts["offset"], facts["length"], facts["attempts"])
    if not isinstance(url, str) or not all(type(each) is int and each >= 0 for each in numbers):
        raise ValueError("not a line of a ledger")
    facts.pop("seconds"), facts.pop("finished_at")
    facts |= {"fate": Fate(facts["fate"]), "sha256": bytes.fromhex(str(facts["sha256"]))}  # type: ignore[arg-type]
    return url, Entry(**facts)  # type: ignore[arg-type]


def _sound(photos: int, entry: Entry) -> bool:
    """Whether a delivered entry's bytes are there and are what they were; true of entries without bytes."""
    if not entry.delivered:
        return True
    if entry.offset + entry.length > os.fstat(photos).st_size:
        return False
    return hashlib.sha256(os.pread(photos, entry.length, entry.offset)).digest() == entry.sha256


@contextmanager
def _disk_of(folder: Path) -> Iterator[None]:
    """Turn the operating system's "no space" into an error that names the disk and the remedy."""
    try:
        yield
    except DiskFull:
        raise
    except OSError as problem:
        raise _named(problem, folder) from problem


def _named(problem: OSError, folder: Path) -> OSError:
    if problem.errno not in _FULL:
        return problem
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    return DiskFull(
        problem.errno,
        f"the disk takes no more ({problem.strerror}; {free:,} bytes free). Make room, or set G3_HOME to a larger "
        "disk, and run again: what was delivered is kept and not asked for again",
        str(folder),
    )
