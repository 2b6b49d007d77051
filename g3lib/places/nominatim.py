"""Place names from a Nominatim server, as MP16-Pro's were, for those who run one.

Slower than `geocode` by four orders of magnitude and better: OpenStreetMap's borders of states, counties and
neighbourhoods instead of the nearest GeoNames place. The table is the same but for `source`. Every answer is
journalled before it counts, so a run that is killed goes on where it was.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from g3lib.geo import geodesic_km
from g3lib.places.curve import along_curve, positions
from g3lib.places.geocoding import SCHEMA, geocode
from g3lib.places.journal import Answer, Journal, Key, address_of

PUBLIC = "nominatim.openstreetmap.org"
PUBLIC_LIMIT = 300  # positions of one call
POLICY = "https://operations.osmfoundation.org/policies/nominatim/"
PER_DEGREE = 10_000

# the parts of a Nominatim address that may fill a field, the best first
PARTS = {
    "neighbourhood": ("neighbourhood", "quarter", "suburb", "city_district", "borough"),
    "city": ("city", "town", "village", "municipality", "hamlet", "isolated_dwelling"),
    "county": ("county", "state_district", "district"),
    "state": ("state", "province", "territory"),
    "region": ("region",),
    "country": ("country",),
    "country_code": ("country_code",),
}


@dataclass(frozen=True)
class Server:
    """A Nominatim server and how to treat it; zoom 14 is a neighbourhood, 18 a building."""

    domain: str
    scheme: str = "https"
    user_agent: str = "g3-geolocalization"
    timeout: float = 10.0
    seconds_between: float = 0.0  # requests, over all threads
    concurrency: int = 4
    retries: int = 3
    seconds_after_error: float = 10.0
    zoom: int = 14

    @property
    def is_public(self) -> bool:
        """Whether this is OpenStreetMap's own server, which serves everybody and no bulk jobs."""
        host = self.domain.lower().removeprefix("//").split("/")[0].split(":")[0].rstrip(".")
        return host == PUBLIC

    def reverse(self) -> Callable[[Key], Answer]:
        """A function that asks about a position, politely, from any thread.

        It raises geopy's GeocoderServiceError when every retry failed.
        """
        from geopy.extra.rate_limiter import RateLimiter
        from geopy.geocoders import Nominatim

        client = Nominatim(
            domain=self.domain, scheme=self.scheme, user_agent=self.user_agent, timeout=self.timeout
        )
        pause = max(self.seconds_between, 1.0) if self.is_public else self.seconds_between
        ask = RateLimiter(
            client.reverse,
            min_delay_seconds=pause,
            max_retries=self.retries,
            error_wait_seconds=max(self.seconds_after_error, pause),
            swallow_exceptions=False,
        )

        def answer(key: Key) -> Answer:
            point = (key[0] / PER_DEGREE, key[1] / PER_DEGREE)
            found: Any = ask(point, language="en", zoom=self.zoom, addressdetails=True)
            return Answer(None) if found is None else address_of(found.raw)

        return answer


def keys_of(lat: ArrayLike, lon: ArrayLike) -> list[Key]:
    """The key of each position (degrees): rounded to 1e-4 degrees, 180 degrees east as west."""
    lat, lon = positions(lat, lon)
    rounded = np.round(np.stack([lat, lon], 1) * PER_DEGREE).astype(np.int64)
    rounded[rounded[:, 1] == 180 * PER_DEGREE, 1] *= -1
    return [(north, east) for north, east in rounded.tolist()]


def geocode_by_nominatim(
    lat: ArrayLike,
    lon: ArrayLike,
    server: Server,
    journal: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pl.DataFrame:
    """One row per position with the columns of `geocode`; source is "nominatim" everywhere.

    Only what `journal` does not hold is asked, once per 1e-4 degrees, neighbours one after another, which the
    server's own caches like. `progress` hears of answers got and to get. A position that the server cannot geocode
    is a row of nulls. `continent`, which Nominatim seldom says, is `geocode`'s; `place_km` is the distance to what
    the server found. Raises ValueError for positions off the Earth, or for more than PUBLIC_LIMIT open ones of
    the public server; geopy's GeocoderServiceError when a request failed for good: then run it again.
    """
    keys = keys_of(lat, lon)
    distinct = list(dict.fromkeys(keys))
    with Journal.open(journal, distinct) as book:
        open_ = [key for key in distinct if key not in book.answers]
        _refuse_bulk(server, len(open_))
        _ask(_neighbours_together(open_), server, book, progress)
        return _table(lat, lon, [book.answers[key] for key in keys])


def _refuse_bulk(server: Server, count: int) -> None:
    if server.is_public and count > PUBLIC_LIMIT:
        raise ValueError(
            f"{count:,} positions are too many for {PUBLIC}, whose usage policy forbids bulk geocoding ({POLICY}); "
            f"at most {PUBLIC_LIMIT} are asked of it here. Run a Nominatim server of your own and name it as the "
            "domain, or use geocode(), which needs none"
        )


def _neighbours_together(keys: list[Key]) -> list[Key]:
    if not keys:
        return keys
    degrees = np.array(keys, np.float64) / PER_DEGREE
    return [keys[each] for each in along_curve(degrees[:, 0], degrees[:, 1])]


def _ask(keys: list[Key], server: Server, book: Journal, progress: Callable[[int, int], None]) -> None:
    """Ask and record; the first failure ends it, once the requests under way have been recorded."""
    if not keys:
        return
    reverse = server.reverse()

    def one(key: Key) -> None:
        book.record(key, reverse(key))

    done = 0
    with ThreadPoolExecutor(max(1, server.concurrency)) as pool:
        for some in _batches(keys, 16 * max(1, server.concurrency)):
            for _ in pool.map(one, some):
                done += 1
                progress(done, len(keys))


def _batches(keys: list[Key], size: int) -> Iterator[list[Key]]:
    """Batches, so that a failure leaves few requests queued behind it."""
    rest = iter(keys)
    while some := list(islice(rest, size)):
        yield some


def fields_of(answer: Answer) -> dict[str, str | None]:
    """MP16-Pro's fields of an answer, the continent excepted; the country code in lower case."""
    address = answer.address or {}
    fields = {
        name: next((address[part] for part in parts if address.get(part)), None)
        for name, parts in PARTS.items()
    }
    code = fields["country_code"]
    return {**fields, "country_code": code.lower() if code else None}


def _table(lat: ArrayLike, lon: ArrayLike, answers: list[Answer]) -> pl.DataFrame:
    lat, lon = positions(lat, lon)
    found = pl.DataFrame(
        [fields_of(answer) for answer in answers], schema={name: pl.String for name in PARTS}
    )
    there = [np.array([getattr(answer, name) for answer in answers], np.float64) for name in ("lat", "lon")]
    off = ~(np.abs(there[0]) <= 90.0)  # also NaN: an answer without a position
    there[0][off] = np.nan
    known = pl.col("country_code").is_not_null()
    table = found.with_columns(
        geocode(lat, lon)["continent"],
        source=pl.lit("nominatim"),
        place_km=pl.Series(geodesic_km(lat, lon, *there)).fill_nan(None),
    ).with_columns(continent=pl.when(known).then("continent"))
    return table.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
