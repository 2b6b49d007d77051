"""Tars in memory, cut in slices, and what a faithful reader finds in them."""

import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from g3lib.images.archives.seams import ByteRange, bounds, first_header
from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import BrokenTar, Kind, Member
from g3lib.images.archives.tar_stream import members, stream_from

Found = tuple[Member, bytes | None]


def tar_of(files: Iterable[tuple[str, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of plain files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def cut(data: bytes, folder: Path, places: Sequence[int] = ()) -> list[Path]:
    """The bytes as files, cut at these places."""
    folder.mkdir(parents=True, exist_ok=True)
    edges, paths = [0, *sorted(places), len(data)], list[Path]()
    for number, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):  # noqa: RUF007
        paths.append(folder / f"part{number:02d}")
        paths[-1].write_bytes(data[start:stop])
    return paths


def found_in(data: Slices, start: int = 0, stop: int | None = None) -> list[Found]:
    """All members of a stretch."""
    stop = data.size if stop is None else stop
    return list(members(stream_from(data, start, stop), stop))


def as_tarfile_reads(data: bytes) -> list[tuple[str, int, int]]:
    """Names, offsets and sizes of plain files, by the standard library."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(each.name, each.offset_data, each.size) for each in tar if each.isreg()]


def plain(found: Iterable[Found]) -> list[tuple[str, int, int]]:
    """The same of what we read."""
    return [(each.name, each.offset, each.size) for each, _ in found if each.kind is Kind.FILE]


def shard(data: Slices, shards: int, index: int, start: int | None = None) -> tuple[ByteRange, list[Found]]:
    """One shard by itself: its range, and its members."""
    low, stop = bounds(data.size, shards, index)
    first = start if start is not None else first_header(data, low, stop)
    if first is None:
        return ByteRange(None, None), []
    try:
        found = list(members(stream_from(data, first, stop), stop))
    except BrokenTar:
        if start is not None or index == 0:
            raise
        return ByteRange(first, None), []  # its first header was no member of this tar
    if not found:
        return ByteRange(None, None), []
    end = found[-1][0].end
    return ByteRange(first, end, not any(data.read(end, 512))), found
