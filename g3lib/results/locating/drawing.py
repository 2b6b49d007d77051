"""Candidates on a map: of the world, and of the region around the answer; what lies where, in pixels of an SVG.

Both maps are equirectangular. The region's is true to scale at the answer, and drawn from the coast's own detail.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from g3lib.geo import geodesic_km
from g3lib.places.outlines import (
    Box,
    Point,
    borders_within,
    country_borders,
    land_outlines,
    land_within,
)
from g3lib.results.locating.answers import Answer, Candidate, Located

WORLD_SIZE, REGION_SIZE = (640.0, 320.0), (640.0, 400.0)  # width, height of the drawings, in pixels
WORLD_TOLERANCE = 0.5  # degrees: 1.8 pixels hold one
LEAST_KM, MOST_KM = 400.0, 1000.0  # from the region's middle to its edge
KM_PER_DEGREE = 111.2  # of latitude
SHADES = 5  # of the scores, from the lowest to the highest
WIDE, HIGH = 30.0, 12.0  # pixels that a number takes
SCALE_PIXELS = 160.0  # the bar that tells the scale is no longer


@dataclass(frozen=True)
class Mark:
    """A candidate's position in pixels; `rows` are the numbers of those there in the table, from 1."""

    x: float
    y: float
    rows: tuple[int, ...]
    shade: int  # from 0, the lowest score, to SHADES - 1
    retrieved: bool
    chosen: bool
    title: str
    numbered: bool = True  # whether there is room for its number


@dataclass(frozen=True)
class Drawing:
    """A map as SVG paths and marks. own: where the file says the photo was taken; None if it does not, or elsewhere."""

    land: str
    borders: str
    marks: tuple[Mark, ...]
    own: tuple[float, float] | None
    scale_km: float = 0.0  # what the bar of `scale_pixels` stands for; 0 without a bar
    scale_pixels: float = 0.0


@dataclass(frozen=True)
class _Projection:
    """Degrees to pixels: linear in both, y downwards."""

    west: float
    north: float
    x_scale: float
    y_scale: float

    def __call__(self, lon: float, lat: float) -> tuple[float, float]:
        return (lon - self.west) * self.x_scale, (self.north - lat) * self.y_scale

    def near(self, lon: float, lat: float, middle: float) -> tuple[float, float]:
        """The pixels of the turn of a longitude that is nearest to the middle's."""
        return self(middle + (lon - middle + 180.0) % 360.0 - 180.0, lat)


_WORLD = _Projection(-180.0, 90.0, WORLD_SIZE[0] / 360.0, WORLD_SIZE[1] / 180.0)


@cache
def world_paths() -> tuple[str, str]:
    """Land and borders of the world as SVG paths, the same in every drawing."""
    land = (ring for polygon in land_outlines(WORLD_TOLERANCE) for ring in polygon)
    return _path(land, _WORLD, "Z"), _path(country_borders(WORLD_TOLERANCE), _WORLD)


def world(photo: Located) -> Drawing:
    """All candidates of a photo on the world, without the land, which `world_paths` draws."""
    own = None if photo.own is None else _WORLD(photo.own.lon, photo.own.lat)
    return Drawing("", "", _marks(photo.candidates, _WORLD, 0.0, WORLD_SIZE), own)


def region(photo: Located) -> Drawing | None:
    """What lies around the answer, as far as the furthest candidate within MOST_KM; None without an answer."""
    if photo.answer is None:
        return None
    half = _half_height(photo, photo.answer) / KM_PER_DEGREE
    width, height = REGION_SIZE
    shrink = max(math.cos(math.radians(photo.answer.lat)), 0.02)
    y_scale = height / 2 / half
    x_scale = y_scale * shrink
    lon_half = min(width / 2 / x_scale, 180.0)
    box = Box(
        max(photo.answer.lat - half, -90.0),
        min(photo.answer.lat + half, 90.0),
        photo.answer.lon - lon_half,
        photo.answer.lon + lon_half,
    )
    projection = _Projection(
        photo.answer.lon - width / 2 / x_scale, photo.answer.lat + half, x_scale, y_scale
    )
    tolerance = 0.5 / y_scale
    kilometres = _round_number(SCALE_PIXELS / y_scale * KM_PER_DEGREE)
    return Drawing(
        _path(land_within(box, tolerance), projection, "Z"),
        _path(borders_within(box, tolerance), projection),
        _marks(photo.candidates, projection, photo.answer.lon, REGION_SIZE),
        _own(photo, projection, photo.answer.lon),
        kilometres,
        kilometres / KM_PER_DEGREE * y_scale,
    )


