"""Photos on disk: WebDataset tars (key.jpg + key.json), each with a Parquet manifest of its rows.

The manifest is the commit: it names the tar's SHA-256, so a tar without its manifest is not there and
a tar that differs from it is corrupt.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from g3lib.images.photo import BadPhoto, Photo, size_of

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
        "shard": pl.String,
        "member": pl.String,
        "offset": pl.Int64,
    }
)
REJECTED = pl.Schema({"photo_id": pl.String, "reason": pl.String})


class CorruptShard(RuntimeError):
    """A tar that is not what its manifest says."""


def write_shard(
    tar_path: Path, dataset: str, shard: str, photos: Iterable[Photo]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write photos to a tar at `tar_path`; (manifest, rejected photos with their reasons).

    Equal photos give equal bytes. Photos that do not decode, or repeat an id, are left out and reported.
    """
    rows, rejected, seen = list[dict[str, object]](), list[dict[str, str]](), set[str]()
    with tarfile.open(tar_path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for photo in photos:
            try:
                if photo.photo_id in seen:
                    raise BadPhoto("its id occurs twice in this shard")
                if _printable(photo.photo_id) != photo.photo_id:
                    raise BadPhoto("its id is not Unicode")  # a file name's bytes, from an inbox
                width, height = size_of(photo.data)
            except BadPhoto as problem:
                rejected.append({"photo_id": _printable(photo.photo_id), "reason": str(problem)})
                continue
            seen.add(photo.photo_id)
            key = f"{len(rows):06d}-{hashlib.sha256(photo.photo_id.encode()).hexdigest()[:12]}"
            member = f"{key}.{photo.extension}"
            _add(tar, f"{key}.json", json.dumps(_facts(dataset, photo), sort_keys=True).encode())
            offset = _add(tar, member, photo.data)
            rows.append(
                _facts(dataset, photo)
                | {"width": width, "height": height, "bytes": len(photo.data)}
                | {"sha256": hashlib.sha256(photo.data).hexdigest()}
                | {"shard": shard, "member": member, "offset": offset}
            )
    return pl.DataFrame(rows, schema=MANIFEST), pl.DataFrame(rejected, schema=REJECTED)


def _printable(photo_id: str) -> str:
    return photo_id.encode("utf-8", "backslashreplace").decode()


def _facts(dataset: str, photo: Photo) -> dict[str, object]:
    names = ("photo_id", "author", "licence", "lat", "lon")
    return {"dataset": dataset} | {name: getattr(photo, name) for name in names}


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> int:
    """Append a member with fixed metadata; the offset of its first byte."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    offset = tar.offset + tarfile.BLOCKSIZE
    tar.addfile(info, io.BytesIO(data))
    return offset


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
