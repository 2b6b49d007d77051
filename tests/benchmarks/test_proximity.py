"""Mantel's test of 200 labels with 9,999 permutations, and what the other statistics of GEM take.

Everything is drawn. Times depend on the machine, so none of them fails a test; what the answers are must hold
everywhere. The plain loop runs for fewer permutations, whose pace is taken for all.
"""

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import pearsonr, rankdata, spearmanr

from g3lib.geo import coordinates_of, unit_vectors
from g3lib.im2city.certainty import conformal_threshold, fit_temperature, prediction_sets, reliability
from g3lib.im2city.proximity import (
    compare_models,
    label_distances,
    label_similarities,
    mantel,
    nearest_summary,
    wrong_answers,
)
from g3lib.im2city.proximity.correlations import Method

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

Matrix = NDArray[np.float64]

LABELS, PERMUTATIONS, SAMPLE = 200, 9_999, 100
BY_SCIPY = {"spearman": spearmanr, "pearson": pearsonr}


def seconds(work: Callable[[], object], turns: int = 3) -> float:
    """The least of several turns."""
    best = np.inf
    for _ in range(turns):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def world(noise: float) -> tuple[Matrix, Matrix]:
    """(similarity, distance) of labels anywhere, whose embeddings know so little of it."""
    generator = np.random.default_rng(0)
    lat, lon = coordinates_of(generator.normal(size=(LABELS, 3)))
    rows = unit_vectors(lat, lon) @ generator.normal(size=(3, 768)) + noise * generator.normal(
        size=(LABELS, 768)
    )
    return label_similarities(rows), label_distances(lat, lon)


def plain(similarity: Matrix, distance: Matrix, method: Method, permutations: int) -> list[float]:
    """As one writes it down: the correlation by scipy, of matrices permuted by numpy."""
    generator, pairs, found = np.random.default_rng(0), np.triu_indices(LABELS, 1), []
    for _ in range(permutations):
        order = generator.permutation(LABELS)
        found.append(BY_SCIPY[method](similarity[pairs], distance[np.ix_(order, order)][pairs]).statistic)
    return found


def careful(similarity: Matrix, distance: Matrix, method: Method, permutations: int) -> list[float]:
    """By somebody who saw that permuting changes no rank: ranked once, then numpy's correlation."""
    generator, pairs, found = np.random.default_rng(0), np.triu_indices(LABELS, 1), []
    alike, apart = similarity[pairs], distance.copy()
    if method == "spearman":
        alike, apart[pairs] = rankdata(alike), rankdata(distance[pairs])
        apart.T[pairs] = apart[pairs]
    for _ in range(permutations):
        order = generator.permutation(LABELS)
        found.append(float(np.corrcoef(alike, apart[np.ix_(order, order)][pairs])[0, 1]))
    return found


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_mantel_beside_a_plain_loop(method: Method) -> None:
    similarity, distance = world(3.0)
    ours = seconds(lambda: mantel(similarity, distance, PERMUTATIONS, 0, method))
    found = mantel(similarity, distance, SAMPLE, 0, method)
    null = plain(similarity, distance, method, SAMPLE)
    assert found.null_mean == pytest.approx(np.mean(null))
    assert found.null_low == pytest.approx(np.quantile(null, 0.025))
    assert careful(similarity, distance, method, SAMPLE) == pytest.approx(null)
    loops = [
        seconds(lambda loop=loop: loop(similarity, distance, method, SAMPLE)) * PERMUTATIONS / SAMPLE
        for loop in (plain, careful)
    ]
    print(
        f"\nMantel ({method}), {PERMUTATIONS:,} permutations of {LABELS} labels and a jackknife interval: {ours:.2f} "
        f"s; by {SAMPLE} permutations, scipy in a loop {loops[0]:.1f} s ({loops[0] / ours:.1f} times as long), numpy "
        f"in a loop, ranked once, {loops[1]:.1f} s ({loops[1] / ours:.1f} times)"
    )


def test_the_other_statistics() -> None:
    (similarity, distance), (other, _) = world(3.0), world(30.0)
    generator = np.random.default_rng(1)
    truth = generator.integers(0, LABELS, 22_000)
    logits = (similarity[truth] * 8 + generator.gumbel(size=(len(truth), LABELS))).astype(np.float32)
    top = logits.argsort(axis=1)[:, :-6:-1]
    countries = [str(number % 30) for number in range(LABELS)]
    wrong = int((top[:, 0] != truth).sum())
    both = seconds(lambda: compare_models(similarity, other, distance), turns=1)
    nearest = seconds(lambda: nearest_summary(similarity, distance, countries), turns=1)
    errors = seconds(
        lambda: wrong_answers(truth, top[:, 0], distance, countries=countries, top5=top), turns=1
    )
    print(
        f"\n{LABELS} labels, {PERMUTATIONS:,} permutations: two models compared {both:.2f} s, nearest labels "
        f"{nearest:.2f} s, {wrong:,} wrong answers of {len(truth):,} with the top five {errors:.1f} s"
    )


def test_certainty() -> None:
    generator = np.random.default_rng(2)
    logits = (generator.normal(0, 2, (90_000, 56)) * 3).astype(np.float32)
    truth = (logits / 3 + generator.gumbel(size=logits.shape)).argmax(axis=1)
    temperature = seconds(lambda: fit_temperature(logits, truth), turns=1)
    value = fit_temperature(logits, truth).value
    assert value == pytest.approx(3.0, rel=0.02)
    powers = np.exp(logits / np.float32(value))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    bins = seconds(lambda: reliability(probabilities, truth))
    sets = seconds(lambda: prediction_sets(probabilities, conformal_threshold(probabilities, truth, 0.9)))
    print(
        f"\n90,000 photos, 56 labels: temperature {temperature:.2f} s, reliability {bins:.2f} s, prediction sets "
        f"{sets:.2f} s"
    )
