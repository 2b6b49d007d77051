"""Cells of a grid of about equal squares on the Earth, and the lot that each of them draws: splits by location."""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.geo.distances import EARTH_RADIUS_KM

KM_PER_DEGREE = np.pi / 180 * EARTH_RADIUS_KM
_COLUMNS = np.int64(1) << 32  # more than a row of the smallest cells has


def cell_numbers(lat: ArrayLike, lon: ArrayLike, km: float) -> NDArray[np.int64]:
    """The number of the cell in which each position (degrees, longitudes in [-180, 180)) lies, shape (n,).

    Cells are `km` high, in rows from the South Pole; a row has the whole number of columns that makes them about as
    wide. Two positions have one number if and only if they share a cell. Raises ValueError for a position that is not
    on the Earth, or cells below a metre.
    """
    lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    if not km >= 1e-3:
        raise ValueError(f"cells of {km} km; they are at least a metre, 0.001 km")
    if not (np.all(np.abs(lat) <= 90) and np.all((lon >= -180) & (lon < 180))):
        raise ValueError("a position is missing or not on the Earth; leave it out before cells are asked for")
    row = np.floor((lat + 90) * KM_PER_DEGREE / km)
    middle = np.clip((row + 0.5) * km / KM_PER_DEGREE - 90, -90, 90)
    columns = np.maximum(np.rint(np.cos(np.radians(middle)) * 360 * KM_PER_DEGREE / km), 1)
    column = np.minimum(np.floor((lon + 180) / 360 * columns), columns - 1)
    numbers: NDArray[np.int64] = row.astype(np.int64) * _COLUMNS + column.astype(np.int64)
    return numbers


def drawn_cells(cells: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Which of these numbers are drawn: each cell with probability `share`, by SHA-256 of seed and number, shape (n,).

    So a cell's lot depends on nothing else: neither on other cells, nor their order, nor on any library's generator.
    """
    distinct, where = np.unique(cells, return_inverse=True)
    lots = (hashlib.sha256(f"{seed} {cell}".encode()).digest()[:8] for cell in distinct.tolist())
    drawn = np.fromiter((int.from_bytes(lot, "big") < share * 2**64 for lot in lots), bool, len(distinct))
    found: NDArray[np.bool_] = drawn[where]
    return found
