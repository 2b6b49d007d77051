"""Targets that know distance: against a loop, at the ends of the scale, and on bad input."""

import math

import numpy as np
import pytest
from geopy.distance import geodesic

from g3lib.im2city.probing import BadTargets, ProbeError, soft_targets

LAT, LON = [40.42, 41.39, 48.86, -33.87, 64.0], [-3.70, 2.17, 2.35, 151.21, 179.9]


@pytest.mark.parametrize("scale", [50.0, 500.0, 5000.0])
def test_rows_fall_with_distance(scale: float) -> None:
    found = soft_targets(LAT, LON, scale)
    places = list(zip(LAT, LON, strict=True))
    for row, here in enumerate(places):
        powers = [math.exp(-geodesic(here, there).km / scale) for there in places]
        assert found[row] == pytest.approx([each / math.fsum(powers) for each in powers], rel=1e-5, abs=1e-30)
    assert found.dtype == np.float32 and found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_a_small_scale_is_one_hot_a_large_one_uniform() -> None:
    assert np.array_equal(soft_targets(LAT, LON, 0.01), np.eye(5))
    assert soft_targets(LAT, LON, 1e9) == pytest.approx(np.full((5, 5), 0.2), abs=1e-4)


def test_labels_in_one_place_share_alike() -> None:
    assert soft_targets([10, 10, -10], [20, 20, 20], 1.0)[0].tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_are_none(scale: float) -> None:
    with pytest.raises(ProbeError, match="scale_km="):
        soft_targets(LAT, LON, scale)


def test_labels_without_a_position() -> None:
    for lat, lon in (([1, np.nan], [1, 2]), ([1, 2], [1]), (1, 2)):
        with pytest.raises(BadTargets, match="both finite and one for each label"):
            soft_targets(lat, lon, 1.0)
    with pytest.raises(ValueError, match=r"outside \[-90, 90\]"):
        soft_targets([1, 91], [1, 2], 1.0)
