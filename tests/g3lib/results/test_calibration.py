"""Scores to chances: against a plain pooling of neighbours, and never learned from a photo's own author."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from g3lib.results.calibration import (
    FOLDS,
    Calibrator,
    _folds,
    cross_fitted,
    expected_calibration_error,
    fit,
)


def drawn(
    count: int = 3000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Scores, nested hits of five thresholds, and the chances they were drawn with."""
    generator = np.random.default_rng(seed)
    scores = generator.uniform(-0.2, 0.6, count)
    chances = 1 / (1 + np.exp(-(8 * scores[:, np.newaxis] - 3 + np.arange(5))))
    return scores, generator.random((count, 1)) < chances, chances


def pooled(scores: NDArray[np.float64], hits: NDArray[np.float64]) -> dict[float, float]:
    """Isotonic regression as in the textbook: equal scores first, then neighbours that fall are merged."""
    blocks: list[list[list[float]]] = []
    for score in np.unique(scores):
        blocks.append([[score], hits[scores == score].tolist()])
        while len(blocks) > 1 and np.mean(blocks[-2][1]) >= np.mean(blocks[-1][1]):
            above = blocks.pop()
            blocks[-1] = [blocks[-1][0] + above[0], blocks[-1][1] + above[1]]
    return {score: float(np.mean(values)) for block, values in blocks for score in block}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 15), st.booleans()), min_size=1, max_size=40))
def test_chances_are_isotonic_regression(rows: list[tuple[int, bool]]) -> None:
    scores, hits = np.array([row[0] / 16 for row in rows]), np.array([[row[1]] for row in rows], dtype=float)
    expected = pooled(scores, hits[:, 0])
    found = fit(scores, hits).probabilities(list(expected))
    assert found[:, 0] == pytest.approx(list(expected.values()), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 5)), min_size=1, max_size=40),
    st.lists(st.floats(-2, 2), min_size=1, max_size=20),
)
def test_chances_never_fall_with_the_score_or_with_the_threshold(
    rows: list[tuple[float, int]], asked: list[float]
) -> None:
    hits = np.array([np.arange(5) >= row[1] for row in rows])
    found = fit([row[0] for row in rows], hits).probabilities(sorted(asked))
    assert (np.diff(found, axis=0) >= -1e-12).all() and (np.diff(found, axis=1) >= 0).all()
    assert (found >= 0).all() and (found <= 1).all()


def test_rounding_makes_no_chance_fall_with_the_threshold() -> None:
    found = Calibrator((0.0, 1.0), ((0.1 + 0.2, 0.3), (0.5, 0.6))).probabilities([0.0, 0.5, 1.0])
    assert found[0].tolist() == [0.1 + 0.2, 0.1 + 0.2] and found[2].tolist() == [0.5, 0.6]


def test_chances_of_a_known_world_are_found() -> None:
    scores, hits, chances = drawn(20_000)
    found = cross_fitted(scores, hits, np.arange(len(scores)))
    assert np.abs(found - chances).mean() < 0.02
    assert (expected_calibration_error(found, hits) < 0.015).all()
    assert (expected_calibration_error(np.clip(scores, 0, 1)[:, np.newaxis].repeat(5, 1), hits) > 0.04).all()


def test_no_outcome_of_an_author_enters_the_chances_of_that_author() -> None:
    scores, hits, _ = drawn(400)
    authors = np.array([f"a{number % 23}" for number in range(400)])
    before = cross_fitted(scores, hits, authors)
    for name in ("a0", "a7"):
        own = authors == name
        after = cross_fitted(scores, np.where(own[:, np.newaxis], ~hits, hits), authors)
        assert np.array_equal(before[own], after[own])
        assert not np.array_equal(before[~own], after[~own])


def test_what_one_fold_learns_is_the_fit_of_all_others() -> None:
    scores, hits, _ = drawn(300)
    scores[::7] = np.nan
    authors = np.arange(300) % 40
    fold = _folds(authors, 300)
    found = cross_fitted(scores, hits, authors)
    for each in range(FOLDS):
        own, others = fold == each, (fold != each) & np.isfinite(scores)
        expected = fit(scores[others], hits[others]).probabilities(scores[own])
        assert np.array_equal(found[own], expected, equal_nan=True)
    assert np.array_equal(np.isnan(found).all(axis=1), np.isnan(scores))


def test_folds_keep_authors_whole_in_whatever_order_and_nobody_is_nobodys_colleague() -> None:
    authors = [f"a{number % 17}" for number in range(200)]
    fold = _folds(authors, 200)
    assert all(len(set(fold[[a == name for a in authors]])) == 1 for name in set(authors))
    assert np.array_equal(_folds(authors[::-1], 200), fold[::-1])
    assert len(set(fold)) == FOLDS
    for nobody in (None, "unknown"):
        counts = np.bincount(_folds([nobody] * 200, 200), minlength=FOLDS)
        assert (counts == 200 / FOLDS).all()


def test_there_is_no_chance_where_nobody_else_can_be_learned_from() -> None:
    scores, hits, _ = drawn(30)
    assert np.isnan(cross_fitted(scores, hits, ["ann"] * 30)).all()
    two = cross_fitted(scores, hits, ["ann"] * 15 + ["bob"] * 15)
    assert np.array_equal(two[:15], fit(scores[15:], hits[15:]).probabilities(scores[:15]))
    assert np.isnan(cross_fitted(np.full(30, np.nan), hits, range(30))).all()
    assert cross_fitted([], np.zeros((0, 5)), []).shape == (0, 5)


def test_a_calibrator_survives_json() -> None:
    scores, hits, _ = drawn(500)
    calibrator = fit(scores, hits)
    read = Calibrator(**json.loads(json.dumps(asdict(calibrator))))
    asked = [-9.0, 0.1, 0.25, 9.0, np.nan, np.inf]
    assert np.array_equal(read.probabilities(asked), calibrator.probabilities(asked), equal_nan=True)
    found = read.probabilities(asked)
    assert np.isnan(found[-2:]).all() and found.shape == (6, 5)
    assert found[0].tolist() == list(calibrator.chances[0]) and found[3].tolist() == list(
        calibrator.chances[-1]
    )


def test_the_calibration_error_by_hand() -> None:
    chances = np.array([[0.05], [0.05], [0.95], [1.0], [np.nan]])
    hits = np.array([[0], [1], [1], [1], [0]])
    # |0.05 - 0.5| of two photos, |0.975 - 1| of two; the fifth has no chance
    assert expected_calibration_error(chances, hits) == pytest.approx([(2 * 0.45 + 2 * 0.025) / 4])
    assert np.isnan(expected_calibration_error(chances[4:], hits[4:])).all()
    assert expected_calibration_error(chances[:4], hits[:4], bins=1) == pytest.approx([0.75 - 2.05 / 4])


def test_what_cannot_be_calibrated_is_refused() -> None:
    with pytest.raises(ValueError, match="none of 2 scores"):
        fit([np.nan, np.inf], [[1], [0]])
    with pytest.raises(ValueError, match=r"scores \(3,\) and hits \(2, 1\)"):
        fit([1, 2, 3], [[1], [0]])
    with pytest.raises(ValueError, match="2 groups for 3 scores"):
        cross_fitted([1, 2, 3], [[1], [0], [1]], ["a", "b"])
    with pytest.raises(ValueError, match="must both be"):
        expected_calibration_error([0.5], [1])
