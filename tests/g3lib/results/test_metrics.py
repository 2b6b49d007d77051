"""Metrics against values worked out by hand."""

import math

import numpy as np
import pytest

from g3lib.results.metrics import (
    THRESHOLDS_KM,
    geoscore,
    hits,
    mean_km,
    median_km,
    p90_km,
    parse_failure_rate,
)


def test_thresholds_are_strict_and_failures_are_misses() -> None:
    errors = [0.0, 1.0, 24.999, 25.0, None, float("inf")]
    expected = [
        [True] * 5,
        [False, True, True, True, True],
        [False, True, True, True, True],
        [False, False, True, True, True],
        [False] * 5,
        [False] * 5,
    ]
    assert hits(errors).tolist() == expected  # type: ignore[arg-type]
    assert hits([]).shape == (0, len(THRESHOLDS_KM))


def test_geoscore_of_a_hit_a_scale_and_a_failure() -> None:
    assert geoscore([0.0, 1492.7, np.nan]) == pytest.approx((5000 + 5000 / math.e) / 3)


def test_failures_are_infinitely_far_in_the_median_and_absent_from_the_mean() -> None:
    assert median_km([1.0, 3.0, np.nan]) == 3.0
    assert median_km([1.0, np.nan, np.nan]) == math.inf
    assert mean_km([1.0, 3.0, np.nan]) == 2.0
    assert all(math.isnan(each([])) for each in (median_km, mean_km, geoscore))
    assert math.isnan(mean_km([np.nan]))


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (9, 9), (10, 9), (11, 10), (70, 63), (2997, 2698)])
def test_nine_in_ten_lie_within_the_90th_percentile(count: int, expected: int) -> None:
    errors = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))
    assert p90_km(errors) == expected
    assert (errors <= p90_km(errors)).mean() >= 0.9 > (errors < p90_km(errors)).mean()


def test_a_tenth_of_failures_is_beyond_the_90th_percentile_and_more_is_in_it() -> None:
    assert p90_km([*range(1, 10), np.nan]) == 9.0
    assert p90_km([*range(1, 9), np.nan, np.nan]) == math.inf
    assert math.isnan(p90_km([]))


def test_parse_failures_are_counted_over_answers() -> None:
    assert parse_failure_rate([None, "no coordinates", None, None]) == 0.25
    assert math.isnan(parse_failure_rate([]))


@pytest.mark.parametrize("errors", [[-1.0], [[1.0, 2.0]]])
def test_what_is_no_list_of_distances_is_refused(errors: list[float]) -> None:
    with pytest.raises(ValueError, match="errors_km"):
        hits(errors)
