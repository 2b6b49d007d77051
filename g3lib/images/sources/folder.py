"""A folder of a person's own photographs: where each was taken, by its EXIF or XMP, or the reason that is not known."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from g3lib.experiments.datasets import UNKNOWN, FolderSource
from g3lib.images.exif import Facts, NoPosition, Position, facts_of, side_car_of
from g3lib.images.exif.containers import kind_of
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import METADATA, PLACE_FIELDS, BadMetadata, Metadata
from g3lib.images.metadata.findings import Finding, as_table
from g3lib.images.photo import FORMATS, MAXIMUM_BYTES, Photo
from g3lib.images.sources import Offer, Place, Terms

ENDINGS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".gif"))
UNREAD_ENDINGS = frozenset((".tif", ".tiff", ".dng"))  # listed with their reason: their pixels are not read
POSITIONS = pl.Schema(
    {
        "photo": pl.String,  # path within the folder
        "lat": pl.Float64,  # degrees; null if unknown
        "lon": pl.Float64,
        "source": pl.String,  # exif, xmp or side-car; null if unknown
        "author": pl.String,
        "licence": pl.String,
        "refused": pl.String,  # the Fate of a file that cannot be used, else null
        "reason": pl.String,  # what was found, in words; empty if it can be used
    }
)


class _Listed(NamedTuple):
    """A file, what it tells, and why it cannot be used."""

    facts: Facts | None
    refused: NoPosition | None


@dataclass(frozen=True)
class Folder:
    """Files below one folder, in the order of their paths; hidden ones and what links lead out to are not read."""

    settings: FolderSource
    terms = Terms(fetched=False, account=None, note="your own photographs")

    def metadata(self, place: Place) -> Metadata:
        """A row for every file that is named like a photo; BadMetadata if there is no folder, or none in it."""
        root = self._root()
        positions = _positions(root, self._files(), self.settings, place)
        table = positions.select(
            pl.col("photo").alias("photo_id"),
            "author",
            "licence",
            "lat",
            "lon",
            pl.col("photo").alias("locator"),
            *(pl.lit(None, pl.String).alias(name) for name in PLACE_FIELDS),
            "refused",
        )
        return Metadata(table.match_to_schema(METADATA), as_table(_findings(positions)))

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """Names, sizes and times of change, digested, of a shard's files (None: all) and of their side-cars."""
        root = Path(self.settings.path).expanduser()
        if not root.is_dir():
            return {}
        files = files_below(root)
        digest = hashlib.sha256()
        for name in files if shard is None else files[place.rows(shard)]:
            digest.update(f"{name}\0{_stamp(root / name)}\n".encode("utf-8", "surrogateescape"))
        return {self.settings.path: digest.hexdigest()}

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The shard's photos; one that vanished, or tells something else than its row, is rejected by name."""
        root, rows = self._root(), place.rows(shard)
        names = ("photo_id", "lat", "lon", "author", "licence", "refused")
        facts = pl.scan_parquet(metadata).slice(rows.start, rows.stop - rows.start).select(names).collect()
        for photo_id, *told in facts.iter_rows():
            yield self._offer(root, photo_id, *told)

    def tidy(self, place: Place, shard: int) -> None:
        """The folder is its owner's: nothing is removed."""

    def _offer(
        self,
        root: Path,
        photo_id: str,
        lat: float | None,
        lon: float | None,
        author: str,
        licence: str,
        refused: str | None,
    ) -> Offer:
        data, listed = _look(root, photo_id)
        row = _row(photo_id, listed, self.settings)
        if refused is not None:
            reason = str(row["reason"]) if row["refused"] == refused else "as its facts say; it changed since"
            return Rejected(photo_id, Fate(refused), reason, photo_id)
        if listed.refused is not None and listed.refused.fate is Fate.UNREADABLE:
            return Rejected(photo_id, Fate.UNREADABLE, listed.refused.detail, photo_id)
        if (row["lat"], row["lon"], row["refused"]) != (lat, lon, None):
            found = f"{row['lat']}, {row['lon']}" if listed.refused is None else listed.refused.detail
            detail = f"changed since its facts were read: {found}, was {lat}, {lon}; materialize them again"
            return Rejected(photo_id, Fate.WRONG_DIGEST, detail, photo_id, bytes=len(data))
        return Photo(photo_id, data, lat, lon, author, licence, origin=photo_id)

    def _root(self) -> Path:
        root = Path(self.settings.path).expanduser()
        if not root.is_dir():
            raise BadMetadata(f"{root}: no such folder; `path` in the profile names your photographs' folder")
        return root

    def _files(self) -> list[str]:
        files = files_below(self._root())
        if not files:
            endings = " ".join(sorted(ENDINGS | UNREAD_ENDINGS))
            raise BadMetadata(f"{self._root()}: no file in it ends in {endings}; are they elsewhere?")
        return files


