"""The measured tables: predictions in, one row per experiment and threshold out.

`accuracy_table` and `summary_table` need predictions alone; `continent_table` and `place_table` also what is where,
as our geocoder names it (rows of results.query). Every interval is over all queries of its row, in the order of their
photo_ids, so that an experiment's resamples are those of every other (g3lib/results/intervals.py). Costs and durations
join at publish time, where prices and lineage are at hand.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.results.intervals import Interval, author_clusters, bootstrap, wider
from g3lib.results.metrics import (
    THRESHOLDS_KM,
    geoscore,
    hits,
    mean_km,
    median_km,
    p90_km,
    parse_failure_rate,
)

RETRIEVAL = "retrieval"  # the one source of candidates that is no answer of an LMM
NOWHERE = "none"  # the continent of a photo taken at sea
PLACES = {  # what must agree for a place to be the right one: cities of one name lie in many states
    "continent": ("continent",),
    "country": ("country",),
    "state": ("country", "state"),
    "city": ("country", "state", "city"),
}

_ABOUT = dict.fromkeys(("benchmark", "experiment", "method", "variant", "lmm", "gallery_policy"), pl.String())
_MEASURED = {
    **dict.fromkeys(("accuracy", "ci_low", "ci_high"), pl.Float64()),
    **dict.fromkeys(("n", "n_failed"), pl.Int64()),
}

ACCURACY_SCHEMA = pl.Schema(
    {
        **_ABOUT,
        "threshold_km": pl.Int64(),
        **dict.fromkeys(
            (
                "accuracy",
                *("ci_low", "ci_high"),
                *("ci_iid_low", "ci_iid_high"),
                *("ci_author_low", "ci_author_high"),
                "accuracy_haversine",
            ),
            pl.Float64(),
        ),
        **dict.fromkeys(("n", "n_failed"), pl.Int64()),
    }
)
CONTINENT_SCHEMA = pl.Schema({**_ABOUT, "continent": pl.String(), "threshold_km": pl.Int64(), **_MEASURED})
PLACE_SCHEMA = pl.Schema({**_ABOUT, "level": pl.String(), **_MEASURED})
SUMMARY_SCHEMA = pl.Schema(
    {
        **_ABOUT,
        "n": pl.Int64(),
        **dict.fromkeys(("median_km", "mean_km", "p90_km", "geoscore", "parse_failure_rate"), pl.Float64()),
        **dict.fromkeys(("tokens_in", "tokens_out"), pl.Int64()),
    }
)


class _Intervals(NamedTuple):
    """Of the same outcomes: over photos, over authors, and the wider of the two."""

    iid: Interval
    author: Interval
    printed: Interval


def accuracy_table(predictions: pl.DataFrame, benchmark_size: int, resamples: int, seed: int) -> pl.DataFrame:
    """Accuracies (fractions of *all* queries) with 95 % intervals, five rows per experiment.

    `ci_low` and `ci_high` are the wider of the i.i.d. and the author-clustered bootstrap; `accuracy_haversine` is by
    great-circle distances, for papers that used them. Raises ValueError if an experiment's predictions are not exactly
    one per query.
    """
    frames = []
    for group in _by_experiment(predictions):
        _check_complete(group, benchmark_size)
        outcomes = _hits(group, "error_km")
        found = _intervals(group, outcomes, resamples, seed)
        columns = {
            "threshold_km": THRESHOLDS_KM,
            "accuracy": outcomes.mean(axis=0),
            **_ends("ci", found.printed),
            **_ends("ci_iid", found.iid),
            **_ends("ci_author", found.author),
            "accuracy_haversine": _hits(group, "error_haversine_km").mean(axis=0),
        }
        frames.append(_labelled(pl.DataFrame(columns), group, ACCURACY_SCHEMA, {}))
    return pl.concat([ACCURACY_SCHEMA.to_frame(), *frames])


def continent_table(
    predictions: pl.DataFrame, queries: pl.DataFrame, resamples: int, seed: int
) -> pl.DataFrame:
    """Accuracies by the continent of the truth (`none` at sea, last), five rows each; the wider interval.

    `queries`: benchmark, photo_id and continent of every photo of the predictions' benchmarks. Raises ValueError if an
    experiment's predictions are not exactly one per query.
    """
    frames = []
    for group in _by_experiment(predictions):
        truth = _beside_truth(group, queries).with_columns(pl.col("true_continent").fill_null(NOWHERE))
        at_sea = pl.col("true_continent") == NOWHERE
        for part in truth.sort(at_sea, "true_continent").partition_by("true_continent", maintain_order=True):
            outcomes = _hits(part, "error_km")
            columns = {"threshold_km": THRESHOLDS_KM, **_measured(part, outcomes, resamples, seed)}
            about = {"continent": part["true_continent"][0]}
            frames.append(_labelled(pl.DataFrame(columns), part, CONTINENT_SCHEMA, about))
    return pl.concat([CONTINENT_SCHEMA.to_frame(), *frames])


def place_table(predictions: pl.DataFrame, queries: pl.DataFrame, resamples: int, seed: int) -> pl.DataFrame:
    """How often continent, country, state and city of the prediction are the truth's; the wider interval.

    Both as our own geocoder names them (columns city, state, country and continent of both frames): a state counts
    only if the country agrees, a city only if state and country do. A level's n are the queries whose true place has a
    name there; a level without any is left out. Raises ValueError as `continent_table`.
    """
    frames = []
    for group in _by_experiment(predictions):
        truth = _beside_truth(group, queries)
        for level, names in PLACES.items():
            part = truth.filter(pl.col(f"true_{level}").is_not_null())
            if part.is_empty():
                continue
            same = [pl.col(name).eq_missing(pl.col(f"true_{name}")) for name in names]
            outcomes = part.select(pl.all_horizontal(same)).to_numpy()
            columns = _measured(part, outcomes, resamples, seed)
            frames.append(_labelled(pl.DataFrame(columns), part, PLACE_SCHEMA, {"level": level}))
    return pl.concat([PLACE_SCHEMA.to_frame(), *frames])


def summary_table(predictions: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """One row per experiment: distances, GeoScore, parse failures and tokens.

    Median and 90th percentile take failures as infinitely far; the mean is over answered queries; the failure
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
                "p90_km": p90_km(errors),
                "geoscore": geoscore(errors),
                "parse_failure_rate": parse_failure_rate(answers),
                "tokens_in": own["tokens_in"].sum(),
                "tokens_out": own["tokens_out"].sum(),
            }
        )
    return pl.DataFrame(rows, schema=SUMMARY_SCHEMA).fill_nan(None)


