"""Where permutations put a measurement."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.im2city.proximity.chance import AGAINST_CHANCE, against, chance_row, permuted


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=50), st.integers(-6, 6))
def test_p_counts_what_is_at_least_as_extreme_and_itself(null: list[int], measured: int) -> None:
    lower = sum(each <= measured for each in null)
    higher = sum(each >= measured for each in null)
    assert against(null, measured, "lower").p == (1 + lower) / (1 + len(null))
    assert against(null, measured, "higher").p == (1 + higher) / (1 + len(null))


def test_rounding_is_no_difference() -> None:
    assert against([0.1 + 0.2], 0.3, "lower").p == 1.0
    assert against([0.3], 0.1 + 0.2, "higher").p == 1.0
    assert against([1e4 + 1e-7], 1e4, "lower").p == 1.0


def test_the_mean_and_the_middle_are_of_what_says_something() -> None:
    found = against([*range(101), np.nan], 50.0, "lower")
    assert (found.mean, found.low, found.high) == (50.0, 2.5, 97.5)
    assert found.p == (1 + 51 + 1) / 103  # the order that says nothing counts as extreme
    assert np.isnan(against([np.nan], 1.0, "lower").mean)


def test_permutations_are_of_the_seed_alone() -> None:
    some, more = list(permuted(7, 3, 5)), list(permuted(7, 9, 5))
    assert all(np.array_equal(one, other) for one, other in zip(some, more, strict=False))
    assert all(sorted(each) == list(range(7)) for each in more)
    with pytest.raises(ValueError, match="permutations=0"):
        permuted(7, 0, 5)


def test_a_row_of_nothing_holds_nulls() -> None:
    frame = pl.DataFrame([chance_row("mean km", 0, np.nan, [np.nan] * 9, "lower")], schema=AGAINST_CHANCE)
    assert frame.row(0) == ("mean km", 0, None, None, None, None, None, None)
