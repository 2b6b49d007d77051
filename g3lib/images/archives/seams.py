"""Shards of one tar without an index: each finds its first header itself, and afterwards all seams are proved.

Shard k of n owns the members whose first header begins in [k·L, (k+1)·L). Its own first header is looked for from
there; since a member may itself hold a tar, what was found is a guess until the previous shard ends there. Shard 0
begins at byte 0, so when every end is the next one's first, no member is missing or double.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import (
    BLOCK,
    LONGEST_EXTENSION,
    MAGIC,
    BrokenTar,
    is_header,
    next_member,
    padded,
)
from g3lib.images.archives.tar_stream import LEAP, LeapReader

CHAIN = 16  # headers in a row that confirm one
LOOK_BACK = padded(LONGEST_EXTENSION) + 4 * BLOCK  # a long name's block in front belongs to its member


class ByteRange(NamedTuple):
    """What one shard read: its first header and where the next one begins; None if no member begins in it."""

    first: int | None
    end: int | None
    closed: bool = False  # the archive's end mark is at `end`


class Disagreement(NamedTuple):
    """A shard that did not begin where the one before it ended; made again from `expected`, it is right."""

    shard: int
    expected: int
    found: int | None


def bounds(total: int, shards: int, shard: int) -> tuple[int, int]:
    """The bytes in which a shard's headers begin: from, and up to but not including."""
    length = padded(-(-total // shards))
    return shard * length, (shard + 1) * length


def first_header(data: Slices, start: int, stop: int) -> int | None:
    """Where the first member in [start, stop) begins, as far as a chain of headers tells; None if none does."""
    low = start - LOOK_BACK
    if low <= 0:
        found = _follow(data, 0, start, exact=True)
        return found if found is not None and found < stop else None
    for candidate in _candidates(data, low, stop):
        found = _follow(data, candidate, start)
        if found is not None:
            return found if found < stop else None
    return None


def _candidates(data: Slices, start: int, stop: int) -> Iterator[int]:
    """Offsets of blocks that look like a header."""
    import numpy as np

    stop = min(stop, data.size)
    for at in range(start, stop, LEAP):
        read = data.read(at, min(LEAP, stop - at) // BLOCK * BLOCK)
        blocks = np.frombuffer(read[: len(read) // BLOCK * BLOCK], dtype=np.uint8).reshape(-1, BLOCK)
        alike = (blocks[:, 257:262] == np.frombuffer(MAGIC, dtype=np.uint8)).all(axis=1)
        for index in np.flatnonzero(alike):
            if is_header(blocks[index].tobytes()):
                yield at + int(index) * BLOCK


def _follow(data: Slices, candidate: int, start: int, exact: bool = False) -> int | None:
    """The first header at or behind `start` in the chain from `candidate`; None if the chain breaks.

    With `exact`, `candidate` is known to be a header: a break raises BrokenTar, and no chain is asked for.
    """
    reader, found, confirmed = LeapReader(data, candidate), None, 0
    while True:
        at = reader.position
        if found is None and at >= start:
            found = at
        if found is not None and (exact or confirmed >= CHAIN):
            return found if not exact or not _is_end(data, at) else None
        try:
            member = next_member(reader)
        except BrokenTar:
            if exact:
                raise
            return None
        if member is None:  # a tar within a member ends too, but more follows
            return found if found != at and _only_zeros(data, at) else None
        reader.skip(padded(member.size))
        confirmed += 1
        if reader.position > data.size:
            return None


def _is_end(data: Slices, at: int) -> bool:
    return not any(data.read(at, BLOCK))


def _only_zeros(data: Slices, start: int) -> bool:
    return not any(any(data.read(at, LEAP)) for at in range(start, data.size, LEAP))


def end_of(origins: Iterable[str]) -> int | None:
    """Where the next header begins behind members known by their origin (`name@offset+size`); None without any."""
    return max((offset + padded(size) for offset, size in map(place_of, origins)), default=None)


def origin_of(name: str, offset: int, size: int) -> str:
    """How ledgers tell where in an archive a photo's bytes lie."""
    return f"{name}@{offset}+{size}"


def place_of(origin: str) -> tuple[int, int]:
    """Offset and size in bytes from an origin."""
    offset, _, size = origin.rpartition("@")[2].partition("+")
    return int(offset), int(size)


def disagreements(ranges: Sequence[ByteRange], total: int) -> list[Disagreement]:
    """Shards whose seam with their predecessor is open, in order; empty proves that the cut is exact.

    `ranges` are those of all shards of an archive of `total` bytes. Only the first entry is certain: what follows
    it was measured against a range that is wrong itself.
    """
    expected, closed, found = 0, False, list[Disagreement]()
    for shard, each in enumerate(ranges):
        _, stop = bounds(total, len(ranges), shard)
        if each.end is None or each.end == each.first:  # no member: so must the shard before say
            if expected < stop and not closed:
                found.append(Disagreement(shard, expected, None))
            continue
        if each.first != expected or closed:
            found.append(Disagreement(shard, expected, each.first))
        expected, closed = each.end, each.closed
    if not closed and not found:
        found.append(Disagreement(len(ranges), expected, None))
    return found


def seams_agree(ranges: Sequence[ByteRange], total: int) -> bool:
    """Whether every shard begins where the one before it ended, from byte 0 to the end mark."""
    return not disagreements(ranges, total)
