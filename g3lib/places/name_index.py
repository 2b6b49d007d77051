"""The gazetteer by name: cities, counties, states and countries, as `spelling` compares names.

`data/other_names.csv` (level, code, name, others) adds names that GeoNames' places lack: ISO codes, abbreviations,
"Cologne" for its "Köln". What is not in it and not spelled like a place is not found.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.places.countries import DATA, country_codes
from g3lib.places.gazetteer import gazetteer
from g3lib.places.spelling import Names, readings

Level = Literal["city", "county", "state", "country"]
LEVELS = ("code", "state", "county")
REMEMBERED = 10_000  # names of countries and states that were looked up


class Area(NamedTuple):
    """A county, state or country; None at a level means all of it, and no code the world.

    `name` is what it is called, `row` its most populous place.
    """

    code: str | None = None
    state: str | None = None
    county: str | None = None
    name: str = ""
    row: int = -1

    def holds(self, other: "Area") -> bool:
        """Whether the other area or place lies in this one."""
        return (
            self.code in (None, other.code)
            and self.state in (None, other.state)
            and self.county in (None, other.county)
        )


ANYWHERE = (Area(),)


@dataclass(frozen=True)
class NameIndex:
    """Places by falling population; areas: states and overseas parts, then counties, each likewise."""

    table: pl.DataFrame  # code, state, county, city and row of each place
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    places: Names
    areas: list[Area]
    areas_by_name: Names
    lands: list[tuple[Area, ...]]  # a country, then its overseas parts
    lands_by_name: Names

    def place(self, row: int) -> Area:
        """A place as the smallest of areas."""
        return Area(*self.table.row(row))

    def places_named(self, city: str, within: Sequence[Area]) -> Iterator[Area]:
        """The places of that name: by area, then by spelling, then by population."""
        found = [[self.place(row) for _, row in self.places.find(reading)] for reading in readings(city)]
        for area in within:
            for places in found:
                yield from (place for place in places if area.holds(place))


@cache
def name_index() -> NameIndex:
    """Everything by name, built once per process (about a second)."""
    places = gazetteer().places.sort("population", descending=True, maintain_order=True).with_row_index("row")
    codes = country_codes().select("code", "name", "country_code", "gazetteer_name")
    lands = _areas(places, "code").join(codes, on="code", maintain_order="left")
    overseas = lands.filter(pl.col("code") != pl.col("country_code"))
    states = pl.concat([_areas(places.drop_nulls("state"), *LEVELS[:2]), overseas], how="diagonal")
    states = states.sort("people", descending=True, maintain_order=True)
    areas = pl.concat([states, _areas(places.drop_nulls("county"), *LEVELS)], how="diagonal")
    areas = areas.with_columns(name=pl.coalesce("county", "state", "name"))
    return NameIndex(
        table=places.select(*LEVELS, "city", "row"),
        lat=places["lat"].to_numpy(),
        lon=places["lon"].to_numpy(),
        places=_names("city", places.select("code", name="city")),
        areas=[Area(*row) for row in areas.select(*LEVELS, "name", "row").rows()],
        areas_by_name=_names("state", areas),
        lands=_families(lands),
        lands_by_name=_names("country", lands, "gazetteer_name", "code"),
    )


def _areas(places: pl.DataFrame, *levels: str) -> pl.DataFrame:
    """One row per area, by falling population: its levels, the row of its most populous place, its people."""
    areas = places.group_by(levels, maintain_order=True).agg(pl.first("row"), people=pl.sum("population"))
    return areas.sort("people", descending=True, maintain_order=True)


def _families(lands: pl.DataFrame) -> list[tuple[Area, ...]]:
    """Each country itself, then its overseas parts by population; each such part alone."""
    own = [Area(code, None, None, *rest) for code, *rest in lands.select("code", "name", "row").rows()]
    parts: dict[str, list[Area]] = {code: [] for code in country_codes()["code"]}
    for land, country_code in zip(own, lands["country_code"], strict=True):
        if land.code != country_code:
            parts[country_code].append(land)
    return [(land, *parts[str(land.code)]) for land in own]


def _names(level: Level, things: pl.DataFrame, *more: str) -> Names:
    """The numbers of things by each of their names: `name`, the columns `more`, and those of `other_names.csv`."""
    things = things.with_row_index("number")
    both = things.filter(pl.col("name").str.contains(r"[/(]")).with_columns(
        # "Donostia / San Sebastián" has two names, "Halle (Saale)" is known as Halle
        pl.col("name").str.replace_all(r"\([^)]*\)", "").str.split("/")
    )
    others = other_names().filter(level=level).join(things, on=("code", "name"), maintain_order="left_right")
    others = others.unique(("code", "name"), keep="first", maintain_order=True)
    others = others.with_columns(name=pl.col("others").str.split("; "))
    spelled = [things.select("number", name=column) for column in ("name", *more)]
    spelled += [each.select("number", "name").explode("name") for each in (both, others)]
    numbers, names = pl.concat(spelled).get_columns()
    return Names(numbers.to_list(), names.to_list())


def other_names() -> pl.DataFrame:
    """The table of further names: level, code, name (the gazetteer's), others (separated by semicolons)."""
    rows = csv.DictReader((DATA / "other_names.csv").read_text(encoding="utf-8").splitlines())
    return pl.DataFrame(list(rows))


@lru_cache(REMEMBERED)
def lands_named(name: str) -> tuple[Area, ...]:
    """The country of that name or code with its overseas parts, else nothing."""
    known = name_index()
    for reading in readings(name):
        if found := known.lands_by_name.find(reading):
            return known.lands[found[0][1]]
    return ()


@lru_cache(REMEMBERED)
def areas_named(name: str, within: tuple[Area, ...]) -> tuple[Area, ...]:
    """States of that name within some areas, best first; counties, where there is no such state."""
    known = name_index()
    for reading in readings(name):
        found = [known.areas[number] for _, number in known.areas_by_name.find(reading)]
        for area in within:
            inside = [each for each in found if area.holds(each)]
            states = [each for each in inside if each.county is None]
            if inside:
                return tuple(states or inside)
    return ()
