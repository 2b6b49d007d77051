"""Bootstrap intervals of accuracies, over queries or over the authors who took them.

Photos by one person resemble one another, so an interval that takes them as independent may be too narrow; the tables
print the wider of the two.

All that is measured on the same photos sees the same resamples: a resample says how often each cluster was drawn, and
those weights hang on the seed and the number of clusters alone. So differences of experiments are paired, and an
experiment's interval is the same beside others as alone. Weights for each *distinct kind* of cluster (equal sizes and
hits are interchangeable) would be fewer for one experiment, 6 instead of 3,000 for its queries, and ten times as fast;
but the kinds of one experiment are not those of another, so their resamples would not be the same ones, and 30
experiments have so many kinds that it takes longer. `tests/benchmarks/test_statistics.py` prints both.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.experiments.datasets import UNKNOWN

LEVEL = 0.95
_WEIGHTS_AT_ONCE = 250_000  # some 5 MB while a chunk is drawn and counted: more do not fit the cache
_EXACT = 1 << 24  # float32 holds every integer up to here


@dataclass(frozen=True)
class Interval:
    """Lower and upper ends as fractions, both of shape (k,), one per threshold."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Resamples:
    """What r resamples of the clusters come to: sums of each column, (k, r), and how many photos they hold, (r,)."""

    totals: NDArray[np.floating]
    sizes: NDArray[np.float64]

    def means(self) -> NDArray[np.float64]:
        """(k, r) float64 fractions."""
        return self.totals / self.sizes


def bootstrap(outcomes: ArrayLike, clusters: ArrayLike | None, resamples: int, seed: int) -> Interval:
    """Percentile 95 % intervals of the column means of `outcomes`, shape (n, k) of 0 and 1.

    Whole clusters (n labels, e.g. authors) are drawn with replacement; None makes each row its own, in which case the
    same rows in another order are other resamples. With a single cluster the resamples cannot differ and the interval
    has no width. Raises ValueError if there are no rows, no resamples, or as many labels as rows are not given.
    """
    return percentiles(resample(outcomes, clusters, resamples, seed).means())


def resample(outcomes: ArrayLike, clusters: ArrayLike | None, resamples: int, seed: int) -> Resamples:
    """The resamples that `bootstrap` takes intervals of; as many columns as wanted share the weights.

    Sums of whole numbers are exact, so no column hangs on which others stand beside it. Raises as `bootstrap`.
    """
    sums, sizes = _per_cluster(np.asarray(outcomes, dtype=np.float64), clusters)
    if resamples < 1:
        raise ValueError(f"resamples={resamples}; at least 1 is needed")
    columns = np.column_stack([sums, sizes])
    columns = columns.astype(_narrowest(columns))
    generator = np.random.default_rng(seed)
    totals = np.empty((columns.shape[1], resamples), columns.dtype)
    chunk = max(1, _WEIGHTS_AT_ONCE // len(columns))
    with one_thread():
        for start in range(0, resamples, chunk):
            rows = min(chunk, resamples - start)
            weights = _weights(generator, rows, len(columns)).astype(columns.dtype)
            totals[:, start : start + rows] = columns.T @ weights.T
    return Resamples(totals[:-1], totals[-1].astype(np.float64))


def one_thread() -> AbstractContextManager[object]:
    """Matrix products on one core: many small ones that wait for a second, busy one take ten times as long."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits


def percentiles(means: NDArray[np.float64]) -> Interval:
    """Where the middle 95 % of each row of resampled means (..., r) lie; sorts `means` in place.

    Interpolates as numpy's quantile, which takes twice as long.
    """
    means.sort(axis=-1)
    tail = (1.0 - LEVEL) / 2
    return Interval(*(_at(means, share) for share in (tail, 1.0 - tail)))


def wider(one: Interval, other: Interval) -> Interval:
    """For each threshold, whichever of the two intervals is wider (the first if they tie)."""
    second = (other.high - other.low) > (one.high - one.low)
    return Interval(np.where(second, other.low, one.low), np.where(second, other.high, one.high))


def known_author() -> pl.Expr:
    """The column `author`, null where nobody in particular is named."""
    author = pl.col("author").cast(pl.String)
    return pl.when(author != UNKNOWN).then(author)


def author_clusters(photos: pl.DataFrame) -> pl.Series:
    """Cluster labels of rows (photo_id, author): authors, and for a photo whose author is unknown one of its own."""
    own = pl.concat_str(pl.lit("\0"), pl.col("photo_id").cast(pl.String))
    return photos.select(pl.coalesce(known_author(), own)).to_series()


def _weights(generator: np.random.Generator, rows: int, clusters: int) -> NDArray[np.int64]:
    """(rows, clusters): how often each of the clusters is among as many draws with replacement."""
    drawn = generator.integers(clusters, size=(rows, clusters))
    drawn += np.arange(rows)[:, np.newaxis] * clusters
    return np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters)


def _narrowest(columns: NDArray[np.float64]) -> type[np.floating]:
    """float32 where every total is a whole number that it holds, which no order of summation changes."""
    whole = bool((columns == np.rint(columns)).all())
    return np.float32 if whole and len(columns) * np.abs(columns).max() < _EXACT else np.float64


def _at(ordered: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The quantile `share` along the last axis of sorted values."""
    place = share * (ordered.shape[-1] - 1)
    below = int(place)
    above = min(below + 1, ordered.shape[-1] - 1)
    low, high = ordered[..., below], ordered[..., above]
    between: NDArray[np.float64] = low + (high - low) * (place - below)
    return between


def _per_cluster(
    outcomes: NDArray[np.float64], clusters: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of shape (clusters, k) and sizes of shape (clusters,), clusters in the order of their labels."""
    if outcomes.ndim != 2 or not len(outcomes):
        raise ValueError(f"outcomes has shape {outcomes.shape}; (n, k) with n > 0 is needed")
    if clusters is None:
        return outcomes, np.ones(len(outcomes))
    labels = np.asarray(clusters)
    if labels.shape != (len(outcomes),):
        raise ValueError(f"{labels.shape} cluster labels for {len(outcomes)} outcomes")
    _, index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(outcomes[np.argsort(index, kind="stable")], starts, axis=0)
    return sums, sizes.astype(np.float64)
