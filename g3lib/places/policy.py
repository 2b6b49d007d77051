"""Who a disputed or tiny piece of land belongs to, where the map of Natural Earth is not followed.

The reasons stand in `data/POLICY.md`. Every rule is one comparison of coordinates, so that it can be read,
checked on a map, and changed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from g3lib.geo import haversine_km


class Box(NamedTuple):
    """Land that the map gives to `drawn_as` and that becomes `code` between two latitudes and longitudes."""

    code: str
    drawn_as: str
    south: float
    north: float
    west: float
    east: float


class Disc(NamedTuple):
    """An enclave that the map lacks: a circle of its area (km) around its middle."""

    code: str
    lat: float
    lon: float
    radius_km: float


BOXES = (
    Box("ua", "ru", 44.3, 46.25, 32.4, 36.65),  # Crimea, up to the Kerch Strait
    Box("eh", "ma", 20.0, 27.6667, -18.0, -8.6667),  # Western Sahara: south of 27° 40' N
)
DISCS = (
    Disc("va", 41.9034, 12.4529, 0.37),  # Vatican City, 0.44 km²
    Disc("de", 47.6967, 8.6883, 1.56),  # Büsingen am Hochrhein, 7.6 km²
    Disc("it", 45.9700, 8.9720, 0.90),  # Campione d'Italia, 2.6 km²
)


def apply_policy(
    lat: NDArray[np.float64], lon: NDArray[np.float64], drawn: NDArray[np.int16], index: dict[str, int]
) -> NDArray[np.bool_]:
    """Change `drawn` (country index per position, -1 at sea) in place; True where a rule spoke."""
    changed = np.zeros(len(lat), np.bool_)
    for box in BOXES:
        here = drawn == index[box.drawn_as]
        here &= (lat >= box.south) & (lat < box.north) & (lon >= box.west) & (lon < box.east)
        drawn[here], changed[here] = index[box.code], True
    for disc in DISCS:
        near = np.flatnonzero(
            (np.abs(lat - disc.lat) < 0.05) & (np.abs(lon - disc.lon) < 0.05) & (drawn >= 0)
        )
        inside = near[haversine_km(lat[near], lon[near], disc.lat, disc.lon) <= disc.radius_km]
        drawn[inside], changed[inside] = index[disc.code], True
    return changed


# Where Europe ends inside a country: latitudes, rising, and the longitude there; Europe lies to the west.
EUROPE_ENDS = {
    # the watershed of the Urals, from Orsk to the Kara Sea; then between Novaya Zemlya and Yamal
    "ru": (
        (51.0, 55.0, 57.0, 58.0, 60.0, 64.0, 66.0, 67.5, 69.0, 73.0, 75.0),
        (58.5, 59.5, 59.8, 59.3, 59.3, 59.6, 61.5, 65.5, 66.5, 66.0, 70.0),
    ),
    # the Dardanelles, the Sea of Marmara and the Bosporus
    "tr": (
        (39.99, 40.00, 40.15, 40.40, 40.70, 40.98, 41.04, 41.12, 41.22),
        (25.00, 26.15, 26.39, 26.70, 27.50, 28.985, 29.03, 29.07, 29.13),
    ),
}


def is_in_europe(code: str, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether positions of a country of EUROPE_ENDS lie in Europe; KeyError for another country."""
    latitudes, longitudes = EUROPE_ENDS[code]
    # Chukotka's longitudes are negative beyond the antimeridian, and east for all that
    return (lon > -100.0) & (lon < np.interp(lat, latitudes, longitudes))
