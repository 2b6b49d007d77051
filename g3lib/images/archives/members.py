"""The photos of a test set from its archive: every wanted row once, in the order of its metadata."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from g3lib.images.archives.containers import Container, Entry, opened
from g3lib.images.archives.names import base_name, stem
from g3lib.images.fates import Fate, Rejected
from g3lib.images.photo import BadPhoto, Photo

Row = dict[str, Any]


def keys_of(photo_id: str | None, locator: str | None) -> list[str]:
    """The names under which an archive may hold a photo: its locator as it is or its stem, and its id's stem."""
    keys = [] if locator is None else [locator, stem(locator)]
    return [*keys, *([] if photo_id is None else [stem(photo_id)])]


def photos_from_archive(
    archive: Path,
    wanted: pl.DataFrame,
    name_of: Callable[[str], str | None],
    *,
    unlisted: bool = False,
) -> Iterator[Photo | Rejected]:
    """Each row of `wanted` (schema METADATA) once, in its order, from a zip, a tar (plain or gzip) or a folder.

    `name_of` tells from a member's path the key of its row (see `keys_of`), or None if no row of the dataset has it;
    with `unlisted`, files of no row follow at the end. Raises FileNotFoundError, BrokenArchive or BrokenTar.
    """
    rows = wanted.to_dicts()
    index = {
        key: number
        for number, row in reversed(list(enumerate(rows)))
        for key in keys_of(row["photo_id"], row["locator"])
    }

    def number_of(path: str) -> int | None:
        key = name_of(path)
        return None if key is None else index.get(key)

    with opened(archive, lambda path: number_of(path) is not None) as container:
        found, strangers = dict[int, Entry](), list[Entry]()
        for entry in container.entries():
            number = number_of(entry.path)
            if number is not None and (number not in found or _better(entry, found[number])):
                found[number] = entry
            elif unlisted and number is None and _is_stranger(entry, name_of):
                strangers.append(entry)
        for number, row in enumerate(rows):
            yield _offer(container, row, found.get(number))
        yield from _unlisted(strangers)


def _better(entry: Entry, other: Entry) -> bool:
    """Of two members under one name, the one that can be a photo; of two such, the first."""
    return other.problem is not None and entry.problem is None


def _is_stranger(entry: Entry, name_of: Callable[[str], str | None]) -> bool:
    return not entry.path.endswith("/") and name_of(entry.path) is None


def _unlisted(entries: Sequence[Entry]) -> Iterator[Rejected]:
    for entry in entries:
        fate, detail = entry.problem or (Fate.UNLISTED, "no row of the metadata has its name")
        yield Rejected(base_name(entry.path), fate, detail, entry.origin, bytes=entry.size)


def _offer(container: Container, row: Row, entry: Entry | None) -> Photo | Rejected:
    name = row["photo_id"] or ""
    origin, size = (entry.origin, entry.size) if entry else ("", None)
    if row["refused"] is not None:
        return Rejected(
            name, Fate(row["refused"]), "its row of the metadata cannot be used", origin, bytes=size
        )
    if entry is None:
        return Rejected(name, Fate.NOT_IN_ARCHIVE, "no file of the archive has its name")
    if entry.problem is not None:
        return Rejected(name, *entry.problem, origin=origin, bytes=size)
    try:
        data = container.read(entry)
    except BadPhoto as problem:
        return Rejected(name, problem.fate, problem.detail, origin, bytes=size)
    return Photo(name, data, row["lat"], row["lon"], row["author"], row["licence"], origin)
