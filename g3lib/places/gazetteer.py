"""The nearest GeoNames place of a position, by true distance on the sphere.

The places are GeoNames' cities1000 (CC BY 4.0) in `data/places.parquet`. They are searched as points of the unit
sphere, where neither the poles nor the antimeridian are special, by a tree that looks up neighbours together and
on every core. To find the nearest place *within a country or state*, a fourth coordinate moves the groups apart
by more than the sphere's diameter: one tree then answers for all of them, exactly.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import geodesic_km, unit_vectors
from g3lib.geo.distances import EARTH_RADIUS_KM
from g3lib.places.countries import DATA, country_codes, country_index
from g3lib.places.curve import along_curve, in_chunks, positions

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

SOURCE = "geonames-cities1000-nearest"
APART = 4.0  # between groups, in radii of the sphere, whose diameter is 2
STRAIGHT_KM = 51.0
A_KM, E2 = 6378.137, 6.69437999014e-3  # WGS 84: semi-major axis, eccentricity squared
ANYWHERE = 2.1  # a bound that every place of one's own group keeps, and no other does


def chord(km: ArrayLike) -> NDArray[np.float64]:
    """Kilometres along the mean sphere to straight-line distance through the unit sphere."""
    return np.asarray(2.0 * np.sin(np.asarray(km, np.float64) / (2.0 * EARTH_RADIUS_KM)))


def arc_km(chords: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `chord`; infinity, where nothing was found, stays infinity."""
    km: NDArray[np.float64] = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(chords / 2.0, 1.0))
    return np.where(np.isfinite(chords), km, np.inf)


@dataclass(frozen=True)
class Search:
    """A tree over some places; `rows` are theirs in the gazetteer, with one more for "none found"."""

    tree: "cKDTree"
    rows: NDArray[np.int32]

    def nearest(
        self, points: NDArray[np.float64], bound: float = np.inf
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Chord and row of the nearest place of each point (n, 3 or 4); (inf, -1) beyond the bound."""
        chords, found = self.tree.query(points, distance_upper_bound=bound)
        return chords, self.rows[found]


def search(points: NDArray[np.float64], rows: NDArray[np.intp]) -> Search:
    """A search over those rows of `points` (n, 3 or 4)."""
    from scipy.spatial import cKDTree  # half a second that loading the definitions can do without

    return Search(cKDTree(points[rows], leafsize=8), np.append(rows, -1).astype(np.int32))


def grouped(points: NDArray[np.float64], groups: NDArray[np.integer]) -> NDArray[np.float64]:
    """Unit vectors (n, 3) and their groups to points (n, 4) that are near only within a group."""
    return np.column_stack([points, groups * APART])


@dataclass(frozen=True)
class Gazetteer:
    """The places, in the order of the rows that searches return; `vectors` and `earth` are unit vectors and km.

    `places` has city, county, state, code (GeoNames' own), population, lat, lon, and by that code continent and
    gazetteer_name; `country` (n,) is the index in `countries()` of the country that the place belongs to.
    """

    places: pl.DataFrame
    vectors: NDArray[np.float64]
    earth: NDArray[np.float64]
    country: NDArray[np.int16]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]


@cache
def gazetteer() -> Gazetteer:
    """All places, read once per process (a tenth of a second)."""
    with as_file(DATA / "places.parquet") as path:
        places = pl.read_parquet(path)
    names = country_codes().select("code", "continent", "gazetteer_name")
    # divided by numpy, whose quotients are the decimals' own floats; polars multiplies by 1e-5
    degrees = [pl.Series(name, places[name].to_numpy() / 1e5) for name in ("lat", "lon")]
    places = places.with_columns(degrees).join(names, on="code", maintain_order="left")
    index = places["code"].replace_strict(country_index(), return_dtype=pl.Int16)
    lat, lon = places["lat"].to_numpy(), places["lon"].to_numpy()
    vectors = unit_vectors(lat, lon)
    return Gazetteer(places, vectors, on_ellipsoid(vectors), index.to_numpy(), lat, lon)


@cache
def everywhere() -> Search:
    """The search over all places, whatever their country."""
    known = gazetteer()
    return search(known.vectors, np.arange(known.places.height))


def on_ellipsoid(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normals of WGS 84 (n, 3), which geodetic latitude and longitude are, to points on it, in km (n, 3)."""
    upwards = A_KM / np.sqrt(1.0 - E2 * vectors[:, 2] ** 2)
    points: NDArray[np.float64] = vectors * upwards[:, None] * np.array([1.0, 1.0, 1.0 - E2])
    return points


def km_to(
    rows: NDArray[np.int32], vectors: NDArray[np.float64], lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Geodesic kilometres (n,) from positions, also as unit vectors (n, 3), to known places by row.

    Up to STRAIGHT_KM, from the straight line between both, six times as fast and right to 2 mm; beyond, exactly.
    """
    places = gazetteer()
    line = places.earth[rows] - on_ellipsoid(vectors)
    straight = np.sqrt(np.einsum("ij,ij->i", line, line))
    km: NDArray[np.float64] = straight * (1.0 + (straight / EARTH_RADIUS_KM) ** 2 / 24.0)
    far = np.flatnonzero(straight > STRAIGHT_KM)
    km[far] = geodesic_km(lat[far], lon[far], places.lat[rows[far]], places.lon[rows[far]])
    return km


def nearest(
    lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The row of the nearest place of each checked position (n,), and the kilometres to it."""
    rows, km, tree = np.empty(len(lat), np.int32), np.empty(len(lat)), everywhere()

    def look(some: NDArray[np.intp]) -> None:
        vectors = unit_vectors(lat[some], lon[some])
        found = tree.nearest(vectors)[1]
        rows[some], km[some] = found, km_to(found, vectors, lat[some], lon[some])

    in_chunks(look, along_curve(lat, lon))
    return rows, km


def nearest_places(lat: ArrayLike, lon: ArrayLike) -> pl.DataFrame:
    """One row per position (degrees): city, state, country, country_code, source, place_km.

    The plainest answer: oceans get a place too, borders are as wrong as nearest places make them, and countries
    have the names and codes of GeoNames' own table (Réunion is "re"). `geocode` does better. Raises ValueError
    naming the first row that is not on Earth.
    """
    rows, km = nearest(*positions(lat, lon))
    names = gazetteer().places.select("city", "state", country="gazetteer_name", country_code="code")
    return names[rows].with_columns(source=pl.lit(SOURCE), place_km=pl.Series(km, dtype=pl.Float64))
