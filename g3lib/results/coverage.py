"""How far the nearest gallery photo lies from each query: what no retrieval can beat.

A tree of unit vectors finds the nearest places on the sphere, the WGS 84 geodesic decides between them, and no error
is left: a kilometre of the ellipsoid is never less than `LEAST_RADIUS_KM` times its arc on the sphere of latitudes and
longitudes, so once the arc to the k-th place is longer than the best geodesic, no place farther down can be nearer.
Until then k grows. (Taking the nearest by vector alone could err by 1 % of the distance, the spread of the ellipsoid's
radii of curvature.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import geodesic_km, is_on_earth, unit_vectors, wrap_longitude

if TYPE_CHECKING:  # heavy, and needed when a gallery is searched only
    from scipy.spatial import cKDTree

Rows = NDArray[np.int64]

LEAST_RADIUS_KM = 6335.4  # of curvature on WGS 84: along the meridian, at the equator
MOST_RADIUS_KM = 6399.6  # at the poles
ROUNDING_KM = 1e-6  # a millimetre, more than the vectors' rounding
FIRST = 8  # places asked for at first; four times as many whenever they do not settle it
_NEIGHBOURS_AT_ONCE = 2_000_000  # some 100 MB


@dataclass(frozen=True)
class GalleryPlaces:
    """The k distinct positions of a gallery's photos, which its exclusions make fewer. Build it once for several."""

    lat: NDArray[np.float64]  # (k,) degrees
    lon: NDArray[np.float64]
    photos: Rows  # (k,) how many photos were taken there
    place: Rows  # (rows of the gallery,) where each photo was taken; -1 without a position on Earth

    @cached_property
    def tree(self) -> cKDTree:
        """Unbalanced, which is built in half the time and searched as fast."""
        from scipy.spatial import cKDTree

        return cKDTree(unit_vectors(self.lat, self.lon), balanced_tree=False, compact_nodes=False)

    def nearest_km(
        self, lat: ArrayLike, lon: ArrayLike, excluded: Sequence[Rows] | None = None
    ) -> NDArray[np.float64]:
        """As the function `nearest_km`, which says what it takes and raises."""
        lat, lon = (np.atleast_1d(np.asarray(each, np.float64)) for each in (lat, lon))
        blocked = self._blocked(excluded, len(lat))
        best = np.full(len(lat), np.inf)
        left, depth = np.flatnonzero(is_on_earth(lat, wrap_longitude(lon))), min(FIRST, len(self.lat))
        while len(left) and depth:
            step = max(1, _NEIGHBOURS_AT_ONCE // depth)
            parts = [left[start : start + step] for start in range(0, len(left), step)]
            settled = depth == len(self.lat)  # everything was asked for
            left = np.concatenate([self._ask(part, depth, lat, lon, blocked, best) for part in parts])
            depth = 0 if settled else min(4 * depth, len(self.lat))
        return np.where(np.isinf(best), np.nan, best)

    def _ask(
        self,
        queries: Rows,
        depth: int,
        lat: NDArray[np.float64],
        lon: NDArray[np.float64],
        blocked: list[Rows] | None,
        best: NDArray[np.float64],
    ) -> Rows:
        """Set `best` of the queries by their `depth` nearest places; returns those that this does not settle."""
        chords, places = self.tree.query(unit_vectors(lat[queries], lon[queries]), depth, workers=-1)
        arcs = 2 * np.arcsin(np.minimum(chords.reshape(-1, depth) / 2, 1.0))
        places = places.reshape(-1, depth)
        allowed = self._allowed(places, queries, blocked)
        # places whose least distance exceeds the most that the nearest arc can be need no geodesic
        most = np.where(allowed, arcs, np.inf).min(axis=1, keepdims=True) * MOST_RADIUS_KM
        row, column = np.nonzero(allowed & (arcs * LEAST_RADIUS_KM <= most + ROUNDING_KM))
        found = places[row, column]
        km = geodesic_km(lat[queries][row], lon[queries][row], self.lat[found], self.lon[found])
        np.minimum.at(best, queries[row], km)
        left: Rows = queries[arcs[:, -1] * LEAST_RADIUS_KM <= best[queries] + ROUNDING_KM]
        return left

    def _allowed(self, places: Rows, queries: Rows, blocked: list[Rows] | None) -> NDArray[np.bool_]:
        """(q, depth): which places near each query are not blocked for it."""
        allowed = np.ones(places.shape, np.bool_)
        if blocked is not None:
            for own, query, near in zip(allowed, queries, places, strict=True):
                if len(blocked[query]):
                    found = np.searchsorted(blocked[query], near).clip(max=len(blocked[query]) - 1)
                    own[:] = blocked[query][found] != near
        return allowed

    def _blocked(self, excluded: Sequence[Rows] | None, queries: int) -> list[Rows] | None:
        """For each query the places, ascending, all of whose photos are excluded for it."""
        if excluded is None:
            return None
        if len(excluded) != queries:
            raise ValueError(
                f"{len(excluded)} lists of excluded rows for {queries} queries; one each is needed"
            )
        lists = list(excluded)
        distinct = {id(each): each for each in lists}  # queries of one author share their array
        blocked = {name: self._emptied(np.asarray(rows, dtype=np.int64)) for name, rows in distinct.items()}
        return [blocked[id(each)] for each in lists]

    def _emptied(self, rows: Rows) -> Rows:
        """The places, ascending, that hold no photos but these rows of the gallery."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self.place):
            raise ValueError(
                f"excluded rows {rows.min()} to {rows.max()} are not of a gallery of {len(self.place)} photos"
            )
        place = self.place[np.unique(rows)]
        places, photos = np.unique(place[place >= 0], return_counts=True)
        emptied: Rows = places[photos == self.photos[places]]
        return emptied


def gallery_places(lat: ArrayLike, lon: ArrayLike) -> GalleryPlaces:
    """The distinct positions of gallery photos (degrees, (n,)); seconds for 4.7 million."""
    lat, lon = np.asarray(lat, np.float64), wrap_longitude(lon)
    known = np.flatnonzero(is_on_earth(lat, lon))
    # complex numbers sort by latitude, then longitude, ten times faster than rows
    joined = lat[known] + 1j * lon[known]
    distinct, which, photos = np.unique(joined, return_inverse=True, return_counts=True)
    place = np.full(len(lat), -1, np.int64)
    place[known] = which
    return GalleryPlaces(distinct.real.copy(), distinct.imag.copy(), photos.astype(np.int64), place)


def nearest_km(
    gallery_lat: ArrayLike,
    gallery_lon: ArrayLike,
    query_lat: ArrayLike,
    query_lon: ArrayLike,
    excluded: Sequence[Rows] | None = None,
) -> NDArray[np.float64]:
    """WGS 84 geodesic kilometres (q,) from each query to the nearest gallery photo that it may be answered with.

    Positions in degrees. `excluded` has the gallery's row numbers that each query leaves out, in any order
    (g3lib.gallery.exclusion). NaN for a query without a position or with nothing left; gallery photos without a
    position are no photos. Raises ValueError unless there is one list per query, all of rows of the gallery. For
    several policies build `gallery_places` once.
    """
    return gallery_places(gallery_lat, gallery_lon).nearest_km(query_lat, query_lon, excluded)
