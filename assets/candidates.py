"""Candidates: what retrieval and the LMM propose for every query of a benchmark in an experiment."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import polars as pl

from assets.common import benchmark_shards, positions_on_earth, tar_of
from assets.partitions import benchmark_experiment, references_of_experiments, split
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import POLICIES, Experiment, Profile, experiment
from g3lib.images import as_jpeg, read_shard

PASSING = {"unreachable", "unavailable"}  # what waiting may mend; a wrong key stays wrong


def effective(profile: Profile, partition: Partition) -> Experiment:
    """The experiment with the profile's N and S for this benchmark (the paper's differ by benchmark)."""
    benchmark, name = split(partition)
    found = experiment(name)
    if not found.prompts or found.answers == 1:
        return found  # single answers are what those methods are
    answers = profile.answers.get(benchmark, found.answers)
    return replace(found, answers=answers, retrieved=profile.retrieved.get(benchmark, found.retrieved))


def keys(profile: Profile) -> list[str]:
    """Every benchmark in every experiment."""
    return [f"{b}|{name}" for b in profile.benchmarks for name in profile.experiments]


def _config(profile: Profile, partition: Partition) -> Config:
    """What determines the answers; retries, concurrency and prices do not."""
    found = effective(profile, partition)
    config: Config = {"experiment": found.as_config()}
    for chooser in ("selection", "alignment"):
        config["experiment"].pop(chooser)  # verification's business: changing it asks nobody anything
    if found.prompts:
        host = urlsplit(profile.lmm.base_url or "").hostname  # without credentials or tokens
        config["lmm"] = {"label": profile.lmm.label, "host": host, "max_tokens": profile.lmm.max_tokens}
    return config


def _references(_: Profile, partition: Partition) -> list[str]:
    benchmark, name = split(partition)
    gallery = experiment(name).gallery
    return [f"{benchmark}|{gallery}"] if gallery else []


def _build(task: Task) -> Outcome:
    from g3lib.candidates.generation import Query, generate
    from g3lib.candidates.questions import LmmError
    from g3lib.gallery import REFERENCES

    benchmark, name = split(task.key.partition)
    found = effective(task.profile, task.key.partition)
    nothing = pl.DataFrame(schema=REFERENCES)
    references = task.table("references").filter(policy=POLICIES[0]) if task.inputs["references"] else nothing
    queries = [Query(photo_id, data) for photo_id, data in _photos(task)]
    try:
        candidates = generate(queries, references, found, benchmark, task.profile.lmm, task.home.responses)
    except LmmError as error:
        raise dg.Failure(str(error), allow_retries=error.kind in PASSING) from error
    candidates = candidates.select(
        pl.lit(benchmark).alias("benchmark"), pl.lit(name).alias("experiment"), pl.all()
    )
    return _tracked(task, candidates, found)


def _photos(task: Task) -> Any:
    """Photo ids with a way to load their bytes when they are asked about, and not before."""
    for record in task.inputs["photos"]:
        manifest = pl.read_parquet(task.commit_of(record))
        tar = tar_of(task.home, record)
        for row in range(manifest.height):
            one = manifest[row]
            yield one["photo_id"][0], (lambda one=one, tar=tar: as_jpeg(next(read_shard(tar, one))))


def _tracked(task: Task, candidates: pl.DataFrame, found: Experiment) -> Outcome:
    """The outcome, with usage and failures in MLflow if an LMM was asked."""
    asked = candidates.filter(pl.col("source") != "retrieval")
    failures = int(asked["failure"].is_not_null().sum())
    usage = {
        "answers": float(asked.height),
        "unreadable_answers": float(failures),
        "tokens_in": float(candidates["tokens_in"].sum()),
        "tokens_out": float(candidates["tokens_out"].sum()),
    }
    metadata: dict[str, Any] = {name: dg.MetadataValue.float(value) for name, value in usage.items()}
    metadata["lmm"] = task.profile.lmm.label if found.prompts else "none"
    metadata["candidates by source"] = candidates["source"].value_counts(sort=True).to_dicts()
    run_id = None
    if found.prompts:
        parent = task.tracking.parent("candidates", split(task.key.partition)[0])
        with task.tracking.run("candidates", task.key, task.run_id, parent) as run:
            run.parameters(_config(task.profile, task.key.partition))
            run.metrics(usage)
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
        code_version="1",
        build=_build,
        config=_config,
        upstream=(
            benchmark_shards("photos"),
            Upstream("references", _references, references_of_experiments),
        ),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(
            Rule("candidates_on_earth", "every candidate position lies on the Earth", positions_on_earth),
            Rule("every_query_has_candidates", "failures are rows too", _every_query),
        ),
        kinds=frozenset({"openai", "parquet"}),
        pool="lmm",
        retry=dg.RetryPolicy(
            max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
    ),
)
