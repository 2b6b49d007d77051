"""Temperatures: beside a known one, a fine grid, and the ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from g3lib.im2city.certainty import Temperature, fit_temperature
from g3lib.im2city.certainty.temperature import LEAST, MOST


def drawn(photos: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right about their chances once divided by the temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (photos, 8))
    truth = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return (logits * temperature).astype(np.float32), truth


def loss(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    return float(
        -log_softmax(logits.astype(float) / temperature, axis=1)[np.arange(len(truth)), truth].mean()
    )


@pytest.mark.parametrize("temperature", [0.1, 0.8, 1.0, 3.0, 30.0])
def test_the_temperature_of_a_known_world_is_found(temperature: float) -> None:
    found = fit_temperature(*drawn(30_000, temperature))
    assert found.value == pytest.approx(temperature, rel=0.03) and found.n == 30_000


@settings(max_examples=30)
@given(seed=st.integers(0, 999), photos=st.integers(1, 60), temperature=st.floats(0.05, 20))
def test_no_temperature_of_a_grid_is_better(seed: int, photos: int, temperature: float) -> None:
    logits, truth = drawn(photos, temperature, seed)
    found = fit_temperature(logits, truth)
    assert LEAST <= found.value <= MOST * (1 + 1e-12)
    assert found.loss_before == pytest.approx(loss(logits, truth, 1.0), abs=1e-4)
    assert found.loss_after == pytest.approx(loss(logits, truth, found.value), abs=1e-4)
    best = min(loss(logits, truth, each) for each in np.geomspace(LEAST, MOST, 200))
    assert found.loss_after <= min(best, found.loss_before) + 1e-4


def test_at_the_optimum_the_mean_logit_is_what_is_expected() -> None:
    """The derivative of the likelihood is 0 where the true labels' mean logit is the model's own expectation."""
    logits, truth = drawn(2_000, 4.0)
    found = fit_temperature(logits, truth)
    chances = np.exp(log_softmax(logits.astype(float) / found.value, axis=1))
    expected = (chances * logits).sum(axis=1).mean()
    assert logits[np.arange(2_000), truth].mean() == pytest.approx(expected, abs=1e-3)


def test_ever_sharper_and_ever_flatter_end_at_the_bounds() -> None:
    right = np.eye(5, dtype=np.float32)
    assert fit_temperature(right, np.arange(5)).value == pytest.approx(LEAST)
    assert fit_temperature(right, (np.arange(5) + 1) % 5).value == pytest.approx(MOST)


def test_where_none_is_better_it_is_one() -> None:
    alike = np.zeros((3, 4), np.float32)
    assert fit_temperature(alike, np.array([0, 1, 2])) == Temperature(1.0, np.log(4), np.log(4), 3)


def test_what_all_labels_share_does_not_matter() -> None:
    logits, truth = drawn(500, 2.0)
    moved = logits + np.random.default_rng(1).normal(0, 5, (500, 1)).astype(np.float32)
    assert fit_temperature(moved, truth).value == pytest.approx(
        fit_temperature(logits, truth).value, rel=1e-3
    )


def test_logits_far_too_large_are_no_trouble() -> None:
    logits, truth = drawn(500, 1000.0)
    found = fit_temperature(logits, truth)
    assert found.value == pytest.approx(MOST) and found.loss_after < found.loss_before
    assert np.isfinite([found.loss_before, found.loss_after]).all()


def test_what_cannot_be_calibrated_is_refused() -> None:
    with pytest.raises(ValueError, match="no photos to calibrate on"):
        fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="1 of 2 photos to calibrate on show none of the labels"):
        fit_temperature(np.zeros((2, 3), np.float32), np.array([0, -1]))
    with pytest.raises(ValueError, match="truth from 0 to 3; row numbers of 3 labels"):
        fit_temperature(np.zeros((2, 3), np.float32), np.array([0, 3]))
    with pytest.raises(ValueError, match=r"logits \(2, 3\) and truth \(1,\)"):
        fit_temperature(np.zeros((2, 3), np.float32), np.array([0]))
    with pytest.raises(ValueError, match="logits: 6 of 6 are not finite"):
        fit_temperature(np.full((2, 3), np.nan, np.float32), np.array([0, 1]))
