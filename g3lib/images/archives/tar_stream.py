"""Members of a tar with their bytes, in one pass over a stream; or headers only, by leaps."""

from collections.abc import Callable, Iterator

from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import (
    BLOCK,
    REMEDY,
    BrokenTar,
    Kind,
    Member,
    Reader,
    is_header,
    next_member,
    padded,
)
from g3lib.images.photo import MAXIMUM_BYTES

LEAP = 1 << 20  # bytes of one read where only headers are looked at


class StreamReader:
    """A Reader over chunks that come in order: what nearly every `take` wants lies within one chunk."""

    def __init__(self, chunks: Iterator[bytes], position: int, where: Callable[[int], str]) -> None:
        self.position, self._where = position, where
        self._chunks, self._chunk, self._at = chunks, b"", 0

    def where(self, offset: int, /) -> str:
        """An offset in words."""
        return self._where(offset)

    def take(self, length: int) -> bytes:
        """The next bytes; fewer only at the end."""
        stop = self._at + length
        if stop <= len(self._chunk):
            taken = self._chunk[self._at : stop]
            self._at = stop
        else:
            taken = b"".join(self._pieces(length))
        self.position += len(taken)
        return taken

    def skip(self, length: int) -> None:
        """Pass over bytes without keeping them."""
        self.position += sum(len(piece) for piece in self._pieces(length))

    def _pieces(self, length: int) -> Iterator[bytes]:
        while length:
            if self._at == len(self._chunk):
                self._chunk, self._at = next(self._chunks, b""), 0
                if not self._chunk:
                    return
            piece = self._chunk[self._at : self._at + length]
            self._at += len(piece)
            length -= len(piece)
            yield piece


class LeapReader:
    """A Reader over slices that reads only where it is asked, a block at a time."""

    def __init__(self, data: Slices, position: int) -> None:
        self.position = position
        self._data, self._from, self._block = data, 0, b""

    def where(self, offset: int, /) -> str:
        """An offset in words."""
        return self._data.where(offset)

    def take(self, length: int) -> bytes:
        """The next bytes; fewer only at the end."""
        at = self.position - self._from
        if not 0 <= at <= at + length <= len(self._block):
            self._from, at = self.position, 0
            self._block = self._data.read(self.position, max(length, LEAP))
        taken = self._block[at : at + length]
        self.position += len(taken)
        return taken

    def skip(self, length: int) -> None:
        """Pass over bytes without reading them."""
        self.position += length


def stream_from(data: Slices, start: int, stop: int) -> StreamReader:
    """A reader from `start` that reads ahead up to `stop`, and beyond it no further than it is asked."""

    def chunks() -> Iterator[bytes]:
        yield from data.stream(start, min(stop, data.size))
        position = max(start, stop)
        while chunk := data.read(position, LEAP):
            yield chunk
            position += len(chunk)

    return StreamReader(chunks(), start, data.where)


def members(
    reader: Reader,
    stop: int | None = None,
    maximum_bytes: int = MAXIMUM_BYTES,
    garbage: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Member, bytes | None]]:
    """Members whose header begins before `stop`, each with its bytes if it is a plain file of at most that size.

    The reader stands at the first header. Raises BrokenTar naming the offset for a member that is cut short, a
    header that is damaged, and a second archive behind the end mark; other bytes there are told to `garbage`.
    """
    while stop is None or reader.position < stop:
        member = next_member(reader)
        if member is None:
            _look_behind(reader, stop, garbage)
            return
        kept = member.kind is Kind.FILE and member.size <= maximum_bytes
        yield member, _bytes_of(member, reader, kept)


def _bytes_of(member: Member, reader: Reader, kept: bool) -> bytes | None:
    data = reader.take(member.size) if kept else None
    reader.skip(padded(member.size) - (0 if data is None else len(data)))
    found = (reader.position - member.offset) if data is None else len(data)
    if found < member.size:
        raise BrokenTar(
            f"{reader.where(member.offset)}: cut short: member {member.name!r} has {member.size} bytes, "
            f"{found} are there; {REMEDY}"
        )
    return data


def _look_behind(reader: Reader, stop: int | None, garbage: Callable[[str], None]) -> None:
    """Behind the end mark come zeros; another archive would be lost quietly, and is an error."""
    told = False
    while stop is None or reader.position < stop:
        at, blocks = reader.position, reader.take(LEAP)
        if not blocks:
            return
        if not any(blocks):
            continue
        for start in range(0, len(blocks), BLOCK):
            if is_header(blocks[start : start + BLOCK]):
                raise BrokenTar(
                    f"{reader.where(at + start)}: another archive begins behind this one's end mark; "
                    "unpack both and write one archive of them"
                )
        if not told:
            garbage(f"{reader.where(at)}: bytes behind the archive's end mark, ignored")
        told = True
