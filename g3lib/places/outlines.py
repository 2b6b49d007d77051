"""Coasts and borders as few lines, for drawing maps without a network: Natural Earth's arcs, simplified and cut.

For eyes only: what country a position is in is `countries.country_at`'s business, from the same arcs at full detail.
"""

import json
import math
from collections import defaultdict
from functools import cache
from importlib.resources import as_file
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.places.countries import DATA
from g3lib.places.topology import OUTSIDE, STEPS, ring_points

Point = tuple[float, float]  # (longitude, latitude) in degrees, as GeoJSON and map libraries have it
Ring = tuple[Point, ...]  # closed: the last point is the first
Polygon = tuple[Ring, ...]  # an exterior ring, then its holes
Line = tuple[Point, ...]


class Box(NamedTuple):
    """A region in degrees; west is below east, and either may lie beyond the antimeridian."""

    south: float
    north: float
    west: float
    east: float


_Points = NDArray[np.float64]  # (n, 2) of (longitude, latitude)
_TURN, _SEAM, _POLE = 360.0, 180.0, -90.0


@cache
def land_outlines(tolerance_degrees: float = 0.25) -> tuple[Polygon, ...]:
    """All land as polygons: what json.dumps writes of it is the `coordinates` of a GeoJSON MultiPolygon.

    Points lie within `tolerance_degrees` of the coast (in degrees of longitude and latitude alike, as on an
    equirectangular map); islands smaller than that are left out. Cut at the antimeridian, so no edge jumps across;
    Antarctica is closed along the pole. Exteriors are clockwise and holes (the Caspian Sea) are not, as d3 and Vega
    ask; an even-odd filled SVG path needs no such care. About 0.6 s, once per process and tolerance; as compact JSON
    some 100 kB at 0.25°, 40 kB at 0.5°. ValueError for a tolerance that is not above 0.
    """
    _check(tolerance_degrees)
    pieces = [
        piece
        for points in _coasts()
        for piece in _cut(_closed_at_the_pole(_simplified(points, tolerance_degrees)))
        if abs(_area(piece)) > tolerance_degrees**2 / 2
    ]
    exteriors = sorted((each for each in pieces if _area(each) > 0), key=_area)
    holes: dict[int, list[_Points]] = defaultdict(list)
    for hole in (each for each in pieces if _area(each) < 0):
        inside = (number for number, each in enumerate(exteriors) if _holds(each, hole[0]))
        if (smallest := next(inside, None)) is not None:
            holes[smallest].append(hole)
    digits = _digits(tolerance_degrees)
    return tuple(
        tuple(_rounded(ring[::-1], digits) for ring in (exterior, *holes[number]))
        for number, exterior in enumerate(exteriors)
    )


@cache
def country_borders(tolerance_degrees: float = 0.25) -> tuple[Line, ...]:
    """The lines between countries on land, simplified like `land_outlines`; the coordinates of a MultiLineString."""
    _check(tolerance_degrees)
    lines = (_in_range(_simplified(points, tolerance_degrees)) for points in _between())
    return tuple(_rounded(line, _digits(tolerance_degrees)) for line in lines)


def land_within(box: Box, tolerance_degrees: float) -> tuple[Ring, ...]:
    """The land of one region, for a map of it: closed rings, to be filled by the even-odd rule, cut at its edges.

    Longitudes lie between the box's, which may go beyond 180 (or -180) to show both sides of the antimeridian. As
    fine as the data, some 200 m, at a small tolerance: what lies outside the box is neither simplified nor kept.
    """
    _check(tolerance_degrees)
    rings = []
    for points, (low, high) in zip(_coasts(), _extents(), strict=True):
        for turn in _turns(box, low, high):
            part = _boxed(_moved(points, turn), box)
            if len(part) > 3:
                rings.append(_rounded(_simplified(part, tolerance_degrees), _digits(tolerance_degrees)))
    return tuple(ring for ring in rings if len(ring) > 3)


