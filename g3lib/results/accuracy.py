"""The measured tables: predictions in, one row per experiment and threshold out.

Costs and durations join at publish time, where prices and lineage are at hand.
"""

import polars as pl

from g3lib.experiments.datasets import UNKNOWN
from g3lib.results.intervals import Interval, bootstrap, wider
from g3lib.results.metrics import (
    THRESHOLDS_KM,
    geoscore,
    hits,
    mean_km,
    median_km,
    parse_failure_rate,
)

RETRIEVAL = "retrieval"  # the one source of candidates that is no answer of an LMM

ACCURACY_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(
            ("benchmark", "experiment", "method", "variant", "lmm", "gallery_policy"), pl.String()
        ),
        "threshold_km": pl.Int64(),
        **dict.fromkeys(
            (
                "accuracy",
                *("ci_low", "ci_high"),
                *("ci_iid_low", "ci_iid_high"),
                *("ci_author_low", "ci_author_high"),
            ),
            pl.Float64(),
        ),
        **dict.fromkeys(("n", "n_failed"), pl.Int64()),
    }
)

SUMMARY_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("benchmark", "experiment", "method", "variant", "lmm"), pl.String()),
        "n": pl.Int64(),
        **dict.fromkeys(("median_km", "mean_km", "geoscore", "parse_failure_rate"), pl.Float64()),
        **dict.fromkeys(("tokens_in", "tokens_out"), pl.Int64()),
    }
)


def accuracy_table(predictions: pl.DataFrame, benchmark_size: int, resamples: int, seed: int) -> pl.DataFrame:
    """Accuracies (fractions of *all* queries) with 95 % intervals, five rows per experiment.

    `ci_low` and `ci_high` are the wider of the i.i.d. and the author-clustered bootstrap.
    Raises ValueError if an experiment's predictions are not exactly one per query.
    """
    rows = []
    for group in _by_experiment(predictions):
        _check_complete(group, benchmark_size)
        outcomes = hits(group["error_km"].cast(pl.Float64).to_numpy())
        iid = bootstrap(outcomes, None, resamples, seed)
        author = bootstrap(outcomes, _authors(group), resamples, seed)
        frame = pl.DataFrame(
            {
                "threshold_km": THRESHOLDS_KM,
                "accuracy": outcomes.mean(axis=0),
                **_columns("ci", wider(author, iid)),
                **_columns("ci_iid", iid),
                **_columns("ci_author", author),
            }
        )
        about = {**_about(group), "gallery_policy": "open"}
        counts = {"n": group.height, "n_failed": group["error_km"].null_count()}
        rows.append(frame.with_columns(pl.lit(v).alias(k) for k, v in {**about, **counts}.items()))
    frames = [frame.select(ACCURACY_SCHEMA.names()).cast(ACCURACY_SCHEMA) for frame in rows]
    return pl.concat([ACCURACY_SCHEMA.to_frame(), *frames])


def summary_table(predictions: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """One row per experiment: distances, GeoScore, parse failures and tokens.

    The median takes failures as infinitely far; the mean is over answered queries; the failure
    rate is over LMM answers. What has no value (no answers, no LMM) is null. The warehouse says
    the same in SQL, with cost and time (g3lib/store/warehouse_summary.sql).
    """
    rows = []
    for group in _by_experiment(predictions):
        about = _about(group)
        own = candidates.filter(
            (pl.col("benchmark") == about["benchmark"]) & (pl.col("experiment") == about["experiment"])
        )
        errors = group["error_km"].cast(pl.Float64).to_numpy()
        answers = own.filter(pl.col("source") != RETRIEVAL)["failure"].to_list()
        rows.append(
            {
                **about,
                "n": group.height,
                "median_km": median_km(errors),
                "mean_km": mean_km(errors),
                "geoscore": geoscore(errors),
                "parse_failure_rate": parse_failure_rate(answers),
                "tokens_in": own["tokens_in"].sum(),
                "tokens_out": own["tokens_out"].sum(),
            }
        )
    return pl.DataFrame(rows, schema=SUMMARY_SCHEMA).fill_nan(None)


def _by_experiment(predictions: pl.DataFrame) -> list[pl.DataFrame]:
    """Predictions of one benchmark and experiment each, in the order in which they come."""
    if predictions.is_empty():
        return []
    return predictions.partition_by("benchmark", "experiment", maintain_order=True)


def _about(group: pl.DataFrame) -> dict[str, str | None]:
    """What identifies an experiment's rows; predictions without an LMM leave `lmm` null."""
    names = ("benchmark", "experiment", "method", "variant")
    lmms = group["lmm"].cast(pl.String).drop_nulls().unique().sort().to_list()
    return {**{name: group[name][0] for name in names}, "lmm": " + ".join(lmms) or None}


def _check_complete(group: pl.DataFrame, benchmark_size: int) -> None:
    """Exactly one prediction per query, or the averages would divide by the wrong number."""
    name = f"{group['benchmark'][0]}|{group['experiment'][0]}"
    repeated = group.filter(pl.col("photo_id").is_duplicated())["photo_id"].unique().sort()
    if len(repeated):
        raise ValueError(
            f"predictions {name}: {len(repeated)} photo_ids repeat in {group.height} rows, "
            f"first {repeated[0]!r}; one prediction per query is needed"
        )
    if group.height != benchmark_size:
        raise ValueError(
            f"predictions {name}: {group.height} rows for a benchmark of {benchmark_size} queries; "
            f"every query needs a row, a failure with a null error_km"
        )


def _authors(group: pl.DataFrame) -> pl.Series:
    """Cluster labels: authors, and for a photo whose author is unknown one of its own."""
    author = pl.col("author").cast(pl.String)
    own = pl.concat_str(pl.lit("\0"), pl.col("photo_id").cast(pl.String))
    is_known = author.is_not_null() & (author != UNKNOWN)
    return group.select(pl.when(is_known).then(author).otherwise(own)).to_series()


def _columns(name: str, interval: Interval) -> dict[str, list[float]]:
    return {f"{name}_low": interval.low.tolist(), f"{name}_high": interval.high.tolist()}
