"""Blocks give back what was put in, as exactly as they promise, and cannot end the page early."""

import numpy as np
import pytest
from carried import unpacked
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report.packing import compact, decimals, distances, floored, integers, packed
from g3lib.results.report.page import safe_json

pytestmark = pytest.mark.xdist_group("report")
KILOMETRES = st.one_of(
    st.floats(0, 20_037), st.sampled_from(THRESHOLDS_KM).map(lambda km: float(np.nextafter(km, 0)))
)
COUNT = st.integers(0, 40)


@given(arrays(np.float64, COUNT, elements=st.one_of(st.floats(-360, 360), st.just(float("nan")))))
def test_decimals_come_back_to_the_digit_they_promise(values: np.ndarray) -> None:
    _, columns = unpacked(packed({}, {"x": decimals(values, 100_000)}))
    np.testing.assert_allclose(columns["x"], values, atol=0.5e-5 + 1e-12)


@given(arrays(np.float64, COUNT, elements=st.one_of(KILOMETRES, st.just(float("nan")))))
def test_what_was_within_a_threshold_stays_within_and_what_was_not_stays_out(errors: np.ndarray) -> None:
    _, columns = unpacked(packed({}, {"x": floored(errors)}))
    for km in (*THRESHOLDS_KM, 20_000):
        np.testing.assert_array_equal(columns["x"] < km, errors < km)
    np.testing.assert_allclose(columns["x"], errors, rtol=1e-6, atol=1e-9)


@given(arrays(np.float64, COUNT, elements=st.one_of(st.floats(0.001, 20_100), st.just(float("nan")))))
def test_distances_for_reading_come_back_to_a_few_ten_thousandths(values: np.ndarray) -> None:
    _, columns = unpacked(packed({}, {"x": distances(values)}))
    np.testing.assert_allclose(columns["x"], values, rtol=2e-4)


def test_less_than_a_metre_is_nothing() -> None:
    _, columns = unpacked(packed({}, {"x": distances([0.0, 0.0005, 0.001])}))
    np.testing.assert_allclose(columns["x"], [0.0, 0.0, 0.001], rtol=1e-9)


@given(arrays(np.int64, COUNT, elements=st.integers(-(2**31), 2**31 - 1)))
def test_whole_numbers_come_back_in_as_few_bytes_as_they_need(values: np.ndarray) -> None:
    column = integers(values)
    _, columns = unpacked(packed({"about": "x"}, {"x": column}))
    np.testing.assert_array_equal(columns["x"], values)
    if len(values) and values.min() >= 0 and values.max() < 256:
        assert column.values.itemsize == 1


def test_a_number_too_large_for_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="4294967296; a block keeps 32 bits"):
        integers([2**32])


def test_equal_data_give_equal_texts_and_infinities_are_refused() -> None:
    columns = {"x": integers([1, 2, 3]), "y": decimals([0.5], 100)}
    assert packed({"a": 1}, columns) == packed({"a": 1}, columns)
    with pytest.raises(ValueError, match="JSON"):
        compact({"x": float("inf")})


@given(st.text())
def test_json_in_the_page_says_the_same_and_holds_nothing_that_ends_a_script(text: str) -> None:
    import json

    said = str(safe_json({"x": text}))
    assert json.loads(said) == {"x": text}
    assert not set("<>&\u2028\u2029") & set(said)
