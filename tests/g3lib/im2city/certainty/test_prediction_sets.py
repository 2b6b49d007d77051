"""Prediction sets: the promise kept in drawn worlds, thresholds by hand, and sets beside a definition in loops."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.im2city.certainty import (
    SetStatistics,
    conformal_threshold,
    cross_fitted_thresholds,
    prediction_sets,
    set_statistics,
)


def drawn(photos: int, seed: int = 0, labels: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sure of themselves, and truths."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, (photos, labels))
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    powers = np.exp(2 * logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), truth


@settings(max_examples=60)
@given(photos=st.integers(0, 60), percent=st.integers(1, 99), seed=st.integers(0, 99))
def test_the_threshold_is_the_finite_sample_quantile(photos: int, percent: int, seed: int) -> None:
    """As usually told: scores 1 - p of the truth, and the ceil((n + 1) coverage)-th smallest of them."""
    probabilities, truth = drawn(photos, seed)
    found = conformal_threshold(probabilities, truth, percent / 100)
    rank = ceil((photos + 1) * Fraction(percent, 100))
    own = probabilities[np.arange(photos), truth]
    assert found == (np.sort(own)[::-1][rank - 1] if rank <= photos else 0.0)


def test_too_few_photos_promise_nothing_and_get_every_label() -> None:
    probabilities, truth = drawn(9)
    assert conformal_threshold(probabilities[:8], truth[:8], 0.9) == 0.0
    assert conformal_threshold(probabilities, truth, 0.9) == probabilities[np.arange(9), truth].min()
    assert prediction_sets(probabilities, 0.0).all()


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_new_photos_are_covered_as_often_as_promised(coverage: float) -> None:
    held = []
    for seed in range(200):
        probabilities, truth = drawn(149, seed)
        threshold = conformal_threshold(probabilities[:99], truth[:99], coverage)
        sets = probabilities[99:] >= threshold  # before the answer is put in, which covers more
        held.append(sets[np.arange(50), truth[99:]].mean())
    # coverage of 99 + 1 photos is exactly the promise; 200 * 50 photos are this sure of it
    assert np.mean(held) == pytest.approx(coverage, abs=0.015)


def test_sets_are_what_reaches_the_threshold_and_the_answer() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.34, 0.33, 0.33], [0.9, 0.05, 0.05]])
    assert prediction_sets(probabilities, 0.3).tolist() == [
        [True, True, False],
        [True] * 3,
        [True, False, False],
    ]
    assert prediction_sets(probabilities, 0.95).tolist() == [[True, False, False]] * 3
    each = prediction_sets(probabilities, np.array([0.2, 0.4, 0.05]))
    assert each.tolist() == [[True] * 3, [True, False, False], [True] * 3]


@settings(max_examples=30)
@given(seed=st.integers(0, 999), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_lower_threshold_never_takes_a_label_away(seed: int, low: float, high: float) -> None:
    probabilities, _ = drawn(20, seed)
    wide, narrow = (prediction_sets(probabilities, each) for each in sorted((low, high)))
    assert (wide | ~narrow).all() and narrow.any(axis=1).all()


def test_the_sets_of_calibration_photos_hold_them() -> None:
    """float32 probabilities reach the threshold that is one of them."""
    probabilities, truth = drawn(99)
    threshold = conformal_threshold(probabilities, truth, 0.9)
    found = set_statistics(prediction_sets(probabilities, threshold), truth)
    assert found.coverage >= 90 / 99


def test_statistics_by_hand() -> None:
    sets = np.array([[True, False, False], [True, True, False], [True, True, True], [True, False, False]])
    found = set_statistics(sets, np.array([0, 2, 1, -1]))
    assert found == SetStatistics(4, 0.5, found.low, found.high, 1.75, 1.5, 0.5)
    assert 0 < found.low < 0.5 < found.high < 1 and found.low + found.high == pytest.approx(1.0)


def test_no_photo_is_judged_by_its_own_authors() -> None:
    probabilities, truth = drawn(400)
    authors = np.array([f"a{number % 23}" for number in range(400)])
    before = cross_fitted_thresholds(probabilities, truth, 0.8, authors)
    for name in ("a0", "a7"):
        own = authors == name
        others = np.where(own, (truth + 1) % 6, truth)
        after = cross_fitted_thresholds(probabilities, others, 0.8, authors)
        assert np.array_equal(before[own], after[own])
        assert not np.array_equal(before, after)
    found = set_statistics(prediction_sets(probabilities, before), truth)
    assert found.low < 0.8 < found.high


def test_a_fold_learns_from_all_others() -> None:
    probabilities, truth = drawn(60)
    authors = ["ann"] * 20 + ["bob"] * 20 + ["eve"] * 20
    found = cross_fitted_thresholds(probabilities, truth, 0.7, authors)
    for start in (0, 20, 40):
        rest = np.delete(np.arange(60), np.arange(start, start + 20))
        expected = conformal_threshold(probabilities[rest], truth[rest], 0.7)
        assert found[start : start + 20].tolist() == [expected] * 20


def test_nobody_is_nobodys_colleague() -> None:
    probabilities, truth = drawn(30)
    unknown = cross_fitted_thresholds(probabilities, truth, 0.7, [None, "unknown"] * 15, folds=30)
    for photo in (0, 7, 29):
        rest = np.delete(np.arange(30), photo)
        assert unknown[photo] == conformal_threshold(probabilities[rest], truth[rest], 0.7)
    assert (cross_fitted_thresholds(probabilities, truth, 0.7, ["ann"] * 30) == 0).all()


def test_what_cannot_be_promised_is_refused() -> None:
    probabilities, truth = drawn(10)
    for coverage in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="coverage="):
            conformal_threshold(probabilities, truth, coverage)
    with pytest.raises(ValueError, match="10 of 10 photos to calibrate on show none"):
        conformal_threshold(probabilities, np.full(10, -1), 0.9)
    with pytest.raises(ValueError, match="3 groups for 10 photos"):
        cross_fitted_thresholds(probabilities, truth, 0.9, ["a", "b", "c"])
    with pytest.raises(ValueError, match="in 1 folds"):
        cross_fitted_thresholds(probabilities, truth, 0.9, range(10), folds=1)
    with pytest.raises(ValueError, match=r"sets \(0, 3\)"):
        set_statistics(np.zeros((0, 3), bool), np.zeros(0, np.int64))