def _half_height(photo: Located, answer: Answer) -> float:
    """In km: what holds the answer, its file's position, and the candidates that are not too far off."""
    offs = [each.km for each in photo.candidates if each.km is not None]
    if photo.own is not None:
        offs.append(float(geodesic_km(answer.lat, answer.lon, photo.own.lat, photo.own.lon)))
    return max(LEAST_KM, *(1.2 * off for off in offs if off <= MOST_KM), 0.0)


def _own(photo: Located, projection: _Projection, middle: float) -> tuple[float, float] | None:
    if photo.own is None:
        return None
    x, y = projection.near(photo.own.lon, photo.own.lat, middle)
    return (x, y) if _is_inside(x, y, REGION_SIZE) else None


def _marks(
    candidates: Sequence[Candidate], projection: _Projection, middle: float, size: tuple[float, float]
) -> tuple[Mark, ...]:
    """One for each position, the chosen one last, on top of the others; those outside the drawing are left out."""
    scores = [each.score for each in candidates if each.score is not None]
    low, high = (min(scores), max(scores)) if scores else (0.0, 0.0)
    found: dict[tuple[float, float], list[tuple[int, Candidate]]] = {}
    for number, each in enumerate(candidates, 1):
        if each.lat is not None and each.lon is not None:
            found.setdefault((each.lat, each.lon), []).append((number, each))
    marks = []
    for (lat, lon), there in found.items():
        x, y = projection.near(lon, lat, middle)
        if _is_inside(x, y, size):
            marks.append(_mark(x, y, there, low, high))
    return tuple(sorted(_numbered(marks), key=lambda mark: (mark.chosen, mark.shade)))


def _numbered(marks: Sequence[Mark]) -> list[Mark]:
    """The same, but a number is written only where no better candidate's stands already."""
    found: list[Mark] = []
    for mark in marks:
        taken = any(
            abs(each.x - mark.x) < WIDE and abs(each.y - mark.y) < HIGH for each in found if each.numbered
        )
        found.append(replace(mark, numbered=not taken))
    return found


def _mark(x: float, y: float, there: list[tuple[int, Candidate]], low: float, high: float) -> Mark:
    first = there[0][1]
    share = 0.5 if first.score is None or high == low else (first.score - low) / (high - low)
    score = "" if first.score is None else f", score {first.score:.3f}"
    rows = tuple(number for number, _ in there)
    named = "candidate" if len(rows) == 1 else "candidates"
    return Mark(
        round(x, 1),
        round(y, 1),
        rows,
        min(int(share * SHADES), SHADES - 1),
        all(each.source == "retrieval" for _, each in there),
        any(each.chosen for _, each in there),
        f"{named} {', '.join(map(str, rows))}: {first.place.short if first.place else ''}{score}",
    )


def _is_inside(x: float, y: float, size: tuple[float, float]) -> bool:
    return 0 <= x <= size[0] and 0 <= y <= size[1]


def _path(lines: Iterable[Sequence[Point]], projection: _Projection, end: str = "") -> str:
    """SVG's path data, to a tenth of a pixel."""
    return "".join(
        "M" + "L".join("{:.1f} {:.1f}".format(*projection(*point)) for point in line) + end for line in lines
    )


def _round_number(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above `most`."""
    power = 10.0 ** math.floor(math.log10(most))
    return power * max(each for each in (1, 2, 5) if each * power <= most)
