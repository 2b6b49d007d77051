"""Positions to MP16-Pro's eight fields: neighbourhood, city, county, state, region, country, its code, continent.

How each is found, in this order:

- **country**: the country whose borders (Natural Earth 10m, changed as `data/POLICY.md` says) hold the position;
  else, on piers, beaches and small islands, that of the nearest place within NEAR_KM; else nothing at all is
  known: the sea stays empty.
- **state**: that of the nearest place *in that country*, however far; near borders inside a country it is as wrong
  as a nearest place makes it.
- **city**: among the nearest place of each class of population in that state, the one whose distance is the least
  multiple of the square root of its population, as a town's radius grows with it; so a photo by the Eiffel Tower
  is in Paris, not in Vanves, and one in Hoboken, in another state, is not in New York. Only places within CITY_KM
  compete; where there is none, the nearest place within NEAR_KM. A place is a point for an area, so distances
  below WITHIN_KM count as that, and populations below FEWEST (or unknown) as that.
- **neighbourhood**: the nearest place, if within NEIGHBOURHOOD_KM, smaller than the city and not in another county.
- **county**: that of the neighbourhood, else of the city, so that the parts of an answer never contradict each
  other; GeoNames gives none to cities of several counties, as New York.
- **region**: null; GeoNames has none (MP16-Pro's is rare, as in "Metropolitan France").
- **continent**: that of the nearest place's own GeoNames code, so Réunion is Africa though its country is France;
  Russia and Turkey are split (`policy.EUROPE_ENDS`).

`source` says how: "polygon+nearest", "policy+nearest", "nearest" (in no polygon), "none" (sea), or "polygon" and
"policy" where no place of the country is within NEAR_KM. `place_km` is the geodesic distance to the place that
names the city. Distances are compared on the mean sphere; 0.3 % of them is the most that an ellipsoid changes.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import unit_vectors
from g3lib.places.countries import SEA, border_map, countries, country_index
from g3lib.places.curve import along_curve, in_chunks, positions
from g3lib.places.gazetteer import (
    ANYWHERE,
    Gazetteer,
    Search,
    arc_km,
    chord,
    everywhere,
    gazetteer,
    grouped,
    km_to,
    search,
)
from g3lib.places.policy import EUROPE_ENDS, apply_policy, is_in_europe

NEAR_KM = 50.0
CITY_KM = 10.0
WITHIN_KM = 1.0
NEIGHBOURHOOD_KM = 2.0
ROUNDING_KM = 1e-6
FEWEST = 1000  # inhabitants: what GeoNames asks of a place in cities1000
CLASSES = (
    0,
    5_000,
    20_000,
    80_000,
    320_000,
    1_280_000,
    5_120_000,
)  # inhabitants from which each class begins
ONE_CITY = ("hk", "mo")  # whose states are quarters of one city: there the whole land competes

SOURCES = ("none", "nearest", "polygon", "policy", "polygon+nearest", "policy+nearest")
NONE, NEAREST, POLYGON, POLICY = range(4)
WITH_PLACE = 2  # added to POLYGON and POLICY where a place is near

SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(("neighbourhood", "city", "county", "state", "region"), pl.String()),
    **dict.fromkeys(("country", "country_code", "continent", "source"), pl.String()),
    "place_km": pl.Float64(),
}


class Found(NamedTuple):
    """What is known of each position (n,): countries and gazetteer rows by index, -1 for none."""

    country: NDArray[np.int16]
    source: NDArray[np.int8]
    nearest: NDArray[np.int32]
    city: NDArray[np.int32]
    neighbourhood: NDArray[np.int32]
    place_km: NDArray[np.float64]


@dataclass(frozen=True)
class Index:
    """The searches by country and by state, and what the rules ask of each place (n,)."""

    by_country: Search
    by_state: tuple[Search, ...]  # one for each of CLASSES
    state: NDArray[np.int32]  # its number, countries apart; places without a state share one
    county: NDArray[np.int32]  # its number; 0 where there is none
    population: NDArray[np.int32]
    size: NDArray[np.intp]  # the number of its class
    largest: tuple[int, ...]  # the largest population of each class


@cache
def index() -> Index:
    """Every search, built once per process (a quarter of a second)."""
    known = gazetteer()
    state = _numbers(known)
    county = known.places.select(pl.col("county").rank("dense").fill_null(0)).to_series().to_numpy()
    population = known.places["population"].to_numpy()
    size = np.digitize(population, CLASSES[1:])
    by_state = grouped(known.vectors, state)
    return Index(
        search(grouped(known.vectors, known.country), np.arange(len(state))),
        tuple(search(by_state, np.flatnonzero(size == each)) for each in range(len(CLASSES))),
        state.astype(np.int32),
        county.astype(np.int32),
        population,
        size,
        tuple(int(population[size == each].max()) for each in range(len(CLASSES))),
    )


def _numbers(known: Gazetteer) -> NDArray[np.int64]:
    """A number for each place's state, from 0; places of a country that have none share one."""
    undivided = pl.col("code").is_in(ONE_CITY)
    state = pl.when(undivided).then("code").otherwise(pl.lit("/") + pl.col("state"))
    places = known.places.select(country=pl.Series(known.country), state=state)
    return (
        places.select(pl.struct("country", "state").rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()
    )


def _countries(
    lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Country by border and policy, and which of both; SEA and NONE outside all borders."""
    country = border_map().country(lat, lon)
    ruled = apply_policy(lat, lon, country, country_index())
    return country, np.where(ruled, POLICY, np.where(country == SEA, NONE, POLYGON)).astype(np.int8)


def _nearest(
    points: NDArray[np.float64], country: NDArray[np.int16]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Row and kilometres of the nearest place in the country of each point (n, 3); at sea, of any country.

    The nearest place of all is asked first: it is foreign for one photo in a hundred, and only that asks again.
    """
    chords, rows = everywhere().nearest(points)
    foreign = np.flatnonzero((country != SEA) & (gazetteer().country[rows] != country))
    inside = grouped(points[foreign], country[foreign])
    chords[foreign], rows[foreign] = index().by_country.nearest(inside, ANYWHERE)
    return rows, arc_km(chords)


def _cities(
    points: NDArray[np.float64], nearest: NDArray[np.int32], nearest_km: NDArray[np.float64]
) -> NDArray[np.int32]:
    """The place that names the city of points (n, 3) whose nearest place is known and within CITY_KM.

    Few points need a search: the nearest place answers for its own class, and how far it lies from the other
    classes bounds how near the point can be to them.
    """
    known = index()
    best, least = nearest.copy(), _reach(nearest_km, known.population[nearest])
    own, apart = known.size[nearest], _apart(nearest)
    for size in reversed(range(len(CLASSES))):
        nearer = np.maximum(apart[size] - nearest_km, nearest_km) - ROUNDING_KM
        may = (own != size) & (nearer <= CITY_KM) & (_reach(nearer, known.largest[size]) < least)
        rows = np.flatnonzero(may)
        inside = grouped(points[rows], known.state[nearest[rows]])
        chords, found = known.by_state[size].nearest(inside, float(chord(CITY_KM)))
        reach = np.where(found >= 0, _reach(arc_km(chords), known.population[found]), np.inf)
        better = reach < least[rows]
        best[rows[better]], least[rows[better]] = found[better], reach[better]
    return best


def _reach(km: NDArray[np.float64], population: NDArray[np.int32] | int) -> NDArray[np.float64]:
    """Distances as multiples of a town's radius, up to a factor that all share: the least names the city."""
    reach: NDArray[np.float64] = np.maximum(km, WITHIN_KM) / np.sqrt(np.maximum(population, FEWEST))
    return reach


def _apart(places: NDArray[np.int32]) -> list[NDArray[np.float64]]:
    """Kilometres from places (n,) to the nearest of each of CLASSES in their state; infinity beyond 2 CITY_KM."""
    known = index()
    distinct, which = np.unique(places, return_inverse=True)
    inside = grouped(gazetteer().vectors[distinct], known.state[distinct])
    bound = float(chord(2 * CITY_KM + 2 * ROUNDING_KM))
    return [arc_km(search.nearest(inside, bound)[0])[which] for search in known.by_state]


def _neighbourhoods(
    nearest: NDArray[np.int32], nearest_km: NDArray[np.float64], city: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The nearest place where it may pass for a part of the city, else -1."""
    known = index()
    one, other = known.county[nearest], known.county[city]
    part = (nearest_km <= NEIGHBOURHOOD_KM) & (city >= 0) & (nearest >= 0)
    part &= known.population[nearest] < known.population[city]
    part &= (one == other) | (one == 0) | (other == 0)
    return np.where(part, nearest, -1).astype(np.int32)


def locate(lat: NDArray[np.float64], lon: NDArray[np.float64], near_km: float = NEAR_KM) -> Found:
    """What is known of checked positions (n,), best near each other: one thread, some 400 bytes of memory each."""
    points = unit_vectors(lat, lon)
    country, source = _countries(lat, lon)
    nearest, nearest_km = _nearest(points, country)
    city, place_km = np.full(len(lat), -1, np.int32), np.full(len(lat), np.nan)
    near = np.flatnonzero(nearest_km <= near_km * 1.01)  # the sphere preselects, the geodesic decides
    city[near] = nearest[near]
    close = np.flatnonzero(nearest_km <= CITY_KM)
    city[close] = _cities(points[close], nearest[close], nearest_km[close])
    place_km[near] = km_to(city[near], points[near], lat[near], lon[near])
    city[near[place_km[near] > near_km]] = -1
    place_km[city < 0] = np.nan
    at_sea = source == NONE
    nearest[at_sea & (city < 0)] = -1
    beached = at_sea & (city >= 0)
    country[beached], source[beached] = gazetteer().country[nearest[beached]], NEAREST
    source[(city >= 0) & (source >= POLYGON)] += WITH_PLACE
    return Found(country, source, nearest, city, _neighbourhoods(nearest, nearest_km, city), place_km)


def _continents(found: Found, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> pl.Series:
    """The continent of each position, null at sea."""
    places = gazetteer().places["continent"].gather(_rows(found.nearest))
    own = countries()["continent"].gather(_rows(found.country))
    continent = pl.select(pl.coalesce(places, own)).to_series()
    for code in EUROPE_ENDS:
        here = np.flatnonzero(found.country == country_index()[code])
        europe = is_in_europe(code, lat[here], lon[here])
        continent = continent.scatter(here, pl.Series(np.where(europe, "Europe", "Asia"), dtype=pl.String))
    return continent


def _rows(rows: NDArray[np.integer]) -> pl.Series:
    """Row numbers for `gather`, which leaves null where there is none."""
    return pl.Series(rows, dtype=pl.Int32).replace(-1, None)


def geocode(lat: ArrayLike, lon: ArrayLike, near_km: float = NEAR_KM) -> pl.DataFrame:
    """One row per position (degrees) with the columns of SCHEMA; the rules stand at the head of this module.

    `near_km` is NEAR_KM for photos, and more for pictures that show more. Uses every core and some 300 bytes per
    position. Raises ValueError naming the first row that is not on Earth.
    """
    lat, lon = positions(lat, lon)
    columns = [np.empty(len(lat), kind) for kind in ("i2", "i1", "i4", "i4", "i4", "f8")]  # as in Found
    index(), everywhere(), border_map()  # once, before the threads ask for them

    def look(rows: NDArray[np.intp]) -> None:
        parts: tuple[NDArray[np.generic], ...] = locate(lat[rows], lon[rows], near_km)
        for column, part in zip(columns, parts, strict=True):
            column[rows] = part

    in_chunks(look, along_curve(lat, lon))
    return _table(Found(*columns), lat, lon)


def _table(found: Found, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> pl.DataFrame:
    """The names of what was found."""
    places, land = gazetteer().places, countries()
    nearest, country = _rows(found.nearest), _rows(found.country)
    local = _rows(np.where(found.neighbourhood >= 0, found.neighbourhood, found.city))
    columns = {
        "neighbourhood": places["city"].gather(_rows(found.neighbourhood)),
        "city": places["city"].gather(_rows(found.city)),
        "county": places["county"].gather(local),
        "state": places["state"].gather(nearest),
        "region": pl.Series([None], dtype=pl.String).new_from_index(0, len(lat)),
        "country": land["name"].gather(country),
        "country_code": land["code"].gather(country),
        "continent": _continents(found, lat, lon),
        "source": pl.Series(SOURCES).gather(pl.Series(found.source)),
        "place_km": pl.Series(found.place_km).fill_nan(None),
    }
    return pl.DataFrame(columns, schema=SCHEMA)
