"""Which of some places each of many positions is nearest to, if it is near at all."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.geo.distances import EARTH_RADIUS_KM, geodesic_km
from g3lib.geo.sphere import unit_vectors

_BLOCK = 500_000  # positions at once: some 100 MB
_SLACK = 1.01  # the sphere's distances are up to 0.56 % off WGS 84


def nearest_within(
    lat: ArrayLike, lon: ArrayLike, place_lat: ArrayLike, place_lon: ArrayLike, radius_km: float
) -> NDArray[np.int64]:
    """The number of the place that is nearest to each position, -1 where none is nearer than `radius_km` (strictly).

    Positions and places in degrees, of shape (n,) and (k,); distances are WGS 84 geodesics. Of places equally near the
    first. A position that is missing (NaN) is near nothing. Seconds for millions of positions: the geodesic is computed
    only where the sphere does not rule it out.
    """
    lat, lon = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    place_lat, place_lon = np.asarray(place_lat, np.float64), np.asarray(place_lon, np.float64)
    found = np.full(lat.size, -1, np.int64)
    if place_lat.size:
        for start in range(0, lat.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            found[part] = _nearest(lat[part], lon[part], place_lat, place_lon, radius_km)
    return found


def _nearest(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    place_lat: NDArray[np.float64],
    place_lon: NDArray[np.float64],
    radius_km: float,
) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    chord = 2 * np.sin(min(_SLACK * radius_km / EARTH_RADIUS_KM, np.pi) / 2) + 1e-12
    places = cKDTree(unit_vectors(place_lat, place_lon))
    rows = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    vectors = unit_vectors(lat[rows], lon[rows])
    near = np.isfinite(places.query(vectors, distance_upper_bound=chord)[0])
    rows = rows[near]
    found = np.full(lat.size, -1, np.int64)
    if rows.size:
        pairs = cKDTree(vectors[near]).sparse_distance_matrix(places, chord, output_type="ndarray")
        row, place = rows[pairs["i"]], pairs["j"]
        km = geodesic_km(lat[row], lon[row], place_lat[place], place_lon[place])
        order = np.lexsort((place, km, row))
        order = order[km[order] < radius_km]
        first, at = np.unique(row[order], return_index=True)
        found[first] = place[order][at]
    return found
