"""Photos on disk: WebDataset tars (key.jpg + key.json), each with a Parquet manifest of its rows.

The manifest is the commit: it names the tar's SHA-256, so a tar without its manifest is not there and
a tar that differs from it is corrupt.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from g3lib.images.archives.tar_writer import TarWriter
from g3lib.images.fates import LEDGER, Fate, Rejected
from g3lib.images.inspecting import Look, inspected
from g3lib.images.photo import BadPhoto, Limits, Photo

MANIFEST = pl.Schema(
    {
        "dataset": pl.String,
        "photo_id": pl.String,
        "author": pl.String,
        "licence": pl.String,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "width": pl.Int32,
        "height": pl.Int32,
        "bytes": pl.Int64,
        "sha256": pl.String,
        "dhash": pl.UInt64,
        "shard": pl.String,
        "member": pl.String,
        "offset": pl.Int64,
    }
)
NO_LIMITS = Limits()
_JSON = json.JSONEncoder(sort_keys=True)


class CorruptShard(RuntimeError):
    """A tar that is not what its manifest says."""


class Shard(NamedTuple):
    """What a tar holds (schema MANIFEST), and what became of every photo that was offered (schema LEDGER)."""

    manifest: pl.DataFrame
    ledger: pl.DataFrame


def write_shard(
    tar_path: Path,
    dataset: str,
    shard: str,
    offers: Iterable[Photo | Rejected],
    limits: Limits = NO_LIMITS,
) -> Shard:
    """Write photos to a tar at `tar_path`; every offer, stored or not, has its row in the ledger.

    Equal photos give equal bytes, in the order in which they were offered. Photos are inspected in threads, a
    few ahead of the one being written, so memory does not grow with their number.
    """
    rows, ledger, seen = list[dict[str, object]](), list[dict[str, object]](), set[str]()
    where = {"dataset": dataset, "shard": shard}
    with TarWriter(tar_path) as tar:
        for offer, look in inspected(offers, limits):
            judged = offer if isinstance(offer, Rejected) else _judged(offer, look, seen)
            if isinstance(judged, Rejected):
                ledger.append(where | _absence(judged))
                continue
            photo, (inspection, sha256) = judged
            seen.add(photo.photo_id)
            key = f"{len(rows):06d}-{hashlib.sha256(photo.photo_id.encode()).hexdigest()[:12]}"
            member = f"{key}.{inspection.extension}"
            facts = {"dataset": dataset} | _facts(photo)
            tar.add(f"{key}.json", _JSON.encode(facts).encode())
            offset = tar.add(member, photo.data)
            seen_as = {"width": inspection.width, "height": inspection.height, "dhash": inspection.dhash}
            digest = {"bytes": len(photo.data), "sha256": sha256}
            rows.append(facts | seen_as | digest | {"shard": shard, "member": member, "offset": offset})
            ledger.append(where | _presence(photo) | digest)
    return Shard(pl.DataFrame(rows, schema=MANIFEST), pl.DataFrame(ledger, schema=LEDGER))


def _judged(photo: Photo, look: Look | BadPhoto | None, seen: set[str]) -> tuple[Photo, Look] | Rejected:
    """The photo with what a look told, or why it is left out."""
    if _printable(photo.photo_id) != photo.photo_id:  # a file name's bytes, from a folder
        look = BadPhoto(Fate.NO_ID, "its id is not Unicode")
    elif photo.photo_id in seen:
        look = BadPhoto(Fate.DUPLICATE_ID, "its id occurs twice in this shard")
    if isinstance(look, Look):
        return photo, look
    assert look is not None
    fate, detail, way = look.fate, look.detail, (photo.origin, photo.http_status, photo.attempts)
    return Rejected(_printable(photo.photo_id), fate, detail, *way, len(photo.data))


def _printable(photo_id: str) -> str:
    return photo_id.encode("utf-8", "backslashreplace").decode()


def _facts(photo: Photo) -> dict[str, object]:
    return {name: getattr(photo, name) for name in ("photo_id", "author", "licence", "lat", "lon")}


def _presence(photo: Photo) -> dict[str, object]:
    way = {name: getattr(photo, name) for name in ("photo_id", "origin", "http_status", "attempts")}
    return way | {"fate": Fate.STORED.value, "origin": _printable(photo.origin)}


def _absence(rejected: Rejected) -> dict[str, object]:
    names = ("http_status", "attempts", "bytes")
    texts = ("photo_id", "detail", "origin")  # from outside: may hold what is no Unicode
    return (
        {name: getattr(rejected, name) for name in names}
        | {name: _printable(getattr(rejected, name)) for name in texts}
        | {"fate": rejected.fate.value}
    )


def read_shard(tar_path: Path, manifest: pl.DataFrame, sha256: str | None = None) -> Iterator[bytes]:
    """The photos' bytes in manifest order, each checked against the manifest's digest.

    With `sha256` the whole tar is checked first. Raises CorruptShard naming tar, finding and remedy.
    """
    remedy = f"delete {tar_path} and run again: its shard is made anew"
    try:
        with tar_path.open("rb") as handle:
            if sha256 is not None:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
                if found != sha256:
                    raise CorruptShard(
                        f"{tar_path}: SHA-256 is {found[:12]}…, its manifest says {sha256[:12]}…; {remedy}"
                    )
            for row in manifest.select("photo_id", "offset", "bytes", "sha256").iter_rows():
                photo_id, offset, size, expected = row
                handle.seek(offset)
                data = handle.read(size)
                if hashlib.sha256(data).hexdigest() != expected:
                    raise CorruptShard(f"{tar_path}: photo {photo_id} at byte {offset} is damaged; {remedy}")
                yield data
    except FileNotFoundError as problem:
        raise CorruptShard(f"{tar_path} is missing; run again: its shard is made anew") from problem
