"""The watched folder: photos that somebody drops there, taken in batches, never moved or changed.

A batch is a list of file names in `.batches`, written once, so that a batch means the same files for ever.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from g3lib.experiments.datasets import UNKNOWN
from g3lib.images.photo import Photo
from g3lib.images.sources.folder import ENDINGS
from g3lib.store.files import replacing

SECONDS_AT_REST = 2.0  # a file younger than that may still be being copied


def batches(inbox: Path) -> dict[str, list[str]]:
    """File names of every batch taken so far."""
    lists = sorted((inbox / ".batches").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in lists}


def new_files(inbox: Path, now: float | None = None) -> list[str]:
    """Names of photos at rest in the inbox that belong to no batch yet."""
    taken = {name for names in batches(inbox).values() for name in names}
    before = (now or time.time()) - SECONDS_AT_REST
    return sorted(
        path.name
        for path in inbox.glob("*")
        if path.suffix.lower() in ENDINGS
        and path.is_file()
        and path.name not in taken
        and path.stat().st_mtime <= before
    )


def take_batch(inbox: Path, names: list[str]) -> str:
    """Write a batch of these files and return its key; the same files give the same key."""
    sizes = [(name, (inbox / name).stat().st_size) for name in names]
    key = "inbox-" + hashlib.sha256(json.dumps(sizes).encode()).hexdigest()[:12]
    with replacing(inbox / ".batches" / f"{key}.json") as scratch:
        scratch.write_text(json.dumps(names), encoding="utf-8")
    return key


def inbox_photos(inbox: Path, batch: str) -> Iterator[Photo]:
    """The photos of a batch; where they were taken is unknown, as is who took them."""
    known = batches(inbox)
    if batch not in known:
        raise FileNotFoundError(f"no batch {batch} in {inbox / '.batches'}; the inbox sensor writes them")
    for name in known[batch]:
        path = inbox / name
        yield Photo(name, path.read_bytes(), None, None, UNKNOWN, UNKNOWN, origin=name)
