"""Photos that are fetched one by one: from a shard's rows of facts and an address for each to the shard's offers."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl
from filelock import FileLock, Timeout

from g3lib.experiments.datasets import UNKNOWN, DownloadSettings
from g3lib.images.download import Delivered, Request, download
from g3lib.images.fates import Fate, Rejected
from g3lib.images.photo import Photo
from g3lib.images.sources import Offer, Place

Row = dict[str, object]  # of METADATA


class Address(NamedTuple):
    """Where a photo is, and where else if it is not there."""

    url: str
    fallback: str | None = None


def spool_of(place: Place, shard: int) -> Path:
    """The folder for a shard's photos while they are fetched; `download.discard` it once the shard is committed.

    Datasets that share a folder have spools of their own.
    """
    spools = place.incoming / ".spool"
    own = spools if place.dataset.incoming is None else spools / place.dataset.name
    return own / f"shard-{shard:06d}"


def fetched(
    place: Place,
    shard: int,
    metadata: Path,
    settings: DownloadSettings,
    address: Callable[[str], Address | None],
) -> Iterator[Offer]:
    """Every row of the shard once, in their order; `address` makes a row's locator an address, or None if it is none.

    Raises what `download` does.
    """
    rows = place.rows(shard)
    frame = pl.scan_parquet(metadata).slice(rows.start, rows.stop - rows.start).collect()
    offers = [_request(row, address) for row in frame.iter_rows(named=True)]
    arrivals = download(
        [offer for offer in offers if isinstance(offer, Request)],
        settings,
        spool_of(place, shard),
        stored=place.stored,
        report=place.report,
        turn=_turn(place),
    )
    with closing(arrivals):  # gives the spool back at once
        for row, offer in zip(frame.iter_rows(named=True), offers, strict=True):
            if isinstance(offer, Rejected):
                yield offer
                continue
            arrival = next(arrivals)
            yield _photo(row, arrival) if isinstance(arrival, Delivered) else arrival


@contextmanager
def _turn(place: Place) -> Iterator[None]:
    """One shard at a time asks, of all that share a home: what a host is asked to bear counts for all of them."""
    lock = FileLock(place.incoming.parent / ".asking.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        place.report("another shard is being fetched; this one waits: hosts are asked at one shard's rate")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _request(row: Row, address: Callable[[str], Address | None]) -> Request | Rejected:
    """What to ask for a row's photo, or why nothing is asked."""
    photo_id, locator, author = str(row["photo_id"]), row["locator"], str(row["author"])
    if row["refused"]:
        return Rejected(photo_id, Fate(str(row["refused"])), "its record; see the dataset's findings")
    if not locator:
        return Rejected(photo_id, Fate.NO_ADDRESS, "its record names no address")
    found = address(str(locator))
    if found is None:
        return Rejected(photo_id, Fate.NO_ADDRESS, f"no address can be made of {str(locator)[:200]!r}")
    return Request(photo_id, found.url, None if author == UNKNOWN else author, found.fallback)


def _photo(row: Row, arrival: Delivered) -> Photo:
    lat, lon = row["lat"], row["lon"]
    return Photo(
        arrival.photo_id,
        arrival.data,
        lat if isinstance(lat, float) else None,
        lon if isinstance(lon, float) else None,
        str(row["author"]),
        str(row["licence"]),
        arrival.url,
        arrival.http_status,
        arrival.attempts,
    )
