"""Any two experiments of a benchmark, compared photo by photo.

Differences are of the same photos, so they are bootstrapped in pairs: both experiments see the same resamples, and
what all find easy or hard cancels. McNemar's test looks only at the photos that one of the two got right. Of many
columns some differ by chance, hence Holm's correction.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.results.intervals import (
    Interval,
    Resamples,
    author_clusters,
    known_author,
    one_thread,
    percentiles,
    resample,
    wider,
)
from g3lib.results.metrics import THRESHOLDS_KM, hits

COMPARISON_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("benchmark", "experiment", "other"), pl.String()),
        "threshold_km": pl.Int64(),
        **dict.fromkeys(("accuracy", "other_accuracy", "difference", "ci_low", "ci_high"), pl.Float64()),
        **dict.fromkeys(("n", "only_experiment", "only_other"), pl.Int64()),
        **dict.fromkeys(("p_mcnemar", "p_holm"), pl.Float64()),
    }
)
_PAIRS_AT_ONCE = 25  # 10 MB of resampled differences for each core
_PAIR = ("experiment", "other")


class _Benchmark(NamedTuple):
    """What e experiments got right of the same n photos, in the order of their photo_ids."""

    name: str
    experiments: list[str]
    hits: NDArray[np.bool_]  # (e, n, 5)
    clusters: pl.Series  # (n,)


class _Pairs(NamedTuple):
    """Two experiments each, by number, (p,)."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]


def comparison_table(predictions: pl.DataFrame, resamples: int, seed: int) -> pl.DataFrame:
    """Every two experiments of every benchmark with paired 95 % intervals and tests, five rows per pair.

    predictions: benchmark, experiment, photo_id, author, error_km. Of a pair the one that comes first in the frame is
    `experiment`, and `difference` is its accuracy minus the other's; the interval is the wider of the i.i.d. and the
    author-clustered bootstrap. `p_holm` corrects for all thresholds of all benchmarks that both experiments answered.
    Raises ValueError naming an experiment whose photos are not those of the benchmark's others, each once.
    """
    if predictions.is_empty():
        return COMPARISON_SCHEMA.to_frame()
    order = predictions["experiment"].unique(maintain_order=True).to_list()
    groups = predictions.partition_by("benchmark", maintain_order=True)
    return _corrected(pl.concat(_compared(_benchmark(group, order), resamples, seed) for group in groups))


def mcnemar(only_one: ArrayLike, only_other: ArrayLike) -> NDArray[np.float64]:
    """Exact two-sided p of McNemar's test from discordant counts; 1 where they are equal, none included."""
    from scipy.stats import binom

    one, other = np.asarray(only_one, dtype=np.int64), np.asarray(only_other, dtype=np.int64)
    p: NDArray[np.float64] = np.minimum(2 * binom.cdf(np.minimum(one, other), one + other, 0.5), 1.0)
    return p


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p along the last axis, where NaN is no test and stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, axis=-1, kind="stable")  # NaN last
    tests = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    steps = np.maximum(tests - np.arange(values.shape[-1]), 1)
    adjusted = np.minimum(np.take_along_axis(values, order, -1) * steps, 1.0)
    found = np.empty_like(values)
    np.put_along_axis(found, order, np.maximum.accumulate(adjusted, axis=-1), -1)
    return found


def _benchmark(group: pl.DataFrame, order: list[str]) -> _Benchmark:
    """Predictions of one benchmark as one array, once all experiments are known to answer the same photos."""
    number = pl.col("experiment").replace_strict(order, range(len(order)), return_dtype=pl.Int64)
    rows = group.with_columns(_number=number).sort("_number", "photo_id", maintain_order=True)
    experiments = rows["experiment"].unique(maintain_order=True).to_list()
    _check_same_photos(rows, group["benchmark"][0])
    outcomes = hits(rows["error_km"].cast(pl.Float64).to_numpy())
    named = rows.select("photo_id", author=known_author())  # a stranger's file may name nobody: ask all
    authors = named.group_by("photo_id").agg(pl.col("author").drop_nulls().first()).sort("photo_id")
    shape = (len(experiments), authors.height, len(THRESHOLDS_KM))
    return _Benchmark(group["benchmark"][0], experiments, outcomes.reshape(shape), author_clusters(authors))


