"""Distances against closed forms of the WGS 84 ellipsoid and of the sphere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ellipe

from g3lib.geo import geodesic_km, haversine_km
from g3lib.geo.distances import EARTH_RADIUS_KM

EQUATOR_KM, FLATTENING = 6378.137, 1 / 298.257223563  # WGS 84's two defining numbers
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def test_along_the_equator_the_geodesic_is_a_circle() -> None:
    degree = EQUATOR_KM * math.pi / 180
    assert degree == pytest.approx(111.31949, abs=1e-5)
    assert geodesic_km(0, [0, 0, 179.5], 0, [1, 90, -179.5]) == pytest.approx(
        [degree, 90 * degree, degree], rel=1e-12
    )


@pytest.mark.parametrize("longitude", [0.0, -77.0, 180.0])
def test_from_pole_to_pole_it_is_half_a_meridian(longitude: float) -> None:
    eccentricity_squared = FLATTENING * (2 - FLATTENING)
    half_meridian = 2 * EQUATOR_KM * ellipe(eccentricity_squared)
    assert half_meridian == pytest.approx(20003.93, abs=5e-3)
    assert geodesic_km(90, longitude, -90, 12) == pytest.approx(half_meridian, rel=1e-9)


def test_a_known_pair() -> None:
    # GeographicLib's own example: New York JFK to London Heathrow, Karney's exact solution
    assert geodesic_km(40.6, -73.8, 51.6, -0.5) == pytest.approx(5551.759400, abs=1e-6)


def test_missing_positions_give_nan_and_others_their_distance() -> None:
    nan = float("nan")
    km = geodesic_km([nan, 0, 0, 0], [0, nan, 0, 0], [0, 0, nan, 0], [0, 0, 0, 1])
    assert np.isnan(km).tolist() == [True, True, True, False]
    assert km.dtype == np.float64
    assert geodesic_km([], [], [], []).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(([0, 91], 0, 0, 0), "lat1"), ((0, 0, -90.5, 0), "lat2"), ((0, 0, math.inf, 0), "lat2")],
)
def test_impossible_latitudes_are_refused_by_name(arguments: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: 1 of"):
        geodesic_km(*arguments)


@given(latitudes, longitudes, latitudes, longitudes)
def test_both_are_metrics_and_agree_within_the_flattening(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    there, back = geodesic_km(lat1, lon1, lat2, lon2), geodesic_km(lat2, lon2, lat1, lon1)
    sphere = haversine_km(lat1, lon1, lat2, lon2)
    assert there == pytest.approx(back, rel=1e-9, abs=1e-9)
    assert geodesic_km(lat1, lon1, lat1, lon1) == pytest.approx(0, abs=1e-9)
    assert 0 <= there <= 20003.94
    assert there == pytest.approx(sphere, rel=0.0057, abs=1e-6)


@given(latitudes, latitudes, longitudes)
def test_haversine_along_a_meridian_is_proportional_to_latitude(a: float, b: float, lon: float) -> None:
    expected = abs(math.radians(b) - math.radians(a)) * EARTH_RADIUS_KM
    # near the antipode the sine's slope vanishes, and with it half of the digits
    assert haversine_km(a, lon, b, lon) == pytest.approx(expected, rel=1e-9, abs=1e-3)


def test_haversine_of_antipodes_is_half_the_circumference() -> None:
    half = math.pi * EARTH_RADIUS_KM
    assert haversine_km([0, 30, 90], [0, 10, 0], [0, -30, -90], [180, -170, 99]) == pytest.approx(half)
