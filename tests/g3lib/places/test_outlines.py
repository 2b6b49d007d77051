"""Outlines: the land that the borders know, in few points, cut at the antimeridian and closed at the pole."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import coordinates_of
from g3lib.places import country_at
from g3lib.places.outlines import (
    Box,
    Polygon,
    _distances,
    _simplified,
    borders_within,
    country_borders,
    land_outlines,
    land_within,
)

WORLD = 0.25


def is_land(polygons: tuple[Polygon, ...], lat: float, lon: float) -> bool:
    """By the even-odd rule, as an SVG path is filled; written anew, point by point."""
    odd = False
    for polygon in polygons:
        for ring in polygon:
            for (x0, y0), (x1, y1) in itertools.pairwise(ring):
                if (y0 > lat) != (y1 > lat) and lon < x0 + (lat - y0) / (y1 - y0) * (x1 - x0):
                    odd = not odd
    return odd


@pytest.mark.parametrize(
    ("lat", "lon", "land"),
    [
        (48.86, 2.35, True),
        (-33.0, 149.0, True),
        (0.0, -30.0, False),
        (42.0, 51.0, False),  # the Caspian Sea, a hole
        (-85.0, 179.99, True),  # Antarctica, either side of the seam and down to the pole
        (-89.9, -179.9, True),
        (-60.0, 0.0, False),
        (66.5, 179.5, True),  # Chukotka goes on beyond it
        (66.5, -179.0, True),
        (19.6, -155.5, True),  # Hawaii
        (85.0, 0.0, False),
    ],
)
def test_spots(lat: float, lon: float, land: bool) -> None:
    assert is_land(land_outlines(WORLD), lat, lon) is land


def test_the_land_is_the_borders_land() -> None:
    points = np.random.default_rng(0).normal(size=(300, 3))
    lat, lon = coordinates_of(points / np.linalg.norm(points, axis=1, keepdims=True))
    expected = country_at(lat, lon).is_not_null().to_numpy()
    found = [is_land(land_outlines(WORLD), *each) for each in zip(lat, lon, strict=True)]
    assert (expected != found).mean() < 0.02  # within a quarter of a degree of the coast
    assert 0.2 < expected.mean() < 0.4


@pytest.mark.parametrize("tolerance", [1.0, WORLD])
def test_every_ring_is_closed_on_the_map_and_wound_as_d3_asks(tolerance: float) -> None:
    polygons = land_outlines(tolerance)
    assert sum(len(polygon) for polygon in polygons) == len(polygons) + 1, "one hole, the Caspian Sea"
    for polygon in polygons:
        for number, ring in enumerate(polygon):
            x, y = np.array(ring).T
            assert ring[0] == ring[-1] and len(ring) > 3
            assert np.abs(x).max() <= 180 and np.abs(y).max() <= 90
            clockwise = np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) < 0
            assert clockwise == (number == 0)


def test_the_world_is_small_enough_for_a_page() -> None:
    sizes = [len(json.dumps(land_outlines(each), separators=(",", ":"))) for each in (0.5, WORLD)]
    assert sizes[0] < 60_000 and sizes[1] < 150_000
    assert len(json.dumps(country_borders(WORLD), separators=(",", ":"))) < 50_000


def test_borders_are_lines_between_neighbours_that_cross_no_seam() -> None:
    steps = [abs(b[0] - a[0]) for line in country_borders(WORLD) for a, b in itertools.pairwise(line)]
    assert max(steps) < 60
    at_49_north = [point for line in country_borders(WORLD) for point in line if abs(point[1] - 49) < 0.02]
    assert any(point[0] < -120 for point in at_49_north), "the United States and Canada"


@pytest.mark.parametrize(
    ("box", "lands"),
    [
        (Box(45, 50, 5, 15), [(47.0, 9.0, True), (45.2, 12.6, False)]),  # the Alps and the Adriatic
        (Box(-25, -10, 170, 190), [(-17.8, 178.0, True), (-13.6, 187.6, True), (-20.0, 180.0, False)]),
        (Box(50, 72, -200, -150), [(66.0, -170.9, True), (66.0, -185.0, True), (58.0, -175.0, False)]),
        (Box(-90, -60, -300, 60), [(-85.0, -299.0, True), (-85.0, 59.0, True), (-61.0, 0.0, False)]),
        (Box(0, 5, -35, -25), [(2.0, -30.0, False)]),
    ],
)
def test_a_region_is_drawn_whichever_side_of_the_seam_it_lies(
    box: Box, lands: list[tuple[float, float, bool]]
) -> None:
    rings = land_within(box, 0.05)
    for lat, lon, land in lands:
        assert is_land((rings,), lat, lon) is land, (lat, lon)
    points = np.array([point for ring in rings for point in ring]).reshape(-1, 2)
    assert np.all((points[:, 0] >= box.west) & (points[:, 0] <= box.east))
    assert np.all((points[:, 1] >= box.south) & (points[:, 1] <= box.north))


def test_the_borders_of_a_region_pass_where_countries_meet() -> None:
    points = np.array([point for line in borders_within(Box(45, 50, 5, 15), 0.01) for point in line])
    basel = np.hypot(*(points - [7.59, 47.58]).T)  # Switzerland, Germany and France
    assert basel.min() < 0.05
    assert points[:, 0].min() > 4 and points[:, 0].max() < 16
    assert borders_within(Box(0, 5, -35, -25), 0.01) == ()


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=40),
    st.floats(0.01, 3),
)
def test_nothing_left_out_lies_beyond_the_tolerance(
    points: list[tuple[float, float]], tolerance: float
) -> None:
    line = np.array(points)
    kept = _simplified(line, tolerance)
    assert (kept[0] == line[0]).all() and (kept[-1] == line[-1]).all()
    pieces = [_distances(line, a, b) for a, b in itertools.pairwise(kept)]
    assert np.min(pieces, axis=0).max() <= tolerance * (1 + 1e-9)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, float("nan")])
def test_a_tolerance_that_is_none(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance_degrees"):
        land_outlines(tolerance)