def borders_within(box: Box, tolerance_degrees: float) -> tuple[Line, ...]:
    """The lines between countries of one region, as `land_within`; they may end a little beyond its edges."""
    _check(tolerance_degrees)
    parts = (
        part
        for points in _between()
        for turn in _turns(box, points.min(axis=0), points.max(axis=0))
        for part in _near(_moved(points, turn), box)
    )
    digits = _digits(tolerance_degrees)
    return tuple(_rounded(_simplified(part, tolerance_degrees), digits) for part in parts)


def _check(tolerance: float) -> None:
    if not tolerance > 0:
        raise ValueError(f"tolerance_degrees={tolerance}: an outline has one above 0, e.g. 0.25")


@cache
def _arcs() -> tuple[list[NDArray[np.int64]], list[str], list[str]]:
    """Grid points (n, 2) of every arc, and the codes left and right of it."""
    with as_file(DATA / "countries.parquet") as path:
        table = pl.read_parquet(path)
    ends = np.cumsum(table["x"].list.len().to_numpy())[:-1]
    points = np.column_stack([table[axis].explode().to_numpy().astype(np.int64) for axis in ("x", "y")])
    return np.split(points, ends), table["left"].to_list(), table["right"].to_list()


@cache
def _grid() -> tuple[_Points, _Points]:
    """Degrees per step, and of the grid's origin."""
    with as_file(DATA / "countries.parquet") as path:
        grid = json.loads(pl.read_parquet_metadata(path)["grid"])
    return np.array(grid["scale"]), np.array(grid["origin"])


def _degrees(points: NDArray[np.int64]) -> _Points:
    scale, origin = _grid()
    found: _Points = points * scale + origin
    return found


@cache
def _coasts() -> tuple[_Points, ...]:
    """Every ring of coast, land to its left, longitudes unwrapped; at each node as many arcs begin as end."""
    arcs, left, right = _arcs()
    coast = [
        points if right_code == OUTSIDE else points[::-1]
        for points, left_code, right_code in zip(arcs, left, right, strict=True)
        if (left_code == OUTSIDE) != (right_code == OUTSIDE)
    ]
    leaving: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, points in enumerate(coast):
        leaving[_node(points[0])].append(number)
    rings = []
    for start, waiting in leaving.items():
        while waiting:
            walked = [waiting.pop()]
            while (node := _node(coast[walked[-1]][-1])) != start:
                walked.append(leaving[node].pop())
            rings.append(_degrees(ring_points(coast, walked)))
    return tuple(rings)


@cache
def _between() -> tuple[_Points, ...]:
    """Every arc between two countries, in degrees."""
    arcs, left, right = _arcs()
    return tuple(
        _degrees(points) for points, *sides in zip(arcs, left, right, strict=True) if OUTSIDE not in sides
    )


@cache
def _extents() -> tuple[tuple[_Points, _Points], ...]:
    """The south-western and north-eastern corners of every ring of coast."""
    return tuple((points.min(axis=0), points.max(axis=0)) for points in map(_closed_at_the_pole, _coasts()))


def _turns(box: Box, low: _Points, high: _Points) -> range:
    """By how many turns a shape between two corners may be moved to meet the box."""
    if high[1] < box.south or low[1] > box.north:
        return range(0)
    return range(math.ceil((box.west - high[0]) / _TURN), math.floor((box.east - low[0]) / _TURN) + 1)


def _boxed(ring: _Points, box: Box) -> _Points:
    """The part of a closed ring within a box."""
    part = _closed_at_the_pole(ring)
    for value, side, axis in ((box.west, 1, 0), (box.east, -1, 0), (box.south, 1, 1), (box.north, -1, 1)):
        part = _halved(part, value, side, axis) if len(part) else part
    return part


def _near(line: _Points, box: Box) -> list[_Points]:
    """The stretches of a line that lie within a box, each with a point before and after."""
    x, y = line.T
    inside = (x >= box.west) & (x <= box.east) & (y >= box.south) & (y <= box.north)
    inside[:-1] |= inside[1:].copy()
    inside[1:] |= inside[:-1].copy()
    cuts = np.flatnonzero(np.diff(inside)) + 1
    stretches = np.split(line, cuts)
    return [each for each in stretches[(0 if inside[0] else 1) :: 2] if len(each) > 1]


