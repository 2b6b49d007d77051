"""Distances in kilometres between pairs of positions in degrees."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

EARTH_RADIUS_KM = 6371.0088  # IUGG mean radius, for haversine only


@cache
def _wgs84() -> Geod:
    return Geod(ellps="WGS84")


def geodesic_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """WGS 84 geodesic distance of each pair (G3's metric), float64; NaN where a position is missing.

    Raises ValueError if a latitude lies outside [-90, 90]: a silent answer would be a wrong one.
    """
    arrays = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (lat1, lon1, lat2, lon2)))
    for name, latitudes in (("lat1", arrays[0]), ("lat2", arrays[2])):
        outside = np.abs(latitudes) > 90.0
        if outside.any():
            raise ValueError(
                f"{name}: {int(outside.sum())} of {latitudes.size} latitudes lie outside [-90, 90], "
                f"first {latitudes[outside].flat[0]}; exclude them before measuring distances"
            )
    _, _, metres = _wgs84().inv(arrays[1], arrays[0], arrays[3], arrays[2])
    return np.asarray(metres, dtype=np.float64) / 1000.0


def haversine_km(lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance on the mean sphere (older papers' metric; up to 0.56 % off WGS 84)."""
    phi1, lambda1, phi2, lambda2 = (
        np.radians(np.asarray(each, dtype=np.float64)) for each in (lat1, lon1, lat2, lon2)
    )
    chord = (
        np.sin((phi2 - phi1) / 2) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin((lambda2 - lambda1) / 2) ** 2
    )
    km: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return km
