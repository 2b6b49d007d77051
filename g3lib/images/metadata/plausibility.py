"""Whether photos lie where people live: the last evidence on swapped coordinates, where ranges tell nothing.

A file of Europe alone has no longitude beyond 90 degrees; swapped, its photos lie in the Indian Ocean and East Africa.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.geo import unit_vectors

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

FEWEST, SAMPLE = 100, 2000
PER_DEGREE = 1e5  # of that file's integers
NEAR = 10.0 / 6371.0  # chord of 10 km on the unit sphere
CONCLUSIVE = 0.4  # of the sample: nearer to places by so much is swapped; a fifth is a doubt


@dataclass(frozen=True)
class Doubt:
    """Evidence that does not suffice."""

    reason: str


@cache
def _populated() -> "cKDTree":
    """GeoNames' cities1000 on the unit sphere: the data file that places/ ships, not its code."""
    from scipy.spatial import cKDTree

    with (files("g3lib") / "places" / "data" / "places.parquet").open("rb") as file:
        degrees = pl.read_parquet(file, columns=["lat", "lon"]) / PER_DEGREE
    return cKDTree(unit_vectors(degrees["lat"], degrees["lon"]))


def swapped(
    lat: NDArray[np.float64], lon: NDArray[np.float64], rows: NDArray[np.bool_]
) -> str | Doubt | None:
    """Evidence that latitude (degrees) and longitude are swapped; None if there is none or ranges tell already."""
    with np.errstate(invalid="ignore"):
        rows = rows & ~((lat == 0) & (lon == 0))
        if (
            np.count_nonzero(rows) < FEWEST
            or np.any(np.abs(lon[rows]) > 90)
            or np.any(np.abs(lat[rows]) > 90)
        ):
            return None
    at = np.flatnonzero(rows)
    at = at[np.linspace(0, at.size - 1, min(SAMPLE, at.size)).astype(np.int64)]
    straight, turned = _share_near(lat[at], lon[at]), _share_near(lon[at], lat[at])
    reason = f"{straight:.0%} of {at.size} photos lie within 10 km of a town, {turned:.0%} with the columns swapped"
    if turned - straight >= CONCLUSIVE and turned >= 2 * straight:
        return f"{reason}: the headers of latitude and longitude are swapped"
    return (
        Doubt(f"{reason}; not conclusive, kept as they are") if turned - straight >= CONCLUSIVE / 2 else None
    )


def _share_near(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> float:
    distance, _ = _populated().query(unit_vectors(lat, lon))
    return float(np.mean(distance < NEAR))