def _by_experiment(predictions: pl.DataFrame) -> list[pl.DataFrame]:
    """Predictions of one benchmark and experiment each, in the order in which they come, photos in their own."""
    if predictions.is_empty():
        return []
    groups = predictions.partition_by("benchmark", "experiment", maintain_order=True)
    return [group.sort("photo_id", maintain_order=True) for group in groups]


def _about(group: pl.DataFrame) -> dict[str, str | None]:
    """What identifies an experiment's rows; predictions without an LMM leave `lmm` null."""
    names = ("benchmark", "experiment", "method", "variant", "gallery_policy")
    lmms = group["lmm"].cast(pl.String).drop_nulls().unique().sort().to_list()
    return {**{name: group[name][0] for name in names}, "lmm": " + ".join(lmms) or None}


def _labelled(
    frame: pl.DataFrame, group: pl.DataFrame, schema: pl.Schema, about: dict[str, str]
) -> pl.DataFrame:
    """The measured columns with what they are of: the experiment, `about`, and how many of the group failed."""
    counts = {"n": group.height, "n_failed": group["error_km"].null_count()}
    literals = {**_about(group), **about, **counts}
    named = frame.with_columns(pl.lit(value).alias(name) for name, value in literals.items())
    return named.select(schema.names()).cast(schema)


def _measured(
    group: pl.DataFrame, outcomes: NDArray[np.bool_], resamples: int, seed: int
) -> dict[str, NDArray[np.float64] | list[float]]:
    """Accuracies of outcomes (n, k) and their wider intervals."""
    printed = _intervals(group, outcomes, resamples, seed).printed
    return {"accuracy": outcomes.mean(axis=0), **_ends("ci", printed)}


def _intervals(group: pl.DataFrame, outcomes: NDArray[np.bool_], resamples: int, seed: int) -> _Intervals:
    iid = bootstrap(outcomes, None, resamples, seed)
    author = bootstrap(outcomes, author_clusters(group), resamples, seed)
    return _Intervals(iid, author, wider(author, iid))


def _hits(group: pl.DataFrame, column: str) -> NDArray[np.bool_]:
    return hits(group[column].cast(pl.Float64).to_numpy())


def _ends(name: str, interval: Interval) -> dict[str, list[float]]:
    return {f"{name}_low": interval.low.tolist(), f"{name}_high": interval.high.tolist()}


def _beside_truth(group: pl.DataFrame, queries: pl.DataFrame) -> pl.DataFrame:
    """Predictions of one experiment with the `true_` names of their queries' places."""
    own = queries.filter(pl.col("benchmark") == group["benchmark"][0])
    names = [name for name in PLACES if name in own.columns]
    truth = own.select("photo_id", pl.col(names).name.prefix("true_"))
    _check_complete(group, own.height)
    joined = group.join(truth, on="photo_id", how="left", maintain_order="left")
    strangers = group.join(truth, on="photo_id", how="anti")
    if strangers.height or joined.height != group.height:
        named = f"first {strangers['photo_id'][0]!r}" if strangers.height else "and some queries repeat"
        raise ValueError(
            f"predictions {_name(group)}: {strangers.height} photos are no queries of the benchmark, {named}; "
            f"give the queries of the same photos, each once"
        )
    return joined


def _name(group: pl.DataFrame) -> str:
    return f"{group['benchmark'][0]}|{group['experiment'][0]}"


def _check_complete(group: pl.DataFrame, benchmark_size: int) -> None:
    """Exactly one prediction per query, or the averages would divide by the wrong number."""
    repeated = group.filter(pl.col("photo_id").is_duplicated())["photo_id"].unique().sort()
    if len(repeated):
        raise ValueError(
            f"predictions {_name(group)}: {len(repeated)} photo_ids repeat in {group.height} rows, "
            f"first {repeated[0]!r}; one prediction per query is needed"
        )
    if group.height != benchmark_size:
        raise ValueError(
            f"predictions {_name(group)}: {group.height} rows for a benchmark of {benchmark_size} queries; "
            f"every query needs a row, a failure with a null error_km"
        )
