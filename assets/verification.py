"""Verification: every candidate scored, one chosen per photo, and the prediction that follows."""

from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.candidates import effective, keys
from assets.common import benchmark_shards, features_of, positions_on_earth, same_partition, trained_alignment
from assets.partitions import benchmark_experiment, split
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import Profile, experiment
from g3lib.geo import geodesic_km


def _config(profile: Profile, partition: Partition) -> Config:
    found = effective(profile, partition)
    alignment = found.alignment if found.prompts else None
    return {"selection": found.selection, "alignment": alignment, "seed": found.seed}


def _heads(profile: Profile, partition: Partition) -> list[str]:
    """Nearest neighbours are not verified, so their rows do not hang on any heads."""
    found = effective(profile, partition)
    return [found.alignment] if found.prompts else []


def _prediction_config(profile: Profile, partition: Partition) -> Config:
    found = experiment(split(partition)[1])
    lmm = profile.lmm.label if found.prompts else None
    return {"lmm": lmm, "method": found.method, "variant": found.variant}


def _build_scores(task: Task) -> Outcome:
    import torch

    from g3lib.verification import choose, score

    found = effective(task.profile, task.key.partition)
    scored = task.table("candidates").with_columns(score=pl.lit(None, dtype=pl.Float64))
    if task.inputs["alignment"]:
        features = torch.from_numpy(features_of(task, task.inputs["image_features"]).astype(np.float32))
        heads = trained_alignment(task, features.shape[1])
        scored = score(scored, task.table("photos")["photo_id"], features, heads)
    scored = choose(scored, found.selection, found.seed)
    won = scored.filter("chosen")["source"].value_counts(sort=True)
    return Outcome(
        scored.height,
        scored,
        metadata={"photos decided": won["count"].sum(), "chosen by source": won.to_dicts()},
    )


def _build_predictions(task: Task) -> Outcome:
    benchmark, name = split(task.key.partition)
    found = experiment(name)
    chosen = task.table("scored_candidates").filter("chosen")
    truth = task.table("photos").select("photo_id", "author", true_lat="lat", true_lon="lon")
    joined = truth.join(
        chosen.select("photo_id", "lat", "lon", "source", "score"),
        on="photo_id",
        how="left",
        maintain_order="left",
    )
    columns = ("lat", "lon", "true_lat", "true_lon")
    error = geodesic_km(*(joined[each].fill_null(np.nan).to_numpy() for each in columns))
    lmm = task.profile.lmm.label if found.prompts else None
    predictions = joined.select(
        pl.lit(benchmark).alias("benchmark"),
        pl.lit(name).alias("experiment"),
        pl.lit(found.method).alias("method"),
        pl.lit(found.variant).alias("variant"),
        *("photo_id", "author", *columns),
        error_km=pl.Series(error).fill_nan(None),
        source="source",
        score="score",
        lmm=pl.lit(lmm, dtype=pl.String),
    )
    within = (predictions["error_km"] < 200).mean()
    return Outcome(predictions.height, predictions, metadata={"share within 200 km": within or 0.0})


def _one_per_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    queries = sum(record.rows for record in task.inputs["photos"])
    distinct = outcome.table["photo_id"].n_unique()
    return outcome.rows == distinct == queries, {"predictions": outcome.rows, "queries": queries}


STEPS = (
    Step(
        name="scored_candidates",
        group="verification",
        description="Every candidate with its image-GPS similarity, and which one was chosen.",
        code_version="2",
        build=_build_scores,
        config=_config,
        upstream=(
            same_partition("candidates"),
            benchmark_shards("photos"),
            benchmark_shards("image_features"),
            Upstream(
                "alignment",
                _heads,
                lambda _: dg.AllPartitionMapping(),
            ),
        ),
        partitions=benchmark_experiment,
        keys=keys,
        kinds=frozenset({"pytorch", "parquet"}),
    ),
    Step(
        name="predictions",
        group="verification",
        description="One row per query: the chosen position, the truth and the geodesic error.",
        code_version="1",
        build=_build_predictions,
        config=_prediction_config,
        upstream=(same_partition("scored_candidates"), benchmark_shards("photos")),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(
            Rule("predictions_on_earth", "no prediction lies outside the Earth", positions_on_earth),
            Rule("one_prediction_per_query", "every query has one row, failed or not", _one_per_query),
        ),
    ),
)
