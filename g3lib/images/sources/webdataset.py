"""Tars that somebody already has, with a table of their photos' facts, in incoming."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from g3lib.experiments.datasets import WebDatasetSource
from g3lib.images.archives.lookup import Lookup
from g3lib.images.archives.names import is_image
from g3lib.images.archives.resharding import photos_of
from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import BrokenTar
from g3lib.images.archives.tar_stream import members, stream_from
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now

TABLES = ("metadata.parquet", "metadata.csv")


@dataclass(frozen=True)
class WebDataset:
    """The index-th tar in the order of their names is a shard.

    A member's id is its base name without an image's ending; MP16-Pro's `/` to `_` renaming is undone by comparing
    that form.
    """

    settings: WebDatasetSource
    terms = Terms(fetched=False, account=None, note="whatever the tars' owner asks")

    def metadata(self, place: Place) -> Metadata:
        """Facts from `metadata.parquet` or `metadata.csv`: photo_id (or IMG_ID), lat, lon, and author if known."""
        from g3lib.images.metadata.reading import read_metadata

        found = [place.incoming / name for name in TABLES if (place.incoming / name).exists()]
        if not found:
            raise FileNotFoundError(
                f"{place.incoming} has no metadata.csv or metadata.parquet; it needs photo_id, lat, lon and author"
            )
        return read_metadata(found[0], "any")

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The table; or the shard's tar."""
        if shard is None:
            return as_of_now(*(place.incoming / name for name in TABLES))
        return as_of_now(*_tars(place.incoming)[shard : shard + 1])

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The members of one tar, in its order, but for the side-cars of listed photos.

        Raises FileNotFoundError if there are fewer tars, ValueError naming a tar that is damaged.
        """
        tars = _tars(place.incoming)
        if shard >= len(tars):
            raise FileNotFoundError(
                f"{place.incoming} holds {len(tars)} tars, shard {shard} of {place.dataset.shards} asks for one "
                f"more; put the photos of {place.dataset.name} there as WebDataset tars, or lower `shards` in the "
                "profile"
            )
        lookup = Lookup.of(metadata, place.incoming)
        with Slices.of_files(tars[shard]) as data:
            found = members(stream_from(data, 0, data.size), garbage=place.report)
            try:
                yield from _without_sidecars(photos_of(found, lookup), lookup)
            except BrokenTar as problem:
                raise ValueError(f"{tars[shard]}: damaged, or no uncompressed tar: {problem}") from problem

    def tidy(self, place: Place, shard: int) -> None:
        """Nothing was fetched."""


def _tars(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def _without_sidecars(offers: Iterable[Offer], lookup: Lookup) -> Iterator[Offer]:
    """Without the texts and labels that share a listed photo's name, as is usual in WebDataset tars."""
    for offer in offers:
        if isinstance(offer, Rejected) and offer.fate is Fate.UNLISTED and not is_image(offer.photo_id):
            front = offer.photo_id.rpartition(".")[0] or offer.photo_id
            if lookup.facts([front])[0] is not None:
                continue
        yield offer
