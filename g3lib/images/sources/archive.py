"""A published test set that somebody fetched: its zip, tar or unpacked folder, and its metadata file, in incoming."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.experiments.datasets import ArchiveSource
from g3lib.images.archives.members import keys_of, photos_from_archive
from g3lib.images.archives.names import is_image, stem
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now

DEEPEST = 3  # folders of an unpacked set that may be part of an id: 45/77/3228511372.jpg

HINTS = {
    "im2gps": "IM2GPS's photos are gps_query_imgs.zip on the project's page at Carnegie Mellon",
    "im2gps3k": "IM2GPS3k's photos are im2gps3ktest.zip, shared by its authors on MediaFire",
    "yfcc4k": "YFCC4k's photos are yfcc4k.zip, shared by its authors on MediaFire",
    "yfcc26k": "YFCC26k's photos come by their URLs, or in archives that people share",
    "any": "any zip, tar, tar.gz or folder of photos will do",
}


@dataclass(frozen=True)
class Archive:
    """Rows of the metadata cut into shards; each row's photo is looked for by its name."""

    settings: ArchiveSource
    terms = Terms(
        fetched=False,
        account=None,
        note="fetch it yourself: file hosts ask for a person; each photo keeps its photographer's rights",
    )

    def metadata(self, place: Place) -> Metadata:
        """The facts from the file the profile names; FileNotFoundError says what to put where."""
        from g3lib.images.metadata.reading import read_metadata

        path = self._there(place, self.settings.metadata)
        return read_metadata(path, self.settings.publication)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The metadata file; or the archive, and of a folder each file."""
        path = place.incoming / (self.settings.metadata if shard is None else self.settings.archive)
        if not path.is_dir():
            return as_of_now(path)
        changed = max(
            (each.stat().st_mtime_ns for each in [path, *path.rglob("*")] if each.exists()), default=0
        )
        return {path.name: f"{sum(1 for _ in path.rglob('*'))} entries, {changed} ns"}

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """Each row of the shard once; the first shard also tells of files that no row has."""
        archive, rows, table = (
            self._there(place, self.settings.archive),
            place.rows(shard),
            pl.scan_parquet(metadata),
        )
        wanted = table.slice(rows.start, rows.stop - rows.start).collect()
        names = [table.select("photo_id", "locator").collect(), place.others().select("photo_id", "locator")]
        known = {
            key for photo_id, locator in pl.concat(names).iter_rows() for key in keys_of(photo_id, locator)
        }
        yield from photos_from_archive(archive, wanted, _finder(known), unlisted=shard == 0)

    def tidy(self, place: Place, shard: int) -> None:
        """Nothing was fetched."""

    def _there(self, place: Place, name: str) -> Path:
        path = place.incoming / name
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing; put it there yourself: {HINTS[self.settings.publication]}; "
                "`archive` and `metadata` of the profile name the files"
            )
        return path


def _finder(known: set[str]) -> Callable[[str], str | None]:
    """From a member's path to the key of its row, by its base name, or with folders that belong to its id."""

    def name_of(path: str) -> str | None:
        parts = path.replace("\\", "/").split("/")
        if not is_image(path):
            return None
        names = ("_".join(parts[-depth:]) for depth in range(1, DEEPEST + 1))
        return next((key for name in names for key in (name, stem(name)) if key in known), None)

    return name_of
