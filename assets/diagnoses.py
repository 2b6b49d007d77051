"""Diagnoses: every prediction taken apart; and any two experiments compared on the same queries."""

from typing import Any

import dagster as dg
import polars as pl

from assets.candidates import effective, keys
from assets.common import same_partition
from assets.partitions import benchmark_experiment, references_of_experiments, split
from assets.pictures import picture, table
from assets.queries import GALLERY_KM
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from assets.verification import chosen_pool, eligible
from g3lib.experiments import Profile


def of_benchmark(asset: str) -> Upstream:
    """The benchmark's partition of an asset that is cut by benchmarks."""
    return Upstream(
        asset,
        lambda _, partition: [split(partition)[0]],
        lambda _: dg.MultiToSingleDimensionPartitionMapping("benchmark"),
    )


def references_of(profile: Profile, partition: Partition) -> list[Partition]:
    """What the experiment's gallery returned for the benchmark, if it searches one."""
    found = effective(profile, partition)
    return [f"{split(partition)[0]}|{found.gallery}"] if found.gallery else []


def _build(task: Task) -> Outcome:
    from g3lib.results.diagnosis import diagnose

    predictions, scored = task.table("predictions"), task.table("scored_candidates")
    in_pool, _ = eligible(task, scored)
    if in_pool is not None:
        scored = scored.filter(in_pool)
    found = diagnose(predictions, scored, _retrieved(task), _gallery_km(task))
    return Outcome(found.height, found, metadata=_shown(task, found))


def _retrieved(task: Task) -> pl.DataFrame:
    """photo_id, lat, lon of the similar references that the experiment's prompts or pool could use."""
    wanted = effective(task.profile, task.key.partition)
    columns = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64}
    if not task.inputs["references"]:
        return pl.DataFrame(schema=columns)
    used = (pl.col("policy") == wanted.policy) & (pl.col("kind") == "similar")
    near = pl.col("rank") < wanted.references_needed
    return task.table("references").filter(used & near).select(*columns)


def _gallery_km(task: Task) -> pl.DataFrame | None:
    policy = effective(task.profile, task.key.partition).gallery_policy
    if policy is None:
        return None
    return task.table("queries").select("photo_id", gallery_km=GALLERY_KM[policy])


def _shown(task: Task, found: pl.DataFrame) -> dict[str, Any]:
    """Tables and pictures of the same views that the warehouse has."""
    from g3lib.results.diagnosis_views import misses_png, trust_png, views

    told = views(found)
    misses, trust = task.scratch / "misses.png", task.scratch / "trust.png"
    misses_png(told, misses)
    shown: dict[str, Any] = {
        "where the misses come from": picture(misses, "shares of hits and kinds of misses"),
        "oracle@K": table(told.oracle_percent()),
    }
    if found["score"].null_count() < found.height:
        trust_png(told, trust)
        shown["how far scores can be trusted"] = picture(trust, "reliability, and accuracy against coverage")
    return shown


def _config(profile: Profile, partition: Partition) -> Config:
    found = effective(profile, partition)
    return {"policy": found.gallery_policy, "references": found.references_needed}


def _one_per_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    (predictions,) = task.inputs["predictions"]
    return outcome.rows == predictions.rows, {"diagnoses": outcome.rows, "predictions": predictions.rows}


def _build_comparisons(task: Task) -> Outcome:
    from g3lib.results.comparisons import comparison_table

    wanted = ["benchmark", "experiment", "photo_id", "author", "error_km"]
    predictions = pl.concat(
        [pl.read_parquet(task.commit_of(record), columns=wanted) for record in task.inputs["predictions"]]
    )
    found = comparison_table(predictions, task.profile.bootstrap_resamples, seed=0)
    sure = found.filter(pl.col("p_holm") < 0.05)
    told = sure.sort(pl.col("difference").abs(), descending=True).head(20)
    columns = (
        "benchmark",
        "experiment",
        "other",
        "threshold_km",
        "difference",
        "ci_low",
        "ci_high",
        "p_holm",
    )
    return Outcome(
        found.height,
        found,
        metadata={
            "comparisons": found.height,
            "beyond chance (Holm, 5 %)": sure.height,
            "largest of them": table(told.select(columns).with_columns(pl.selectors.float().round(4))),
        },
    )


def _all_predictions(profile: Profile, _: Partition) -> list[Partition]:
    return list(keys(profile))


def _resampling(profile: Profile, _: Partition) -> Config:
    return profile.plain("bootstrap_resamples")


STEPS = (
    Step(
        name="diagnoses",
        group="results",
        description="Each prediction taken apart: nearest candidate, reference and gallery photo, and how sure it is.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(
            same_partition("predictions"),
            same_partition("scored_candidates"),
            Upstream("references", references_of, references_of_experiments),
            of_benchmark("queries"),
            Upstream("pool_choice", chosen_pool, lambda _: dg.AllPartitionMapping()),
        ),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(Rule("one_diagnosis_per_query", "every prediction has one row", _one_per_query),),
    ),
)
COMPARISONS = Step(
    name="comparisons",
    group="results",
    description="Paired differences of any two experiments: bootstrap intervals, McNemar, Holm.",
    code_version="1",
    build=_build_comparisons,
    config=_resampling,
    upstream=(Upstream("predictions", _all_predictions, lambda _: dg.AllPartitionMapping()),),
)
