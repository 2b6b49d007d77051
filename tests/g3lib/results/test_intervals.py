"""Bootstrap intervals against closed forms."""

import time

import numpy as np
import pytest

from g3lib.results.intervals import Interval, bootstrap, wider

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
