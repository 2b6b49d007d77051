"""The nearest place within a radius, beside measuring every pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import geodesic_km
from g3lib.geo import nearest as module
from g3lib.geo.nearest import nearest_within

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180, exclude_max=True)
# near one another, at a pole and across the antimeridian, or anywhere
close = st.tuples(st.sampled_from([-90, -89.9, 0, 47.2]), st.sampled_from([-180, -179.99, 0.1, 179.95]))
points = st.lists(st.tuples(latitudes, longitudes) | close, min_size=1, max_size=12)


def measured(photos: np.ndarray, places: np.ndarray, radius: float) -> np.ndarray:
    km = geodesic_km(photos[:, :1], photos[:, 1:], places[:, 0], places[:, 1])
    return np.where(km.min(axis=1) < radius, km.argmin(axis=1), -1)


@given(points, points, st.floats(1e-3, 25_000))
def test_nothing_but_the_geodesic_decides(
    photos: list[tuple[float, float]], places: list[tuple[float, float]], radius: float
) -> None:
    asked, there = np.array(photos, float), np.array(places, float)
    found = nearest_within(*asked.T, *there.T, radius)
    assert found.tolist() == measured(asked, there, radius).tolist()


def test_the_radius_itself_is_outside() -> None:
    km = float(geodesic_km(0, 0, 0, 1))
    assert nearest_within([0.0], [1.0], [0.0], [0.0], km).tolist() == [-1]
    assert nearest_within([0.0], [1.0], [0.0], [0.0], np.nextafter(km, np.inf)).tolist() == [0]


def test_of_equals_the_first_and_of_nothing_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 2)
    lat, lon = [0.0, float("nan"), 0.0, 50.0, 0.0], [0.0, 0.0, float("nan"), 50.0, 0.0]
    assert nearest_within(lat, lon, [0.0, 0.0], [0.1, 0.1], 25).tolist() == [0, -1, -1, -1, 0]
    assert nearest_within(lat, lon, [], [], 25).tolist() == [-1] * 5
    assert nearest_within([], [], [0.0], [0.0], 25).tolist() == []
