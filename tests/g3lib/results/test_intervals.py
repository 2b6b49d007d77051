"""Bootstrap intervals against closed forms."""

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.results import intervals
from g3lib.results.intervals import Interval, author_clusters, bootstrap, percentiles, resample, wider

NORMAL_95 = 1.959964


def half_width(interval: Interval) -> float:
    return float((interval.high - interval.low)[0] / 2)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.85])
def test_iid_half_width_is_the_binomial_standard_error(share: float) -> None:
    outcomes = (np.arange(3000) < 3000 * share)[:, np.newaxis]
    expected = NORMAL_95 * np.sqrt(share * (1 - share) / 3000)
    assert half_width(bootstrap(outcomes, None, 10_000, 0)) == pytest.approx(expected, rel=0.04)


def test_clusters_of_one_are_the_iid_bootstrap() -> None:
    outcomes = np.random.default_rng(1).random((200, 5)) < 0.5
    iid, alone = bootstrap(outcomes, None, 500, 7), bootstrap(outcomes, np.arange(200), 500, 7)
    assert np.array_equal(iid.low, alone.low) and np.array_equal(iid.high, alone.high)


def test_perfectly_correlated_clusters_widen_by_the_root_of_their_size() -> None:
    outcomes = np.repeat(np.arange(400) < 160, 9)[:, np.newaxis]
    clustered = bootstrap(outcomes, np.repeat(np.arange(400), 9), 10_000, 0)
    iid = bootstrap(outcomes, None, 10_000, 0)
    assert half_width(clustered) / half_width(iid) == pytest.approx(3.0, rel=0.05)


def test_unequal_clusters_match_resampling_one_by_one() -> None:
    generator = np.random.default_rng(3)
    clusters = generator.integers(30, size=200)
    outcomes = (generator.random(200) < 0.3 + 0.01 * clusters)[:, np.newaxis]
    members = [np.flatnonzero(clusters == each) for each in np.unique(clusters)]
    means = []
    for _ in range(4000):
        drawn = generator.integers(len(members), size=len(members))
        means.append(outcomes[np.concatenate([members[i] for i in drawn])].mean())
    interval = bootstrap(outcomes, clusters, 4000, 0)
    low, high = np.quantile(means, [0.025, 0.975])
    assert interval.low[0] == pytest.approx(low, abs=0.012)
    assert interval.high[0] == pytest.approx(high, abs=0.012)


def test_a_seed_repeats_itself_whatever_the_order_of_rows() -> None:
    generator = np.random.default_rng(5)
    outcomes, clusters = generator.random((300, 5)) < 0.5, generator.integers(50, size=300)
    order = generator.permutation(300)
    one = bootstrap(outcomes, clusters, 300, 1)
    other = bootstrap(outcomes[order], clusters[order], 300, 1)
    assert np.array_equal(one.low, other.low) and np.array_equal(one.high, other.high)


def test_resamples_are_sums_over_as_many_clusters_as_there_are() -> None:
    generator = np.random.default_rng(2)
    clusters = generator.integers(40, size=300)
    outcomes = generator.random((300, 3)) < 0.4
    labels = np.unique(clusters)
    members = clusters[:, np.newaxis] == labels
    drawn = resample(members, clusters, 50, 9).totals / members.sum(axis=0)[:, np.newaxis]
    assert (drawn.sum(axis=0) == len(labels)).all()  # how often each cluster was drawn, whole numbers
    assert (drawn == np.rint(drawn)).all() and (drawn.max(axis=0) > 1).all()
    resampled = resample(outcomes, clusters, 50, 9)
    for number in range(50):
        rows = [row for row, label in enumerate(clusters) for _ in range(int(drawn[label, number]))]
        assert resampled.sizes[number] == len(rows)
        assert resampled.totals[:, number].tolist() == outcomes[rows].sum(axis=0).tolist()


