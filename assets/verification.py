"""Verification: every candidate scored, one chosen per photo, and the prediction that follows."""

from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.candidates import keys
from assets.common import benchmark_shards, features_of, positions_on_earth, same_partition, trained_alignment
from assets.named_cities import NAMED_CITIES, with_probabilities
from assets.partitions import benchmark_experiment, split
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import Experiment, Profile, experiment, open_arm
from g3lib.geo import geodesic_km, haversine_km


def _config(profile: Profile, partition: Partition) -> Config:
    found = experiment(split(partition)[1])
    alignment = found.alignment if found.verifies else None
    return {"selection": found.selection, "alignment": alignment, "seed": found.seed}


def _heads(_: Profile, partition: Partition) -> list[str]:
    """What is not verified does not hang on any heads."""
    found = experiment(split(partition)[1])
    return [found.alignment] if found.verifies else []


def chosen_pool(_: Profile, partition: Partition) -> list[str]:
    """The choice of N and S, if the experiment's are chosen; all its arms share it."""
    found = experiment(split(partition)[1])
    return [open_arm(found.name)] if found.pool == "chosen" else []


def _prediction_config(profile: Profile, partition: Partition) -> Config:
    found = experiment(split(partition)[1])
    about = {"method": found.method, "variant": found.variant, "gallery_policy": found.gallery_policy}
    return {"lmm": _lmm(profile, found), **about, "near_km": profile.places.near_km}


def _lmm(profile: Profile, found: Experiment) -> str | None:
    """What tables say of the LMM that was asked."""
    return profile.lmm_named(found.lmm).label if found.prompts else None


def _build_scores(task: Task) -> Outcome:
    from g3lib.verification import choose

    found = experiment(split(task.key.partition)[1])
    scored = _scored(task, task.table("candidates"))
    in_pool, shown = eligible(task, scored)
    scored = choose(scored, found.selection, found.seed, in_pool)
    won = scored.filter("chosen")["source"].value_counts(sort=True)
    metadata = {"photos decided": won["count"].sum(), "chosen by source": won.to_dicts()}
    return Outcome(scored.height, scored, metadata=metadata | shown)


def _scored(task: Task, candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates with scores, or with none where nothing verifies."""
    if task.inputs["city_predictions"]:
        return with_probabilities(task, candidates)
    if not task.inputs["alignment"]:
        return candidates.with_columns(score=pl.lit(None, dtype=pl.Float64))
    import torch

    from g3lib.verification import score

    features = torch.from_numpy(features_of(task, task.inputs["image_features"]).astype(np.float32))
    heads = trained_alignment(task, features.shape[1]).to(task.profile.device)
    return score(candidates, task.table("photos")["photo_id"], features, heads)


def eligible(task: Task, scored: pl.DataFrame) -> tuple[pl.Series | None, dict[str, Any]]:
    """Which candidates are in the chosen pool, if one is chosen, and what to show of it."""
    if not task.inputs["pool_choice"]:
        return None, {}
    from g3lib.verification import is_in_pool

    answers, retrieved = task.table("pool_choice").filter("chosen").select("answers", "retrieved").row(0)
    in_pool = scored.select(is_in_pool(answers, retrieved)).to_series()
    return in_pool, {"chosen N": answers, "chosen S": retrieved, "candidates in the pool": in_pool.sum()}


def _build_predictions(task: Task) -> Outcome:
    from g3lib.places import names_by_level

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
    positions = [joined[each].fill_null(np.nan).to_numpy() for each in columns]
    predictions = joined.select(
        pl.lit(benchmark).alias("benchmark"),
        pl.lit(name).alias("experiment"),
        pl.lit(found.method).alias("method"),
        pl.lit(found.variant).alias("variant"),
        pl.lit(found.gallery_policy, dtype=pl.String).alias("gallery_policy"),
        *("photo_id", "author", *columns),
        pl.Series("error_km", geodesic_km(*positions)).fill_nan(None),
        pl.Series("error_haversine_km", haversine_km(*positions)).fill_nan(None),
        *names_by_level(joined, task.profile.places.near_km),
        *("source", "score"),
        pl.lit(_lmm(task.profile, found), dtype=pl.String).alias("lmm"),
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
        code_version="3",
        build=_build_scores,
        config=_config,
        upstream=(
            same_partition("candidates"),
            benchmark_shards("photos"),
            benchmark_shards("image_features"),
            Upstream("alignment", _heads, lambda _: dg.AllPartitionMapping()),
            Upstream("pool_choice", chosen_pool, lambda _: dg.AllPartitionMapping()),
            NAMED_CITIES,
        ),
        partitions=benchmark_experiment,
        keys=keys,
        kinds=frozenset({"pytorch", "parquet"}),
    ),
    Step(
        name="predictions",
        group="verification",
        description="One row per query: the chosen position and its place, the truth and the geodesic error.",
        code_version="2",
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
