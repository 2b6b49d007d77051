"""What counts as a position, for any number a file may hold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import is_on_earth, wrap_longitude


@pytest.mark.parametrize(
    ("lon", "wrapped"),
    [
        (0, 0),
        (180, -180),
        (-180, -180),
        (190, -170),
        (-190, 170),
        (360, 0),
        (540, -180),
        (-1e-20, 0),
        (179.5, 179.5),
    ],
)
def test_known_longitudes(lon: float, wrapped: float) -> None:
    assert wrap_longitude(lon) == pytest.approx(wrapped, abs=1e-12)


@given(st.floats(-1e9, 1e9))
def test_a_wrapped_longitude_is_in_range_and_the_same_meridian(lon: float) -> None:
    wrapped = float(wrap_longitude(lon))
    assert -180 <= wrapped < 180
    turns = (lon - wrapped) / 360
    assert turns == pytest.approx(round(turns), abs=1e-9)
    assert wrap_longitude(wrapped) == pytest.approx(wrapped, abs=1e-12)


@given(st.floats(-180, 180, exclude_max=True))
def test_longitudes_in_range_stay(lon: float) -> None:
    assert wrap_longitude(lon) == lon  # to the last bit


def test_what_is_no_number_becomes_nan() -> None:
    assert np.isnan(wrap_longitude([math.nan, math.inf, -math.inf])).all()


@given(st.floats(), st.floats())
def test_only_finite_pairs_within_the_limits_are_on_earth(lat: float, lon: float) -> None:
    expected = -90 <= lat <= 90 and -180 <= lon < 180
    assert bool(is_on_earth(lat, lon)) is expected


def test_the_limits() -> None:
    lat, lon = [90, -90, 90.0000001, 0, 0], [0, -180, 0, 180, math.nextafter(180, 0)]
    assert is_on_earth(lat, lon).tolist() == [True, True, False, False, True]
