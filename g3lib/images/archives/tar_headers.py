"""Tar headers, POSIX, GNU and pax: where each member's bytes lie. Checked, and never trusted with a disk.

`tarfile` takes a damaged header for the archive's end; here damage has a name and an offset.
"""

import re
from enum import StrEnum
from typing import NamedTuple, Protocol

BLOCK = 512
ZEROS = bytes(BLOCK)
MAGIC = b"ustar"
LONGEST_EXTENSION = 128 * 1024  # bytes of long names and pax records before one member
REMEDY = "fetch the archive again"


class BrokenTar(ValueError):
    """An archive that is damaged, cut short or of a kind not read here: says where, what was found, the remedy."""


class Kind(StrEnum):
    """What a member is; only a FILE can be a photo."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    DEVICE = "device"
    SPARSE = "sparse file"  # what is stored is not what is read
    OTHER = "entry of an unknown type"


class Member(NamedTuple):
    """One entry; offsets in bytes from the archive's first."""

    name: str
    header: int  # of its first header block, long names and pax records included
    offset: int  # of its data
    size: int  # stored bytes
    kind: Kind

    @property
    def end(self) -> int:
        """Where the next header begins."""
        return self.offset + padded(self.size)


class Reader(Protocol):
    """Bytes in their order, from a position that only grows."""

    position: int

    def where(self, offset: int, /) -> str:
        """An offset in words, for errors."""
        ...

    def take(self, length: int) -> bytes:
        """The next bytes; fewer only at the archive's end."""
        ...

    def skip(self, length: int) -> None:
        """Pass over bytes; beyond the archive's end the next `take` is empty."""
        ...


class _Header(NamedTuple):
    name: bytes
    size: int
    type: bytes
    extended: bool  # GNU sparse: further blocks of the map follow


class _Extension:
    """What long-name and pax blocks say of the member that follows them."""

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.size: int | None = None
        self.sparse = False


_KINDS = {
    **dict.fromkeys((b"0", b"\0", b"7"), Kind.FILE),
    **dict.fromkeys((b"1", b"2"), Kind.LINK),
    **dict.fromkeys((b"3", b"4", b"6"), Kind.DEVICE),
    b"5": Kind.FOLDER,
    b"S": Kind.SPARSE,
}
# whatever size they claim, as tarfile reads them
_WITHOUT_DATA = frozenset((Kind.LINK, Kind.DEVICE, Kind.FOLDER))
_RECORD = re.compile(rb"(\d{1,20}) ([^=]+)=")


def padded(size: int) -> int:
    """Bytes that a member of that size takes up."""
    return -(-size // BLOCK) * BLOCK


def is_header(block: bytes) -> bool:
    """Whether a block has the checksum of a header."""
    try:
        expected = int(block[148:156].strip(b" \0") or b"-", 8)
    except ValueError:
        return False
    if len(block) < BLOCK:
        return False
    unsigned = sum(block) - sum(block[148:156]) + 256  # the checksum's own field counts as spaces
    if expected == unsigned:
        return True
    high = sum(1 for byte in block[:148] + block[156:] if byte > 127)
    return expected == unsigned - 256 * high  # old writers summed signed characters


def next_member(reader: Reader) -> Member | None:
    """The member whose header begins at the reader's position, which moves to its data; None at the end mark.

    Raises BrokenTar where no header is, or where one belongs to a member that does not come.
    """
    start, extension = reader.position, _Extension()
    while True:
        at = reader.position
        block = reader.take(BLOCK)
        if block == ZEROS and at == start:
            return None
        header = _header(block, at, reader)
        if header.type not in b"LKxgX":
            return _member(header, extension, start, reader)
        if reader.position + header.size - start > LONGEST_EXTENSION:
            raise BrokenTar(
                f"{reader.where(at)}: {header.size} bytes of a member's name or records; {REMEDY}"
            )
        _extend(extension, header, reader)


def _header(block: bytes, at: int, reader: Reader) -> _Header:
    if not block:
        raise BrokenTar(f"{reader.where(at)}: the archive ends here without its closing zeros; {REMEDY}")
    if len(block) < BLOCK:
        raise BrokenTar(f"{reader.where(at)}: cut short: {len(block)} bytes of a header's {BLOCK}; {REMEDY}")
    if not is_header(block):
        raise BrokenTar(f"{reader.where(at)}: damaged: no member begins here; {REMEDY}")
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345] and block[156:157] not in b"LKxgX":
        name = _text(block[345:500]) + b"/" + name
    return _Header(name, _number(block[124:136], at, reader), block[156:157], bool(block[482]))


def _member(header: _Header, extension: _Extension, start: int, reader: Reader) -> Member:
    name = (extension.name if extension.name is not None else header.name).decode("utf-8", "surrogateescape")
    kind = _KINDS.get(header.type, Kind.OTHER)
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.FOLDER  # as the oldest writers mark one
    if kind is Kind.SPARSE and header.extended:
        while (block := reader.take(BLOCK)) and block[504]:
            pass
    if kind is Kind.FILE and extension.sparse:
        kind = Kind.SPARSE
    size = extension.size if extension.size is not None else header.size
    return Member(name, start, reader.position, 0 if kind in _WITHOUT_DATA else size, kind)


def _extend(extension: _Extension, header: _Header, reader: Reader) -> None:
    at = reader.position
    data = reader.take(padded(header.size))[: header.size]
    if len(data) < header.size:
        raise BrokenTar(f"{reader.where(at)}: cut short: {len(data)} of {header.size} bytes; {REMEDY}")
    if header.type == b"L":
        extension.name = _text(data)
    elif header.type in b"xX":
        _apply(extension, dict(_records(data, at, reader)), at, reader)
    elif header.type == b"g":
        kept = {b"path", b"size", b"GNU.sparse.name"} & dict(_records(data, at, reader)).keys()
        if kept:  # a shard that begins behind it would not know
            names = b", ".join(sorted(kept)).decode()
            raise BrokenTar(f"{reader.where(at)}: a global pax header sets {names}; write the archive anew")


def _apply(extension: _Extension, records: dict[bytes, bytes], at: int, reader: Reader) -> None:
    extension.name = records.get(b"path", extension.name)
    if b"size" in records:
        if not records[b"size"].isdigit():
            raise BrokenTar(f"{reader.where(at)}: a pax size that is no number; {REMEDY}")
        extension.size = int(records[b"size"][:20])
    extension.sparse |= any(key.startswith(b"GNU.sparse.") for key in records)


def _records(data: bytes, at: int, reader: Reader) -> list[tuple[bytes, bytes]]:
    """Keys and values of a pax header: `length key=value` and a line's end, the length of the whole in front."""
    found, position = list[tuple[bytes, bytes]](), 0
    while position < len(data) and data[position]:
        match = _RECORD.match(data, position)
        length = int(match[1]) if match else 0
        stop = position + length
        if match is None or not match.end() < stop <= len(data) or data[stop - 1 : stop] != b"\n":
            raise BrokenTar(f"{reader.where(at)}: damaged pax records; {REMEDY}")
        found.append((match[2], data[match.end() : stop - 1]))
        position = stop
    return found


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, at: int, reader: Reader) -> int:
    """An octal number, or GNU's base 256 for what does not fit."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        value = int(_text(field.lstrip(b" \0")).strip() or b"0", 8)
    except ValueError:
        value = -1
    if value < 0:
        raise BrokenTar(f"{reader.where(at)}: a member's size is {field!r}, no number; {REMEDY}")
    return value
