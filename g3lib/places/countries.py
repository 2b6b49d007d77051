"""The country of a position, from the borders of Natural Earth 4.1.0 (10m), exactly and without a geometry library.

The borders lie on an integer grid, so between two neighbouring grid longitudes no border begins, ends or crosses
another: there they are a stack of lines from south to north. A position finds its stack by division and its place
in the stack by bisection, and the line below it knows which country lies above it. Nothing is cut, rounded or
approximated; the seam and the poles need no care, because the grid closes around the globe.
"""

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.places.curve import along_curve, in_chunks, positions
from g3lib.places.topology import OUTSIDE, STEPS

DATA = files("g3lib.places") / "data"
SEA = -1


@cache
def country_codes() -> pl.DataFrame:
    """ISO 3166 codes: code, numeric, name, continent, country_code (whose part it is), gazetteer_name.

    Sources and rules: data/POLICY.md. Every column is text; Namibia's code "na" is no missing value.
    """
    rows = list(csv.DictReader((DATA / "country_codes.csv").read_text(encoding="utf-8").splitlines()))
    return pl.DataFrame(rows)


@cache
def countries() -> pl.DataFrame:
    """The countries by index, which is what lookups return: code, name, continent (of its main part)."""
    codes = country_codes().filter(pl.col("code") == pl.col("country_code")).sort("code")
    return codes.select("code", "name", "continent")


@cache
def country_index() -> dict[str, int]:
    """The index of the country that each ISO code, overseas parts included, belongs to; the sea is SEA."""
    index = {code: number for number, code in enumerate(countries()["code"])}
    parts = country_codes().select("code", "country_code").iter_rows()
    return {OUTSIDE: SEA} | {code: index[country] for code, country in parts}


@dataclass(frozen=True)
class BorderMap:
    """Border lines between neighbouring grid longitudes, from south to north.

    Those of column x are the rows start[x] to start[x + 1]: `west` and `east` are a line's y at both sides of
    the column, `above` the country north of it. `below` (STEPS,) is the country south of all of them.
    """

    start: NDArray[np.int32]
    west: NDArray[np.float64]
    east: NDArray[np.float64]
    above: NDArray[np.int16]
    below: NDArray[np.int16]
    scale: tuple[float, float]
    origin: tuple[float, float]
    broken: int  # neighbouring lines that disagree about what lies between them, after `_mend`

    def country(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int16]:
        """The country index of each position (n,), longitudes in [-180, 180); SEA where there is none."""
        x, y = (lon - self.origin[0]) / self.scale[0], (lat - self.origin[1]) / self.scale[1]
        column = np.minimum(x.astype(np.int32), STEPS - 1)
        along = x - column
        low, high = self.start[column], self.start[column + 1]
        first = low.copy()
        while True:  # all positions bisect their stacks at once
            open_ = low < high
            if not open_.any():
                break
            middle = np.where(open_, (low + high) >> 1, 0)
            line = self.west[middle] + (self.east[middle] - self.west[middle]) * along
            north = line <= y
            low = np.where(open_ & north, middle + 1, low)
            high = np.where(open_ & ~north, middle, high)
        return np.where(low > first, self.above[low - 1], self.below[column])


@cache
def border_map() -> BorderMap:
    """The map of `data/countries.parquet`, read and stacked once per process (about half a second)."""
    with as_file(DATA / "countries.parquet") as path:
        table = pl.read_parquet(path)
        grid = json.loads(pl.read_parquet_metadata(path)["grid"])
    index = country_index()
    left, right = (
        table[side].replace_strict(index, return_dtype=pl.Int16).to_numpy() for side in ("left", "right")
    )
    lengths = table["x"].list.len().to_numpy()
    x, y = table["x"].explode().to_numpy().astype(np.int64), table["y"].explode().to_numpy().astype(np.int64)
    arc = np.repeat(np.arange(len(lengths)), lengths)
    edge = np.flatnonzero((arc[1:] == arc[:-1]) & (x[1:] != x[:-1]))  # upright ones bound nothing from below
    east = x[edge + 1] > x[edge]
    above = np.where(east, left[arc[edge]], right[arc[edge]])
    below = np.where(east, right[arc[edge]], left[arc[edge]])
    begin, end = np.where(east, edge, edge + 1), np.where(east, edge + 1, edge)
    return _stacked((x[begin], y[begin]), (x[end], y[end]), above, below, grid)


def _stacked(
    begin: tuple[NDArray[np.int64], NDArray[np.int64]],
    end: tuple[NDArray[np.int64], NDArray[np.int64]],
    above: NDArray[np.int16],
    below: NDArray[np.int16],
    grid: dict[str, tuple[float, float]],
) -> BorderMap:
    """Edges from west to east, cut at every grid longitude and sorted within each column."""
    width = end[0] - begin[0]
    edge = np.repeat(np.arange(len(width), dtype=np.int32), width)
    step = np.arange(len(edge), dtype=np.int32) - np.repeat(
        (np.cumsum(width) - width).astype(np.int32), width
    )
    column = ((begin[0].astype(np.int32)[edge] + step) % STEPS).astype(np.int32)
    slope = ((end[1] - begin[1]) / width)[edge]
    west = begin[1][edge] + slope * step
    east = begin[1][edge] + slope * (step + 1)
    # by column, then by the height of the middle, in one key: four times as fast as two, and fine to 1e-5 steps
    order = np.argsort(column * 2.0**19 + (west + east))
    start = np.searchsorted(column[order], np.arange(STEPS + 1)).astype(np.int32)
    above, below = above[edge[order]], below[edge[order]]
    _mend(start, above, below)
    broken = len(_mismatches(start, above, below))
    return BorderMap(
        start, west[order], east[order], above, below[start[:-1]], grid["scale"], grid["origin"], broken
    )


def _mismatches(
    start: NDArray[np.int32], above: NDArray[np.int16], below: NDArray[np.int16]
) -> NDArray[np.intp]:
    """The lines that say of the gap beneath them what the line under that gap does not."""
    lines = np.flatnonzero(below[1:] != above[:-1]) + 1
    return lines[~np.isin(lines, start)]  # the southernmost line of a column has none under it


def _mend(start: NDArray[np.int32], above: NDArray[np.int16], below: NDArray[np.int16]) -> None:
    """Turn round, in place, lines whose sides are swapped, from the south (Antarctica or the sea) upwards.

    Rounded to the grid, a few rings cross themselves: a loop of theirs, some hundred metres wide, is wound the
    other way. Left alone, its country would fill the column above it up to the next border.
    """
    for column in np.unique(np.searchsorted(start, _mismatches(start, above, below), side="right") - 1):
        country = below[start[column]]
        for line in range(start[column], start[column + 1]):
            if below[line] != country and above[line] == country:
                below[line], above[line] = above[line], below[line]
            country = above[line]


def country_at(lat: ArrayLike, lon: ArrayLike) -> pl.Series:
    """The lower-case code of the country that Natural Earth draws at each position (degrees); null at sea.

    Without the exceptions of `policy`. Raises ValueError naming the first row that is not on Earth.
    """
    lat, lon = positions(lat, lon)
    found, drawn = np.empty(len(lat), np.int16), border_map()

    def look(rows: NDArray[np.intp]) -> None:
        found[rows] = drawn.country(lat[rows], lon[rows])

    in_chunks(look, along_curve(lat, lon))
    return (
        countries()["code"].gather(pl.Series(found).cast(pl.Int32).replace(SEA, None)).rename("country_code")
    )
