"""A tar for writing, byte for byte what `tarfile` makes in USTAR form with fixed metadata, at a disk's speed.

`tarfile` spends 0.2 ms on a member, more than a disk does. Here a thread writes while the next members are read, and
the disk begins at once rather than at the final sync.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from g3lib.images.archives.tar_headers import BLOCK, padded

RECORD = 20 * BLOCK  # a tar is a whole number of these
BATCH = 8 << 20  # bytes that are written together
MOST_AT_ONCE = 512  # parts in one call; systems allow 1024
_TEMPLATE = b"%b0000644\0" + b"0000000\0" * 2 + b"%011o\0" + b"00000000000\0" + b"%b" + b"0" + bytes(100)
_REST = (b"ustar\x0000").ljust(BLOCK - 257, b"\0")  # no owner, no device, no prefix


class TarWriter:
    """Plain files into a new tar; a context that closes it. Two batches of members are in memory at most."""

    def __init__(self, path: Path) -> None:
        self._handle, self._size = path.open("wb", buffering=0), 0
        self._batch, self._batched = list[bytes](), 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tar")
        self._under_way: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._handle, self._thread:
            if kind is None:
                end = self._size + 2 * BLOCK
                self._put(bytes(-(-end // RECORD) * RECORD - self._size))
                self._hand_over()
                self._wait()

    def add(self, name: str, data: bytes) -> int:
        """Append a file of mode 644, without owner or time; the offset of its first byte.

        ValueError for a name of more than 100 bytes or beyond ASCII, or 8 GiB of data: USTAR has no room for them.
        OSError if an earlier member could not be written.
        """
        self._put(_header(name, len(data)))
        offset = self._size
        self._put(data)
        self._put(bytes(padded(len(data)) - len(data)))
        if self._batched >= BATCH:
            self._hand_over()
        return offset

    def _put(self, data: bytes) -> None:
        self._batch.append(data)
        self._batched += len(data)
        self._size += len(data)

    def _hand_over(self) -> None:
        self._wait()
        self._under_way = self._thread.submit(_write, self._handle.fileno(), self._batch)
        self._batch, self._batched = [], 0

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


def _write(descriptor: int, batch: list[bytes]) -> None:
    """Write all of it, and let the disk begin without waiting for it."""
    start = os.lseek(descriptor, 0, os.SEEK_CUR)
    for at in range(0, len(batch), MOST_AT_ONCE):
        parts = batch[at : at + MOST_AT_ONCE]
        written = os.writev(descriptor, parts)
        if written < sum(map(len, parts)):  # a full disk says so at the next try
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    if hasattr(os, "posix_fadvise"):  # on Linux, it starts writing what is not yet on the disk
        os.posix_fadvise(descriptor, start, sum(map(len, batch)), os.POSIX_FADV_DONTNEED)


def _header(name: str, size: int) -> bytes:
    field = name.encode("ascii")
    if len(field) > 100 or size >= 8**11:
        raise ValueError(f"{name!r} of {size} bytes: more than a USTAR header holds")
    spaced = _TEMPLATE % (field.ljust(100, b"\0"), size, b" " * 8) + _REST
    return _TEMPLATE % (field.ljust(100, b"\0"), size, b"%06o\0 " % sum(spaced)) + _REST
