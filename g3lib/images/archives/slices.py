"""One long string of bytes from pieces that lie in files or on a server: nothing is joined on the disk."""

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from threading import Event
from typing import Protocol

LOCAL_CHUNK = 4 << 20  # bytes of one read
WEB_CHUNK = 16 << 20  # of one request: fewer would spend a server's patience, more this machine's memory


class Piece(Protocol):
    """A file somewhere, read by range."""

    name: str

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def read(self, offset: int, length: int, stopped: Event | None = None) -> bytes:
        """Bytes of the file, as many as asked or up to its end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class LocalFile:
    """A piece on this machine's disk."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        self._handle = path.open("rb", buffering=0)
        self.size = os.fstat(self._handle.fileno()).st_size

    def read(self, offset: int, length: int, stopped: Event | None = None) -> bytes:
        """Bytes of the file; OSError if it is shorter than it was."""
        length = max(0, min(length, self.size - offset))
        data = os.pread(self._handle.fileno(), length, offset)
        while len(data) < length:  # a system may return less at once
            more = os.pread(self._handle.fileno(), length - len(data), offset + len(data))
            if not more:
                raise OSError(
                    f"{self._path}: {self.size} bytes when opened, shorter now; run again when it is whole"
                )
            data += more
        return data

    def close(self) -> None:
        """Close the file."""
        self._handle.close()


class Slices:
    """Pieces in their order as one string of bytes; a context that closes them."""

    def __init__(self, pieces: Sequence[Piece], connections: int = 2, chunk: int = LOCAL_CHUNK) -> None:
        if not pieces:
            raise ValueError("no pieces; name at least one")
        self._pieces, self._connections, self._chunk = list(pieces), connections, chunk
        self._starts: list[int] | None = None

    @classmethod
    def of_files(cls, *paths: Path) -> "Slices":
        """Files on this machine; FileNotFoundError for the first that is missing."""
        return cls([LocalFile(path) for path in paths])

    def __enter__(self) -> "Slices":
        return self

    def __exit__(self, *_: object) -> None:
        for piece in self._pieces:
            piece.close()

    @property
    def size(self) -> int:
        """Bytes of all pieces; asks a server for each piece's once."""
        return self._bounds()[-1]

    def where(self, offset: int) -> str:
        """An offset in words: which piece, and where in it."""
        index = min(bisect_right(self._bounds(), offset), len(self._pieces)) - 1
        within = offset - self._bounds()[index]
        whole = f" (byte {offset} of the whole)" if len(self._pieces) > 1 else ""
        return f"{self._pieces[index].name} at byte {within}{whole}"

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from anywhere, as many as asked or up to the end."""
        parts = [piece.read(at, size) for piece, at, size in self._cuts(offset, offset + length, length)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes [start, stop) in chunks, in order; threads read a few chunks ahead and no further."""
        stopped, ahead = Event(), deque[Future[bytes]]()
        with ThreadPoolExecutor(self._connections, thread_name_prefix="slices") as threads:
            try:
                for piece, offset, length in self._cuts(start, stop, self._chunk):
                    ahead.append(threads.submit(piece.read, offset, length, stopped))
                    if len(ahead) > self._connections:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                stopped.set()
                for future in ahead:
                    future.cancel()

    def _cuts(self, start: int, stop: int, longest: int) -> Iterator[tuple[Piece, int, int]]:
        """Piece, offset within it and length of each read that makes up [start, stop)."""
        bounds = self._bounds()
        stop = min(stop, bounds[-1])
        while start < stop:
            index = bisect_right(bounds, start) - 1
            length = min(longest, stop - start, bounds[index + 1] - start)
            yield self._pieces[index], start - bounds[index], length
            start += length

    def _bounds(self) -> list[int]:
        """Where each piece begins in the whole, and where the last one ends."""
        if self._starts is None:
            with ThreadPoolExecutor(self._connections) as threads:  # a server takes its time for each
                sizes = list(threads.map(lambda piece: piece.size, self._pieces))
            self._starts = [0, *accumulate(sizes)]
        return self._starts
