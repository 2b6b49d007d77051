"""Place Pulse 2.0: places from its public votes, their Street View images from an archive that one must have.

Images bear Google's watermark in their lowest 25 pixels. It is not cropped here: photos are stored as they came, and
who prepares pixels for a model decides.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from g3lib.experiments.datasets import PlacePulseSource
from g3lib.images.archives.members import photos_from_archive
from g3lib.images.archives.names import base_name, is_image, stem
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now

VOTES_MD5 = "55d2da3bafac0521722bab517fa715c9"
VOTES_HINT = "get votes_clean.csv from figshare, DOI 10.6084/m9.figshare.11859993 (CC BY 4.0)"
IMAGES_HINT = "the images (place-pulse-2.0.zip, or its unpacked folder) are asked of Place Pulse's authors"


@dataclass(frozen=True)
class PlacePulse:
    """Places cut into shards by rows; an image's name tells its place as its third part by underscores."""

    settings: PlacePulseSource
    terms = Terms(
        fetched=False,
        account=None,
        note="the votes are CC BY 4.0; the images are Google Street View, not redistributable, and are never fetched",
    )

    def metadata(self, place: Place) -> Metadata:
        """Every place of the votes' side once, checked; votes other than figshare's version 1 are noted."""
        from g3lib.images.metadata.findings import Finding, as_table
        from g3lib.images.metadata.place_split import one_side
        from g3lib.images.metadata.reading import read_metadata

        path = self._there(place, self.settings.votes, VOTES_HINT)
        found = read_metadata(path, "place-pulse")
        digest = _md5(path)
        if digest == VOTES_MD5:
            return one_side(found, self.settings)
        detail = f"md5 {digest}, not {VOTES_MD5} of figshare's version 1: another edition, or a changed file"
        other = as_table([Finding("other_edition", "noted", found.table.height, detail)])
        return one_side(replace(found, findings=pl.concat([found.findings, other])), self.settings)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The votes; or the archive of images."""
        return as_of_now(place.incoming / (self.settings.votes if shard is None else self.settings.archive))

    def tidy(self, place: Place, shard: int) -> None:
        """Nothing was fetched for a shard."""

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """Each place of the shard once; images of places without votes are told by the first shard."""
        archive = self._there(place, self.settings.archive, IMAGES_HINT)
        rows, table = place.rows(shard), pl.scan_parquet(metadata)
        wanted = table.slice(rows.start, rows.stop - rows.start).collect()
        known = {*table.select("photo_id").collect()["photo_id"], *place.others()["photo_id"]}

        def name_of(path: str) -> str | None:
            found = place_of(path)
            return found if found in known else None

        yield from photos_from_archive(archive, wanted, name_of, unlisted=shard == 0)

    def _there(self, place: Place, name: str, hint: str) -> Path:
        path = place.incoming / name
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing; put it there yourself: {hint}; "
                "`votes` and `archive` of the profile name the files"
            )
        return path


def place_of(path: str) -> str | None:
    """The place whose image a member of the archive is, by its name; None for anything else.

    `images/52.0_13.4_513d7e23fdc9f0358700733f_Berlin.JPG` is of place 513d7e23fdc9f0358700733f.
    """
    parts = stem(base_name(path)).split("_")
    return parts[2] if is_image(path) and len(parts) > 2 else None


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
