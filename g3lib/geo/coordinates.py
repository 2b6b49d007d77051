"""What counts as a position: (lat, lon) in degrees, WGS 84, longitudes in [-180, 180)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wrap_longitude(lon: ArrayLike) -> NDArray[np.float64]:
    """Longitudes in degrees, brought into [-180, 180), where they stay as they are; infinities become NaN."""
    lon = np.asarray(lon, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        wrapped = (lon + 180.0) % 360.0 - 180.0
        inside = (lon >= -180.0) & (lon < 180.0)
    # the remainder of a tiny negative number rounds up to 360 itself
    return np.where(inside, lon, np.where(wrapped >= 180.0, -180.0, wrapped))


def is_on_earth(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
    """Whether each pair is a finite position with |lat| <= 90 and -180 <= lon < 180."""
    lat, lon = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = (np.abs(lat) <= 90.0) & (lon >= -180.0) & (lon < 180.0)
    return inside