def _node(point: NDArray[np.int64]) -> tuple[int, int]:
    return int(point[0]) % STEPS, int(point[1])


def _simplified(points: _Points, tolerance: float) -> _Points:
    """Douglas and Peucker's: both ends, and whatever lies further than the tolerance from the line without it."""
    kept = np.zeros(len(points), np.bool_)
    kept[[0, -1]] = True
    open_ = [(0, len(points) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        off = _distances(points[first + 1 : last], points[first], points[last])
        furthest = int(np.argmax(off))
        if off[furthest] > tolerance:
            middle = first + 1 + furthest
            kept[middle] = True
            open_ += [(first, middle), (middle, last)]
    return points[kept]


def _distances(points: _Points, start: _Points, end: _Points) -> NDArray[np.float64]:
    """(n,) from the segment between start and end, which may be one point."""
    along, away = end - start, points - start
    length = float(along @ along)
    share = np.clip(away @ along / length, 0.0, 1.0) if length else np.zeros(len(points))
    off: NDArray[np.float64] = np.hypot(*(away - share[:, None] * along).T)
    return off


def _closed_at_the_pole(ring: _Points) -> _Points:
    """A ring around the south pole goes on to the pole and back beneath itself."""
    if abs(ring[-1, 0] - ring[0, 0]) < _SEAM:
        return ring
    corners = [[ring[-1, 0], _POLE], [ring[0, 0], _POLE], ring[0]]
    return np.vstack([ring, corners])


def _cut(ring: _Points) -> list[_Points]:
    """The parts of a closed ring within [-180, 180], each moved there by whole turns."""
    turns = range(
        math.floor((ring[:, 0].min() + _SEAM) / _TURN), math.ceil((ring[:, 0].max() + _SEAM) / _TURN)
    )
    parts = (_halved(_halved(_moved(ring, -turn), -_SEAM, 1), _SEAM, -1) for turn in turns)
    return [part for part in parts if len(part) > 3]


def _halved(ring: _Points, value: float, side: int, axis: int = 0) -> _Points:
    """A closed ring's part at or above (side 1) or below (-1) a longitude (or latitude), along which it is cut."""
    inside = (ring[:, axis] - value) * side >= 0
    if inside.all() or not inside.any():
        return ring if inside.all() else ring[:0]
    leaving = np.flatnonzero(inside[:-1] != inside[1:])
    here, there = ring[leaving], ring[leaving + 1]
    share = (value - here[:, axis]) / (there[:, axis] - here[:, axis])
    crossings = here + share[:, None] * (there - here)
    crossings[:, axis] = value
    kept = np.flatnonzero(inside[:-1])
    order = np.argsort(np.concatenate([2 * kept, 2 * leaving + 1]))
    open_ = np.concatenate([ring[kept], crossings])[order]
    return np.vstack([open_, open_[:1]])


def _in_range(line: _Points) -> _Points:
    """A line that lies beyond the antimeridian, moved back by a whole turn; none crosses it."""
    return _moved(line, -math.floor((line[:, 0].mean() + _SEAM) / _TURN))


def _moved(points: _Points, turns: int) -> _Points:
    """Points whole turns further east."""
    moved: _Points = points + np.array([_TURN * turns, 0.0])
    return moved


def _area(ring: _Points) -> float:
    """In square degrees, above 0 if the ring is counter-clockwise."""
    x, y = ring.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def _holds(ring: _Points, point: _Points) -> bool:
    """Whether a closed ring has a point inside: a ray to the east leaves it an odd number of times."""
    x, y = ring.T
    crossing = (y[:-1] > point[1]) != (y[1:] > point[1])
    x0, y0, x1, y1 = x[:-1][crossing], y[:-1][crossing], x[1:][crossing], y[1:][crossing]
    return bool(np.sum(x0 + (point[1] - y0) / (y1 - y0) * (x1 - x0) > point[0]) % 2)


def _digits(tolerance: float) -> int:
    """Decimals that cost a tenth of the tolerance at most."""
    return max(0, math.ceil(-math.log10(tolerance)) + 1)


def _rounded(points: _Points, digits: int) -> Line:
    return tuple((float(lon), float(lat)) for lon, lat in points.round(digits))