def _check_same_photos(rows: pl.DataFrame, benchmark: str) -> None:
    """Every experiment has the photos that most of them have, each once."""
    codes = rows.with_columns(_code=pl.col("photo_id").rank("dense"))
    photos = {
        group["experiment"][0]: group["_code"].to_numpy().tobytes()
        for group in codes.partition_by("_number", maintain_order=True)
    }
    usual, _ = Counter(photos.values()).most_common(1)[0]
    for experiment, own in photos.items():
        found = rows.filter(pl.col("experiment") == experiment)["photo_id"]
        if found.is_duplicated().any():
            raise ValueError(
                f"predictions {benchmark}|{experiment}: {int(found.is_duplicated().sum())} rows share a photo_id, "
                f"first {found.filter(found.is_duplicated())[0]!r}; one prediction per query is needed"
            )
        if own != usual:
            like = next(name for name, other in photos.items() if other == usual)
            theirs = rows.filter(pl.col("experiment") == like)["photo_id"]
            raise ValueError(
                f"predictions {benchmark}|{experiment}: its {len(found)} photos are not the {len(theirs)} of {like} "
                f"({len(set(found) - set(theirs))} are not theirs, {len(set(theirs) - set(found))} are missing); "
                "differences need the same photos, so predict those"
            )


def _compared(benchmark: _Benchmark, resamples: int, seed: int) -> pl.DataFrame:
    """All pairs of a benchmark, without p_holm."""
    pairs = _Pairs(*np.triu_indices(len(benchmark.experiments), 1))
    n = benchmark.hits.shape[1]
    right = benchmark.hits.sum(axis=1)  # (e, 5)
    only_one, only_other = _discordant(benchmark.hits, right, pairs)
    interval = _intervals(benchmark, pairs, resamples, seed)
    names = np.array(benchmark.experiments, dtype=object)
    thresholds = len(THRESHOLDS_KM)
    columns = {
        "benchmark": [benchmark.name] * only_one.size,
        "experiment": names[pairs.one].repeat(thresholds),
        "other": names[pairs.other].repeat(thresholds),
        "threshold_km": np.tile(THRESHOLDS_KM, len(pairs.one)),
        "accuracy": (right[pairs.one] / n).ravel(),
        "other_accuracy": (right[pairs.other] / n).ravel(),
        "difference": ((only_one - only_other) / n).ravel(),
        "ci_low": interval.low.ravel(),
        "ci_high": interval.high.ravel(),
        "n": np.full(only_one.size, n),
        "only_experiment": only_one.ravel(),
        "only_other": only_other.ravel(),
        "p_mcnemar": mcnemar(only_one, only_other).ravel(),
        "p_holm": np.full(only_one.size, np.nan),
    }
    return pl.DataFrame(columns, schema_overrides=COMPARISON_SCHEMA)


def _discordant(
    outcomes: NDArray[np.bool_], right: NDArray[np.int64], pairs: _Pairs
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many photos only the one and only the other of each pair got right, both (p, 5)."""
    by_threshold = outcomes.transpose(2, 0, 1).astype(np.float64)  # (5, e, n): counts are exact
    with one_thread():
        both = (by_threshold @ by_threshold.transpose(0, 2, 1)).astype(np.int64)  # (5, e, e)
    shared = both[:, pairs.one, pairs.other].T
    return right[pairs.one] - shared, right[pairs.other] - shared


def _intervals(benchmark: _Benchmark, pairs: _Pairs, resamples: int, seed: int) -> Interval:
    """The wider paired interval of each pair and threshold, ends of shape (p, 5)."""
    columns = benchmark.hits.transpose(1, 0, 2).reshape(benchmark.hits.shape[1], -1)
    iid, author = (
        _differences(resample(columns, clusters, resamples, seed), pairs)
        for clusters in (None, benchmark.clusters)
    )
    return wider(author, iid)


def _differences(resampled: Resamples, pairs: _Pairs) -> Interval:
    """Percentiles of the resampled differences; sorting them is most of the work, and all cores share it."""
    totals = resampled.totals.reshape(-1, len(THRESHOLDS_KM), len(resampled.sizes))

    def ends(part: _Pairs) -> Interval:
        return percentiles((totals[part.one] - totals[part.other]) / resampled.sizes)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(ends, _parts(pairs)))
    nothing = np.empty((0, len(THRESHOLDS_KM)))
    return Interval(
        np.concatenate([nothing, *(each.low for each in found)]),
        np.concatenate([nothing, *(each.high for each in found)]),
    )


def _parts(pairs: _Pairs) -> Iterator[_Pairs]:
    for start in range(0, len(pairs.one), _PAIRS_AT_ONCE):
        stop = start + _PAIRS_AT_ONCE
        yield _Pairs(pairs.one[start:stop], pairs.other[start:stop])


def _corrected(table: pl.DataFrame) -> pl.DataFrame:
    """The table with p_holm over all rows of a pair, whatever its benchmarks."""
    if table.is_empty():
        return table
    place = table.select(
        pair=pl.struct(_PAIR).rank("dense") - 1, column=pl.int_range(pl.len()).over(_PAIR)
    ).to_dict(as_series=True)
    pair, column = (place[name].cast(pl.Int64).to_numpy() for name in ("pair", "column"))
    p = np.full((pair.max() + 1, column.max() + 1), np.nan)
    p[pair, column] = table["p_mcnemar"].to_numpy()
    return table.with_columns(p_holm=pl.Series(holm(p)[pair, column]))
