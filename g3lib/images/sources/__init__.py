"""Where a dataset's photos come from: one door, one small module per kind of source.

A source tells the facts of its dataset once (`metadata`), and brings the photos of one shard (`photos`): every photo of
the shard comes out exactly once, as a Photo or as a Rejected with its reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import polars as pl

from g3lib.experiments.datasets import Dataset
from g3lib.images.fates import Rejected
from g3lib.images.metadata import Metadata
from g3lib.images.metadata.table import LEFT_OUT
from g3lib.images.photo import Photo

Offer = Photo | Rejected


@dataclass(frozen=True)
class Terms:
    """What a source's owner asks: whether it is fetched for you, the account it takes, and in which words."""

    fetched: bool
    account: str | None
    note: str


@dataclass(frozen=True)
class Place:
    """Where a source works: its dataset, the folder for what comes from outside, and who hears of progress."""

    dataset: Dataset
    incoming: Path  # G3_HOME/incoming/<the dataset's folder>
    report: Callable[[str], None] = lambda _: None
    stored: Callable[[str], bytes | None] = lambda _: (
        None
    )  # by origin: what the shard holds from its last making
    left_out: Path | None = None  # Parquet of LEFT_OUT, if the dataset takes a part of what its files tell

    def rows(self, shard: int) -> slice:
        """The rows of the metadata that one shard holds, where a source is cut by rows."""
        start = shard * self.dataset.photos_per_shard
        return slice(start, start + self.dataset.photos_per_shard)

    def others(self) -> pl.DataFrame:
        """Photos (schema LEFT_OUT) that the files tell of and the dataset does not take: no strangers in an archive."""
        return LEFT_OUT.to_frame() if self.left_out is None else pl.read_parquet(self.left_out)


class Source(Protocol):
    """What every kind of source can do."""

    terms: Terms

    def metadata(self, place: Place) -> Metadata:
        """The facts of every photo of the dataset, checked; BadMetadata if the file is not what it should be."""
        ...

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The photos of one shard; `metadata` is the Parquet file of this dataset's checked facts."""
        ...

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """Files from outside that a shard (None: the metadata) is made of, as of now; what is absent is left out."""
        ...

    def tidy(self, place: Place, shard: int) -> None:
        """Remove what was fetched for a shard, once that is committed."""
        ...


# kind of a profile's source: the module and class that serve it, loaded when they are needed
_SOURCES = {
    "blue-marble": ("blue_marble", "BlueMarble"),
    "webdataset": ("webdataset", "WebDataset"),
    "mp16-pro": ("mp16_pro", "Mp16Pro"),
    "url-list": ("url_list", "UrlList"),
    "multimedia-commons": ("multimedia_commons", "MultimediaCommons"),
    "archive": ("archive", "Archive"),
    "osv5m": ("osv5m", "Osv5m"),
    "place-pulse": ("place_pulse", "PlacePulse"),
    "folder": ("folder", "Folder"),
}


def source_of(dataset: Dataset) -> Source:
    """The reader for whatever kind of source a dataset's profile names."""
    module, name = _SOURCES[dataset.source.kind]
    reader = getattr(import_module(f"g3lib.images.sources.{module}"), name)
    source: Source = reader(dataset.source)
    return source


def facts_of(place: Place) -> Metadata:
    """The dataset's checked facts: of those that its source tells, the rows that it takes.

    Raises what the source does, and BadMetadata if nothing is left within its cities.
    """
    found, within = source_of(place.dataset).metadata(place), place.dataset.within
    if within is None:
        return found
    from g3lib.images.metadata.within import read_cities, within_cities

    return within_cities(found, within, read_cities(within, place.incoming))


def facts_observed(place: Place) -> dict[str, str]:
    """Files from outside that `facts_of` reads, as of now; what is absent is left out."""
    found, within = source_of(place.dataset).observed(place, None), place.dataset.within
    if within is None:
        return found
    from g3lib.images.metadata.within import own_cities

    cities = own_cities(within, place.incoming)
    return found if cities is None else found | as_of_now(cities)


def as_of_now(*paths: Path) -> dict[str, str]:
    """Size and time of change of those files that exist, by name: enough to notice that one was replaced."""
    stats = {path.name: path.stat() for path in paths if path.is_file()}
    return {name: f"{stat.st_size} bytes, {stat.st_mtime_ns} ns" for name, stat in stats.items()}
