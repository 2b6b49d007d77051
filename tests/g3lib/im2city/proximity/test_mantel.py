"""Mantel's test beside scipy, every permutation of few labels, and labels whose answer is known."""

from itertools import permutations

import numpy as np
import pytest
from drawn_labels import positions, world
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from scipy.stats import t as students_t

from g3lib.im2city.proximity import compare_models, label_distances, mantel
from g3lib.im2city.proximity.correlations import Method, correlations, permuted_correlations

BY_SCIPY = {"spearman": spearmanr, "pearson": pearsonr}


def by_scipy(similarity: np.ndarray, distance: np.ndarray, method: Method) -> float:
    pairs = np.triu_indices(len(distance), 1)
    return float(BY_SCIPY[method](similarity[pairs], distance[pairs]).statistic)


def line(labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels along a meridian, further and further apart, which a model holds the less alike the further they are."""
    distance = label_distances(np.linspace(0, 9, labels) ** 2, np.zeros(labels))
    return -distance, distance


@pytest.mark.parametrize("method", ["spearman", "pearson"])
@settings(max_examples=25)
@given(labels=st.integers(4, 12), seed=st.integers(0, 99), noise=st.sampled_from([0.1, 1.0, 10.0]))
def test_the_statistic_is_scipys(method: Method, labels: int, seed: int, noise: float) -> None:
    similarity, distance = world(labels, noise, seed)
    found = mantel(similarity, distance, 9, 0, method)
    assert found.statistic == pytest.approx(by_scipy(similarity, distance, method), abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_ties_share_their_rank(method: Method) -> None:
    numbers = np.random.default_rng(0).integers(0, 3, (2, 8, 8)).astype(float)
    similarity, distance = (np.triu(each, 1) + np.triu(each, 1).T for each in numbers)
    found = correlations([similarity], distance, method)[0]
    assert found == pytest.approx(by_scipy(similarity, distance, method), abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_chance_is_that_of_all_permutations(method: Method) -> None:
    similarity, distance = world(5, 1.0, 3)
    every = []
    for order in permutations(range(5)):
        there = np.ix_(order, order)
        every.append(by_scipy(similarity, distance[there], method))
    exact = np.mean(np.array(every) <= by_scipy(similarity, distance, method) + 1e-9)
    found = mantel(similarity, distance, 2_999, 0, method)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 2_999) + 1e-3)
    assert (found.null_low, found.null_high) == pytest.approx(np.quantile(every, [0.025, 0.975]), abs=0.1)
    assert found.null_mean == pytest.approx(np.mean(every), abs=0.02)


def test_each_permutation_deals_the_places_anew() -> None:
    similarity, distance = world(9, 1.0)
    found = permuted_correlations([similarity], distance, "pearson", 20, 7)[0]
    generator = np.random.default_rng(7)
    for each in found:
        order = generator.permutation(9)
        assert each == pytest.approx(
            by_scipy(similarity, distance[np.ix_(order, order)], "pearson"), abs=1e-12
        )


def test_labels_on_a_line_that_know_where_they_are() -> None:
    found = mantel(*line(12), permutations=999)
    assert found.statistic == pytest.approx(-1.0) and found.p == 0.001
    assert found.low == pytest.approx(-1.0) and found.high == pytest.approx(-1.0)
    upside_down = mantel(-line(12)[0], line(12)[1], permutations=999)
    assert upside_down.statistic == pytest.approx(1.0) and upside_down.p == 1.0


def test_p_is_even_where_there_is_nothing() -> None:
    found = [mantel(*world(10, 1e6, seed), permutations=49, seed=seed).p for seed in range(60)]
    assert 0.4 < np.mean(found) < 0.6 and np.mean(np.array(found) <= 0.1) < 0.25


def test_what_a_correlation_of_ranks_does_not_see() -> None:
    similarity, distance = world(10, 1.0)
    expected = mantel(similarity, distance, 99)
    assert mantel(np.exp(3 * similarity), distance**2, 99) == expected
    assert mantel(2 * similarity + 5, distance / 7, 99, method="pearson").statistic == pytest.approx(
        mantel(similarity, distance, 99, method="pearson").statistic
    )
    order = np.random.default_rng(0).permutation(10)
    turned = mantel(similarity[np.ix_(order, order)], distance[np.ix_(order, order)], 99)
    assert turned.statistic == pytest.approx(expected.statistic)
    assert (turned.low, turned.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_is_the_jackknife_by_hand() -> None:
    similarity, distance = world(9, 1.0)
    left = []
    for label in range(9):
        rest = np.ix_(*[np.delete(np.arange(9), label)] * 2)
        left.append(by_scipy(similarity[rest], distance[rest], "spearman"))
    half = students_t.ppf(0.975, 8) * np.std(left) * np.sqrt(8)
    found = mantel(similarity, distance, 9)
    assert (found.low, found.high) == pytest.approx((found.statistic - half, found.statistic + half))


def test_no_interval_where_one_label_makes_all_the_difference() -> None:
    distance = label_distances(*positions(5))
    similarity = np.zeros((5, 5))
    similarity[0, 1:] = similarity[1:, 0] = [0.1, 0.2, 0.3, 0.4]  # the other four are equally alike
    found = mantel(similarity, distance, 9)
    assert np.isnan([found.low, found.high]).all() and np.isfinite(found.statistic)


def test_the_same_seed_is_the_same_test() -> None:
    assert mantel(*world(8, 1.0), seed=3) == mantel(*world(8, 1.0), seed=3)
    assert mantel(*world(8, 1.0), seed=3).null_mean != mantel(*world(8, 1.0), seed=4).null_mean


def test_a_comparison_is_both_tests_and_their_difference() -> None:
    (strong, distance), (weak, _) = world(20, 0.3), world(20, 5.0)
    found = compare_models(strong, weak, distance, 999)
    one, other = mantel(strong, distance, 999), mantel(weak, distance, 999)
    assert (found.statistic, found.other_statistic) == (one.statistic, other.statistic)
    assert found.difference == pytest.approx(one.statistic - other.statistic)
    assert found.low < found.difference < found.high < 0 and found.p < 0.01
    back = compare_models(weak, strong, distance, 999)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low)) and back.p > 0.95


def test_a_model_beside_itself_differs_by_nothing() -> None:
    similarity, distance = world(12, 1.0)
    found = compare_models(similarity, similarity, distance, 99)
    assert (found.difference, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_permutations_of_a_comparison_are_paired() -> None:
    """A model beside the same one upside down: every permutation's two correlations are each other's negatives."""
    similarity, distance = world(10, 1.0)
    null = permuted_correlations([similarity, -similarity], distance, "pearson", 50, 0)
    assert null[0] == pytest.approx(-null[1], abs=1e-12) and np.ptp(null[0]) > 0.1


def test_what_cannot_be_tested_is_refused() -> None:
    similarity, distance = world(6, 1.0)
    three = np.ix_(range(3), range(3))
    with pytest.raises(ValueError, match="3 labels; this statistic needs at least 4"):
        mantel(similarity[three], distance[three])
    with pytest.raises(ValueError, match=r"similarity is 0\.2 for every pair"):
        mantel(np.full((6, 6), 0.2), distance)
    with pytest.raises(ValueError, match="distance is 0 for every pair"):
        mantel(similarity, np.zeros((6, 6)))
    with pytest.raises(ValueError, match="similarity is not symmetric and finite"):
        mantel(np.where(np.eye(6, dtype=bool), np.nan, similarity), distance)
    with pytest.raises(ValueError, match="method='kendall'"):
        mantel(similarity, distance, method="kendall")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="permutations=-1"):
        mantel(similarity, distance, permutations=-1)
    with pytest.raises(ValueError, match=r"similarity is \(5, 5\) beside 6"):
        compare_models(similarity, similarity[:5, :5], distance)
