"""Positions as points of the unit sphere, where nearness has no seam at the antimeridian."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.float64]:
    """Degrees of shape (...) to unit vectors of shape (..., 3)."""
    phi, lam = np.radians(np.asarray(lat, np.float64)), np.radians(np.asarray(lon, np.float64))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def coordinates_of(vectors: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Vectors of shape (..., 3), of any length but zero, to (lat, lon) in degrees."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