def position_table(folder: Path, author: str = UNKNOWN, licence: str = UNKNOWN) -> pl.DataFrame:
    """A person's photographs (schema POSITIONS) with position or reason; BadMetadata if there are none."""
    source = Folder(FolderSource(path=str(folder), author=author, licence=licence))
    return _positions(source._root(), source._files(), source.settings, None)


def files_below(root: Path) -> list[str]:
    """Paths below a folder that are named like photos, sorted; what lies behind links to folders is left alone."""
    found = list[str]()
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS | UNREAD_ENDINGS:
                found.append((Path(folder) / name).relative_to(root).as_posix())
    return sorted(found)


def _positions(root: Path, files: list[str], settings: FolderSource, place: Place | None) -> pl.DataFrame:
    rows = list[dict[str, object]]()
    for number, name in enumerate(files, 1):
        rows.append(_row(name, _look(root, name)[1], settings))
        if place is not None and (number % 500 == 0 or number == len(files)):
            place.report(f"{number:,} of {len(files):,} photographs read")
    return pl.DataFrame(rows, schema=POSITIONS)


def _look(root: Path, name: str) -> tuple[bytes, _Listed]:
    """A file's bytes (none if it is not to be read), and what it tells."""
    path = root / name
    try:
        if any("\ud800" <= letter <= "\udfff" for letter in name):  # bytes that no Unicode name has
            return b"", _Listed(None, NoPosition(Fate.NO_ID, "its name is not Unicode: rename it"))
        if not path.resolve(strict=True).is_relative_to(root.resolve()):
            return b"", _Listed(None, NoPosition(Fate.NOT_A_FILE, "a link that leads out of the folder"))
        if not path.is_file():
            return b"", _Listed(None, NoPosition(Fate.NOT_A_FILE, "a folder, device or pipe"))
        if path.stat().st_size > MAXIMUM_BYTES:
            found = f"{path.stat().st_size:,} bytes, {MAXIMUM_BYTES:,} are the limit"
            return b"", _Listed(None, NoPosition(Fate.TOO_MANY_BYTES, found))
        data = path.read_bytes()
        return data, _judged(data, side_car_of(path))
    except (OSError, RuntimeError) as problem:  # vanished, forbidden, or links in a circle
        reason = problem.strerror if isinstance(problem, OSError) else None
        return b"", _Listed(None, NoPosition(Fate.UNREADABLE, reason or str(problem)))


def _judged(data: bytes, side_car: bytes) -> _Listed:
    facts = facts_of(data, side_car)
    if isinstance(facts.position, NoPosition):
        return _Listed(facts, facts.position)
    if kind_of(data) not in FORMATS:  # a raw file: its position is told, its pixels are not read
        found = f"a TIFF or raw file; photos are {', '.join(FORMATS)}: export it as one of them"
        return _Listed(facts, NoPosition(Fate.NOT_AN_IMAGE, found))
    return _Listed(facts, None)


def _row(name: str, listed: _Listed, settings: FolderSource) -> dict[str, object]:
    facts, refused = listed
    position = facts.position if facts and isinstance(facts.position, Position) else None
    return {
        "photo": name.encode("utf-8", "backslashreplace").decode(),
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "source": position.source if position else None,
        "author": (facts.author if facts else "") or settings.author,
        "licence": (facts.licence if facts else "") or settings.licence,
        "refused": refused.fate.value if refused else None,
        "reason": refused.detail if refused else "",
    }


def _findings(positions: pl.DataFrame) -> list[Finding]:
    """One for each fate, with its first file; and how many positions XMP told."""
    found = list[Finding]()
    for (fate,), some in positions.drop_nulls("refused").group_by("refused", maintain_order=True):
        found.append(Finding(str(fate), "refused", some.height, some["reason"][0], some["photo"][0]))
    used = positions.filter(pl.col("refused").is_null() & (pl.col("source") != "exif"))
    for (source,), some in used.group_by("source", maintain_order=True):
        detail = "EXIF tells no position that can be used, XMP does"
        found.append(Finding(f"position_from_{source}", "noted", some.height, detail, some["photo"][0]))
    return found


def _stamp(path: Path) -> str:
    """Size and time of change of a file and of what may be its side-car."""
    beside = (path, *(path.with_name(path.name + end) for end in (".xmp", ".XMP")))
    beside = (*beside, path.with_suffix(".xmp"), path.with_suffix(".XMP"))
    stats = [each.stat() for each in beside if each.exists()]
    return " ".join(f"{stat.st_size}/{stat.st_mtime_ns}" for stat in stats)