@pytest.mark.parametrize("clustered", [False, True])
def test_columns_see_the_same_resamples_alone_and_beside_others(clustered: bool) -> None:
    generator = np.random.default_rng(4)
    outcomes = generator.random((257, 90)) < generator.random(90)
    clusters = generator.integers(60, size=257) if clustered else None
    together = resample(outcomes, clusters, 333, 5)
    for column in (0, 41, 89):
        alone = resample(outcomes[:, [column]], clusters, 333, 5)
        assert np.array_equal(alone.totals[0], together.totals[column])
        assert np.array_equal(alone.sizes, together.sizes)


def test_memory_in_pieces_is_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = np.random.default_rng(6).random((100, 5)) < 0.3
    whole = resample(outcomes, None, 1000, 3)
    monkeypatch.setattr(intervals, "_WEIGHTS_AT_ONCE", 700)  # seven resamples at once
    assert np.array_equal(whole.totals, resample(outcomes, None, 1000, 3).totals)


def test_counts_that_float32_would_round_are_exact() -> None:
    sizes = np.ones(3000, np.int64)
    sizes[:2] = 16_777, 2_333
    clusters = np.repeat(np.arange(3000), sizes)
    outcomes = np.ones((len(clusters), 1))
    assert len(sizes) * sizes.max() > 2**24
    resampled = resample(outcomes, clusters, 200, 0)
    assert np.array_equal(resampled.totals[0], resampled.sizes)
    assert (resampled.sizes == np.rint(resampled.sizes)).all() and resampled.totals.dtype == np.float64
    small = resample(outcomes[:5000], np.arange(5000), 20, 0)
    assert small.totals.dtype == np.float32 and (small.totals == 5000).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60))
def test_percentiles_are_numpys(values: list[float]) -> None:
    found = percentiles(np.array([values, values[::-1]]))
    low, high = np.quantile(values, [0.025, 0.975])
    assert found.low == pytest.approx([low, low], abs=1e-12)
    assert found.high == pytest.approx([high, high], abs=1e-12)


def test_authors_are_clusters_and_nobody_is_none() -> None:
    photos = pl.DataFrame({"photo_id": ["a", "b", "c", "d"], "author": ["ann", None, "unknown", "ann"]})
    labels = author_clusters(photos).to_list()
    assert labels[0] == labels[3] == "ann" and len(set(labels)) == 3


def test_the_clustered_interval_covers_the_truth_and_the_iid_one_does_not() -> None:
    """Authors have better and worse places: of 300 data sets 95 % should hold 0.5, here within 4 standard errors."""
    generator = np.random.default_rng(8)
    sizes = np.repeat([2, 5, 10, 25], 25)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    held = []
    for _ in range(300):
        chance = generator.beta(1.5, 1.5, len(sizes))
        outcomes = (generator.random(len(clusters)) < chance[clusters])[:, np.newaxis]
        found = [bootstrap(outcomes, each, 400, 0) for each in (clusters, None)]
        held.append([each.low[0] <= 0.5 <= each.high[0] for each in found])
    clustered, iid = np.mean(held, axis=0)
    assert 0.90 <= clustered <= 0.99
    assert iid < 0.75


def test_the_wider_interval_is_chosen_for_each_threshold() -> None:
    one = Interval(np.array([0.1, 0.4]), np.array([0.3, 0.5]))
    other = Interval(np.array([0.15, 0.3]), np.array([0.25, 0.6]))
    chosen = wider(one, other)
    assert chosen.low.tolist() == [0.1, 0.3] and chosen.high.tolist() == [0.3, 0.6]


def test_a_single_author_has_no_width() -> None:
    interval = bootstrap([[1], [0]], ["a", "a"], 100, 0)
    assert interval.low[0] == interval.high[0] == 0.5


def test_the_demo_takes_a_fraction_of_a_second() -> None:
    generator = np.random.default_rng(0)
    outcomes, clusters = generator.random((600, 5)) < 0.4, generator.integers(100, size=600)
    started = time.process_time()
    bootstrap(outcomes, clusters, 10_000, 0)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("rows", "clusters", "resamples", "message"),
    [(0, None, 10, "n > 0"), (3, None, 0, "resamples=0"), (3, [1, 2], 10, "cluster labels")],
)
def test_what_cannot_be_resampled_is_refused(
    rows: int, clusters: list[int] | None, resamples: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap(np.zeros((rows, 5)), clusters, resamples, 0)
