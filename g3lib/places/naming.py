"""Who names the place of a photo: its dataset's publisher, else a geocoder, as the profile says."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl

from g3lib.experiments.profile import PlaceSettings
from g3lib.places.geocoding import SCHEMA, geocode
from g3lib.places.nominatim import Server, geocode_by_nominatim

PUBLISHED = "published"


def place_names(
    photos: pl.DataFrame,
    settings: PlaceSettings,
    journal: Path,
    report: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """One row per photo with the columns of `geocode`.

    `photos` has lat and lon in degrees, and the eight fields where its publisher names them (null where not). A
    publisher's names are taken whole or not at all: a row whose country they leave out is geocoded. `journal` keeps
    Nominatim's answers. Raises what the geocoders do.
    """
    named = pl.col("country").is_not_null() & settings.published
    own, rest = photos.filter(named), photos.filter(~named)
    published = own.with_columns(source=pl.lit(PUBLISHED), place_km=pl.lit(None, pl.Float64)).select(*SCHEMA)
    found = _geocoded(rest, settings, journal, report) if rest.height else pl.DataFrame(schema=SCHEMA)
    order = photos.with_row_index("row").select("row", named=named)
    rows = pl.concat([order.filter("named")["row"], order.filter(~pl.col("named"))["row"]])
    return pl.concat([published, found]).with_columns(row=rows).sort("row").select(*SCHEMA)


def _geocoded(
    photos: pl.DataFrame, settings: PlaceSettings, journal: Path, report: Callable[[str], None]
) -> pl.DataFrame:
    if settings.geocoder == "offline":
        return geocode(photos["lat"], photos["lon"], settings.near_km)
    url = urlsplit(settings.nominatim_url)
    server = Server(
        domain=url.netloc + url.path.rstrip("/"),
        scheme=url.scheme,
        seconds_between=1 / settings.nominatim_requests_per_second,
        zoom=settings.nominatim_zoom,
    )

    def progress(done: int, total: int) -> None:
        if done % 1000 == 0 or done == total:
            report(f"{done:,} of {total:,} positions named by {url.hostname}")

    return geocode_by_nominatim(photos["lat"], photos["lon"], server, journal, progress)
