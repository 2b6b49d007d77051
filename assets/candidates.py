"""Candidates: what retrieval and the LMM propose for every query of a benchmark in an experiment."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.asking import ask, stored_queries
from assets.common import benchmark_shards, positions_on_earth
from assets.named_cities import NAMED_CITIES, city_candidates
from assets.partitions import benchmark_experiment, references_of_experiments, split
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from assets.watching import FAILURES_HOLD
from g3lib.candidates.prompts import prompt_set
from g3lib.experiments import Experiment, Profile, experiment

if TYPE_CHECKING:
    from g3lib.candidates.generation import Query


def effective(profile: Profile, partition: Partition) -> Experiment:
    """The experiment, with the profile's N and S for this benchmark if it leaves them to it (the paper's differ)."""
    benchmark, name = split(partition)
    found = experiment(name)
    if found.pool != "benchmark":
        return found
    answers = profile.answers.get(benchmark, found.answers)
    return replace(found, answers=answers, retrieved=profile.retrieved.get(benchmark, found.retrieved))


def at_once(profile: Profile, partition: Partition) -> dict[str, int]:
    """How many answers to each prompt some experiment of the profile will want from the same questions."""
    benchmark, _ = split(partition)
    found = effective(profile, partition)
    others = [effective(profile, f"{benchmark}|{name}") for name in profile.arms]
    wanted: dict[tuple[object, ...], int] = {}
    for other in others:
        for prompt in other.prompts:
            question = other.question(prompt)
            wanted[question] = max(other.answers, wanted.get(question, 0))
    return {prompt.source: wanted.get(found.question(prompt), 0) for prompt in found.prompts}


def keys(profile: Profile) -> list[str]:
    """Every benchmark in every experiment."""
    return [f"{b}|{name}" for b in profile.benchmarks for name in profile.arms]


def config_of(profile: Profile, found: Experiment) -> Config:
    """What determines the answers; retries, concurrency, transport and prices do not."""
    config: Config = {"experiment": found.as_config()}
    for chooser in ("selection", "alignment", "pool"):
        config["experiment"].pop(chooser)  # verification's business: changing it asks nobody anything
    if found.prompts:
        config["wording"] = asdict(prompt_set(found.prompt_set))  # a file that its user may edit
        config["lmm"] = profile.lmm_named(found.lmm).determinants()
    return config


def _config(profile: Profile, partition: Partition) -> Config:
    return config_of(profile, effective(profile, partition))


def _references(_: Profile, partition: Partition) -> list[str]:
    benchmark, name = split(partition)
    gallery = experiment(name).gallery
    return [f"{benchmark}|{gallery}"] if gallery else []


def _build(task: Task) -> Outcome:
    from g3lib.gallery import REFERENCES

    benchmark, name = split(task.key.partition)
    found = effective(task.profile, task.key.partition)
    if found.gem is not None:
        return _tracked(task, city_candidates(task), found, {}, {})
    nothing = pl.DataFrame(schema=REFERENCES)
    references = (
        task.table("references").filter(policy=found.policy) if task.inputs["references"] else nothing
    )
    queries = queries_of(task)
    wanted = at_once(task.profile, task.key.partition)
    candidates, bill, shown = ask(task, queries, references, found, benchmark, wanted)
    candidates = candidates.select(
        pl.lit(benchmark).alias("benchmark"), pl.lit(name).alias("experiment"), pl.all()
    )
    return _tracked(task, candidates, found, bill, shown)


def queries_of(task: Task) -> "list[Query]":
    """Photo ids with a way to load their bytes when they are asked about, and not before."""
    return [query for record in task.inputs["photos"] for query in stored_queries(task.home, record)]


def _tracked(
    task: Task,
    candidates: pl.DataFrame,
    found: Experiment,
    bill: Mapping[str, float],
    metadata: dict[str, Any],
) -> Outcome:
    """The outcome, with usage and failures in MLflow if an LMM was asked."""
    asked = candidates.filter(pl.col("source") != "retrieval")
    usage = {
        "answers": float(asked.height),
        "unreadable_answers": float(asked["failure"].is_not_null().sum()),
        "tokens_in": float(candidates["tokens_in"].sum()),
        "tokens_out": float(candidates["tokens_out"].sum()),
    }
    metadata |= {name: dg.MetadataValue.float(value) for name, value in usage.items()}
    metadata["lmm"] = task.profile.lmm_named(found.lmm).label if found.prompts else "none"
    metadata["candidates by source"] = candidates["source"].value_counts(sort=True).to_dicts()
    metadata["failures"] = asked["failure"].drop_nulls().value_counts(sort=True).to_dicts()
    run_id = None
    if found.prompts:
        parent = task.tracking.parent("candidates", split(task.key.partition)[0])
        with task.tracking.run("candidates", task.key, task.run_id, parent) as run:
            run.parameters(_config(task.profile, task.key.partition))
            run.metrics(usage | dict(bill))
        run_id = run.run_id
        metadata["MLflow run"] = task.tracking.url("candidates", run_id)
    return Outcome(candidates.height, candidates, metadata=metadata, mlflow_run_id=run_id)


def _every_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    queries = sum(record.rows for record in task.inputs["photos"])
    found = outcome.table["photo_id"].n_unique()
    return found == queries, {"queries with candidates": found, "queries": queries}


STEPS = (
    Step(
        name="candidates",
        group="candidates",
        description="Retrieved coordinates and the LMM's answers to K prompts (Geo-diversification).",
        code_version="2",
        build=_build,
        config=_config,
        upstream=(
            benchmark_shards("photos"),
            Upstream("references", _references, references_of_experiments),
            NAMED_CITIES,
        ),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(
            Rule("candidates_on_earth", "every candidate position lies on the Earth", positions_on_earth),
            Rule("every_query_has_candidates", "failures are rows too", _every_query),
            FAILURES_HOLD,
        ),
        kinds=frozenset({"openai", "parquet"}),
        pool="lmm",
        retry=dg.RetryPolicy(
            max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
    ),
)
