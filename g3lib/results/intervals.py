"""Bootstrap intervals of accuracies, over queries or over the authors who took them.

Photos by one person resemble one another, so an interval that takes them as independent may be
too narrow; the tables print the wider of the two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
_WEIGHTS_AT_ONCE = 2_000_000  # 16 MB of weights per chunk


@dataclass(frozen=True)
class Interval:
    """Lower and upper ends as fractions, both of shape (k,), one per threshold."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def bootstrap(outcomes: ArrayLike, clusters: ArrayLike | None, resamples: int, seed: int) -> Interval:
    """Percentile 95 % intervals of the column means of `outcomes`, shape (n, k) of 0 and 1.

    Whole clusters (n labels, e.g. authors) are drawn with replacement; None makes each row its own.
    Each resample is a weighted mean, sum(hits) / sum(sizes), and all are one matrix product.
    Clusters with equal sizes and sums are interchangeable, so weights are drawn for each *distinct*
    kind of cluster: the same distribution, but a handful of columns instead of one per query.
    With a single cluster the resamples cannot differ and the interval has no width.
    Raises ValueError if there are no rows, no resamples, or as many labels as rows are not given.
    """
    sums, sizes = _per_cluster(np.asarray(outcomes, dtype=np.float64), clusters)
    if resamples < 1:
        raise ValueError(f"resamples={resamples}; at least 1 is needed")
    kinds, counts = np.unique(np.column_stack([sums, sizes]), axis=0, return_counts=True)
    generator, clusters_drawn = np.random.default_rng(seed), int(counts.sum())
    chunk = max(1, _WEIGHTS_AT_ONCE // len(kinds))
    means = np.empty((resamples, sums.shape[1]))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        weights = generator.multinomial(clusters_drawn, counts / clusters_drawn, size=rows)
        totals = weights.astype(np.float64) @ kinds
        means[start : start + rows] = totals[:, :-1] / totals[:, -1:]
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return Interval(low, high)


def wider(one: Interval, other: Interval) -> Interval:
    """For each threshold, whichever of the two intervals is wider (the first if they tie)."""
    second = (other.high - other.low) > (one.high - one.low)
    return Interval(np.where(second, other.low, one.low), np.where(second, other.high, one.high))


def _per_cluster(
    outcomes: NDArray[np.float64], clusters: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of shape (clusters, k) and sizes of shape (clusters,)."""
    if outcomes.ndim != 2 or not len(outcomes):
        raise ValueError(f"outcomes has shape {outcomes.shape}; (n, k) with n > 0 is needed")
    if clusters is None:
        return outcomes, np.ones(len(outcomes))
    labels = np.asarray(clusters)
    if labels.shape != (len(outcomes),):
        raise ValueError(f"{labels.shape} cluster labels for {len(outcomes)} outcomes")
    _, index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), outcomes.shape[1]))
    np.add.at(sums, index, outcomes)
    return sums, sizes.astype(np.float64)
