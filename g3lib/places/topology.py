"""World-atlas's TopoJSON to borders that know which country lies on either side.

world-atlas stores the world on an integer grid of 99,999 x 99,999 steps as arcs, each shared by the rings left
and right of it. Keeping the arcs, rather than one polygon per country, keeps the map a division of the plane:
neighbours cannot overlap or leave gaps. Three traps of the file are settled here: its rings run across the
antimeridian unsplit, Antarctica's ring goes round the pole without closing over it, and some units have no ISO
code. Only the builder and the benchmark read TopoJSON; what ships is `data/countries.parquet`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS = 99_999  # of the grid, around the globe and from its southernmost to its northernmost vertex
OUTSIDE = ""  # the code of the sea

# units to which world-atlas gives no ISO 3166 number; why these codes: data/POLICY.md. A code of OUTSIDE
# leaves the unit out of the map: four reefs that several states claim.
WITHOUT_NUMBER = {
    "Akrotiri": "cy",
    "Dhekelia": "cy",
    "Cyprus U.N. Buffer Zone": "cy",
    "N. Cyprus": "cy",
    "Kosovo": "xk",
    "Somaliland": "so",
    "Siachen Glacier": "in",
    "Baikonur": "kz",
    "USNB Guantanamo Bay": "cu",
    "Indian Ocean Ter.": "cc",
    "Coral Sea Is.": "au",
    "Clipperton I.": "pf",
    "Bajo Nuevo Bank": OUTSIDE,
    "Scarborough Reef": OUTSIDE,
    "Serranilla Bank": OUTSIDE,
    "Spratly Is.": OUTSIDE,
}


class Grid(NamedTuple):
    """Degrees of a grid point: (x, y) * scale + origin, as (lon, lat)."""

    scale: tuple[float, float]
    origin: tuple[float, float]


class Ring(NamedTuple):
    """One closed line of a unit: its arcs, a `~index` where one is walked backwards, and whether it is a hole."""

    code: str
    arcs: list[int]
    hole: bool


@dataclass(frozen=True)
class Topology:
    """Arcs as integer grid points of shape (n, 2), longitudes unwrapped within each, and the rings made of them."""

    grid: Grid
    arcs: list[NDArray[np.int64]]
    rings: list[Ring]


def unwrapped(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Grid points (n, 2) whose x goes on beyond the antimeridian where the file's jumps to the other side."""
    step = np.diff(points[:, 0])
    turns = np.where(step > STEPS / 2, -STEPS, np.where(step < -STEPS / 2, STEPS, 0))
    result: NDArray[np.int64] = points.copy()
    result[1:, 0] += np.cumsum(turns)
    return result


def ring_points(arcs: list[NDArray[np.int64]], ring: list[int]) -> NDArray[np.int64]:
    """The unwrapped grid points (n, 2) of a ring; first and last differ by STEPS in x where it rounds a pole."""
    walked = [arcs[each] if each >= 0 else arcs[~each][::-1] for each in ring]
    joined: NDArray[np.int64] = np.concatenate([walked[0], *(each[1:] for each in walked[1:])])
    return unwrapped(joined)


def interior_is_left(points: NDArray[np.int64]) -> bool | None:
    """On which side of a ring its inside lies; None where it has none (fewer than 3 corners, or no area).

    A ring around a pole is taken to hold the south pole: Antarctica's is the only one there is.
    """
    around = points[-1, 0] - points[0, 0]
    if around:
        return bool(around < 0)  # going west, south is to the left
    x, y = (points - points[0]).T
    area = int(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return None if area == 0 else area > 0


def read_topology(path: Path, codes: dict[str, str]) -> Topology:
    """The `countries` of a world-atlas file; `codes` names the code of each ISO number.

    Raises ValueError where the file is not quantised world-atlas or names a unit that no table here knows.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if "transform" not in document or "countries" not in document.get("objects", {}):
        raise ValueError(
            f"{path} is no quantised TopoJSON of countries; take world-atlas 2.0.2's countries-10m.json"
        )
    scale, origin = document["transform"]["scale"], document["transform"]["translate"]
    if round(360.0 / scale[0]) != STEPS:
        raise ValueError(f"{path} has {round(360.0 / scale[0])} steps around the globe, not {STEPS}")
    arcs = [unwrapped(np.cumsum(np.array(arc, np.int64), axis=0)) for arc in document["arcs"]]
    units = document["objects"]["countries"]["geometries"]
    rings = [ring for unit in units for ring in _rings(unit, _code(unit, codes))]
    return Topology(Grid(tuple(scale), tuple(origin)), arcs, rings)


def _code(unit: dict[str, Any], codes: dict[str, str]) -> str:
    name = unit["properties"]["name"]
    code = codes.get(unit.get("id", ""), WITHOUT_NUMBER.get(name))
    if code is None:
        raise ValueError(f"world-atlas's {name!r} ({unit.get('id')}) has no code: add it to WITHOUT_NUMBER")
    return code


def _rings(unit: dict[str, Any], code: str) -> Iterator[Ring]:
    polygons = [unit["arcs"]] if unit["type"] == "Polygon" else unit["arcs"]
    for polygon in polygons:
        for order, ring in enumerate(polygon):
            yield Ring(code, ring, hole=order > 0)


def sides(topology: Topology) -> tuple[list[str], list[str]]:
    """The codes left and right of each arc, in the direction it is stored; OUTSIDE for the sea.

    A hole's own code lies outside its ring; what lies inside comes from the ring of the unit that fills it.
    """
    left, right = [OUTSIDE] * len(topology.arcs), [OUTSIDE] * len(topology.arcs)
    for code, arcs, hole in topology.rings:
        inside = interior_is_left(ring_points(topology.arcs, arcs))
        if inside is None:
            continue
        for each in arcs:
            on_left = (inside != hole) == (each >= 0)
            (left if on_left else right)[max(each, ~each)] = code
    return left, right
