"""Reliability: by hand, bins that hold what they should, and worlds that are as sure as they are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.im2city.certainty import RELIABILITY, calibration_error, reliability


def two_labels(sure: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose answer is label 0, and truths."""
    first = np.array(sure)
    return np.column_stack([first, 1 - first]), np.where(right, 0, 1)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """In closed form."""
    z, share = 1.959963984540054, part / whole
    middle = (share + z**2 / (2 * whole)) / (1 + z**2 / whole)
    half = z / (1 + z**2 / whole) * np.sqrt(share * (1 - share) / whole + z**2 / (4 * whole**2))
    return middle - half, middle + half


def test_bins_by_hand() -> None:
    found = reliability(*two_labels([0.9, 0.6, 0.8, 0.7], [True, False, True, True]), bins=2)
    assert found.schema == RELIABILITY and found["bin"].to_list() == [0, 1] and found["n"].to_list() == [2, 2]
    assert found["predicted"].to_list() == pytest.approx([0.65, 0.85])
    assert found["measured"].to_list() == [0.5, 1.0]
    for row, (part, whole) in zip(found.iter_rows(named=True), [(1, 2), (2, 2)], strict=True):
        assert (row["low"], row["high"]) == pytest.approx(wilson(part, whole))
    assert calibration_error(found) == pytest.approx((2 * 0.15 + 2 * 0.15) / 4)


def test_bins_hold_equally_many() -> None:
    sure = np.random.default_rng(0).uniform(0.5, 1, 103)
    found = reliability(*two_labels(sure.tolist(), [True] * 103))
    assert found.height == 10 and found["n"].sum() == 103 and set(found["n"]) == {10, 11}
    assert found["predicted"].is_sorted()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([0.5, 0.75, 0.875, 1.0]), st.booleans()), min_size=1, max_size=30))
def test_equal_probabilities_share_a_bin_in_whatever_order(rows: list[tuple[float, bool]]) -> None:
    found, other = (
        reliability(*two_labels(*map(list, zip(*each, strict=True)))) for each in (rows, rows[::-1])
    )
    assert found.equals(other) and found["n"].sum() == len(rows)
    assert found.height <= len({sure for sure, _ in rows})
    assert (found["low"] <= found["measured"] + 1e-12).all() and (
        found["measured"] <= found["high"] + 1e-12
    ).all()
    mean = np.mean([right for _, right in rows])
    assert np.average(found["measured"], weights=found["n"]) == pytest.approx(mean)


def test_a_calibrated_world_lies_on_the_diagonal_and_a_sharpened_one_does_not() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 6))
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    honest, sharp = (np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in (logits, 3 * logits))
    found = reliability(honest.astype(np.float32), truth)
    assert ((found["low"] <= found["predicted"]) & (found["predicted"] <= found["high"])).sum() >= 8
    assert calibration_error(found) < 0.01 < 0.1 < calibration_error(reliability(sharp, truth))


def test_photos_of_no_label_are_wrong() -> None:
    probabilities, truth = two_labels([0.8, 0.8], [True, True])
    truth[1] = -1
    assert reliability(probabilities, truth)["measured"].to_list() == [0.5]


def test_no_photos_are_no_bins() -> None:
    found = reliability(np.zeros((0, 3)), np.zeros(0, np.int64))
    assert found.is_empty() and found.schema == RELIABILITY and np.isnan(calibration_error(found))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="are these logits"):
        reliability(np.array([[3.0, -1.0]]), np.array([0]))
    with pytest.raises(ValueError, match="are these logits"):
        reliability(np.array([[0.5, 0.4]]), np.array([0]))
    with pytest.raises(ValueError, match="bins=0"):
        reliability(np.array([[0.5, 0.5]]), np.array([0]), bins=0)
    with pytest.raises(ValueError, match=r"\(2,\) and truth"):
        reliability(np.array([0.5, 0.5]), np.array([0, 1]))
