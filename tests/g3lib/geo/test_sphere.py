"""Positions to the sphere and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import coordinates_of, haversine_km, unit_vectors
from g3lib.geo.distances import EARTH_RADIUS_KM

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


def test_the_axes() -> None:
    axes = unit_vectors([0, 0, 90], [0, 90, 33])
    assert axes == pytest.approx(np.eye(3), abs=1e-15)


@given(latitudes, longitudes, st.floats(1e-6, 1e6))
def test_there_and_back(lat: float, lon: float, length: float) -> None:
    vector = unit_vectors(lat, lon)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-15)
    lat_again, lon_again = coordinates_of(length * vector)
    assert haversine_km(lat, lon, lat_again, lon_again) == pytest.approx(0, abs=1e-6)


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_angle_between_vectors_is_the_distance(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    chord = np.linalg.norm(unit_vectors(lat1, lon1) - unit_vectors(lat2, lon2))
    expected = 2 * EARTH_RADIUS_KM * np.arcsin(min(chord / 2, 1.0))
    assert haversine_km(lat1, lon1, lat2, lon2) == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_shapes_are_kept() -> None:
    lat = np.zeros((2, 3))
    assert unit_vectors(lat, lat).shape == (2, 3, 3)
    assert coordinates_of(unit_vectors(lat, lat))[0].shape == (2, 3)
