"""Positions in an order that keeps neighbours together, and work on them in pieces by every core.

A search tree answers neighbours from the same cache lines: positions sorted along a space-filling curve are
looked up twice as fast as in the order of their photos.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import wrap_longitude

CHUNK = 1 << 17  # positions worked on at once by one thread: some 50 MB of intermediate results


def positions(lat: ArrayLike, lon: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes in degrees as two float64 arrays (n,), longitudes wrapped into [-180, 180).

    Raises ValueError naming the first row that is no position on Earth: a place found for it would be made up.
    """
    lat, lon = np.atleast_1d(np.asarray(lat, np.float64)), np.atleast_1d(np.asarray(lon, np.float64))
    if lat.shape != lon.shape or lat.ndim != 1:
        raise ValueError(f"latitudes of shape {lat.shape} do not go with longitudes of shape {lon.shape}")
    with np.errstate(invalid="ignore"):
        good = (np.abs(lat) <= 90.0) & (np.abs(lon) <= 360.0)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f"row {row} is no position on Earth: latitude {lat[row]}, longitude {lon[row]} "
            f"({int((~good).sum())} such rows of {len(lat)}); drop them before asking for places"
        )
    return lat, wrap_longitude(lon)


def _spread(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The 16 low bits of each value, moved to the even bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        values = (values | (values << np.uint32(shift))) & np.uint32(mask)
    return values


def along_curve(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order of positions (degrees) along a Z-curve of 65,536 x 65,536 cells; equal cells keep their order."""
    x = ((lon + 180.0) * (65535 / 360)).astype(np.uint32)
    y = ((lat + 90.0) * (65535 / 180)).astype(np.uint32)
    cell = (_spread(x) | (_spread(y) << np.uint32(1))).astype(np.uint64)
    # sorting values is four times as fast as sorting their places: cell above, place below
    keyed = np.sort((cell << np.uint64(32)) | np.arange(len(cell), dtype=np.uint64))
    return (keyed & np.uint64(0xFFFFFFFF)).astype(np.intp)


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_chunks(work: Callable[[NDArray[np.intp]], None], rows: NDArray[np.intp]) -> None:
    """Call `work` with consecutive pieces of `rows`, on every core; the first error is raised."""
    pieces = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    if len(pieces) < 2:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(work, pieces):
            pass
