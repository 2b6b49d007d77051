"""Pool choice: N and S of an experiment, chosen on gallery photos of authors whom the heads have not seen.

The papers set them by what they did on the test sets; here benchmarks have no part in the choice. All pools are judged
by the same answers: those of the largest.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from assets import held_out
from assets.asking import ask
from assets.candidates import config_of
from assets.common import gallery_shards
from assets.gallery import is_clip
from assets.overlap import MAXIMUM_DISTANCE
from assets.partitions import chosen_pools, chosen_pools_of
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import ALIGNMENTS, Profile, experiment

BENCHMARK = "held-out"  # what the answers are recorded under


def _build(task: Task) -> Outcome:
    import torch

    from g3lib.verification import choose_pool, pool_grid, score

    found = experiment(str(task.key.partition))
    sample = held_out.sample(task, found)
    queries, references = held_out.queries(task, sample), held_out.references(task, found, sample)
    candidates, bill, shown = ask(task, queries, references, found, BENCHMARK, {})
    features = torch.from_numpy(sample.features)
    heads = held_out.heads(task, found.alignment, features.shape[1]).to(task.profile.device)
    scored = score(candidates, sample.photos["query"], features, heads)
    truth = sample.photos.select("lat", "lon", photo_id="query")
    grid = pool_grid(scored, truth, range(1, found.answers + 1), range(found.retrieved + 1))
    answers, retrieved = choose_pool(grid)
    grid = grid.select(
        pl.lit(found.name).alias("experiment"),
        pl.lit(task.profile.lmm_named(found.lmm).label).alias("lmm"),
        pl.all(),
        chosen=(pl.col("answers") == answers) & (pl.col("retrieved") == retrieved),
    )
    return _tracked(task, grid, bill, shown)


def _tracked(
    task: Task, grid: pl.DataFrame, bill: Mapping[str, float], metadata: Mapping[str, Any]
) -> Outcome:
    """The table, with the choice on its page and in MLflow, and what asking came to."""
    best = grid.row(by_predicate=pl.col("chosen"), named=True)
    measured = {name: float(value) for name, value in best.items() if name not in _NAMES}
    parent = task.tracking.parent("verification", f"pools of {task.profile.name}")
    with task.tracking.run("verification", task.key, task.run_id, parent) as run:
        run.parameters(_config(task.profile, task.key.partition))
        run.metrics(measured | dict(bill))
    choice = {
        "chosen N": best["answers"],
        "chosen S": best["retrieved"],
        "photos": best["n"],
        "lmm": best["lmm"],
        "mean of the five accuracies": table(_matrix(grid)),
        "MLflow run": task.tracking.url("verification", run.run_id),
    }
    return Outcome(grid.height, grid, metadata=choice | dict(metadata), mlflow_run_id=run.run_id)


_NAMES = ("experiment", "lmm", "chosen")


def _matrix(grid: pl.DataFrame) -> pl.DataFrame:
    """Percent: a row for each N, a column for each S."""
    from g3lib.verification.pool import WITHIN

    mean = (100 * pl.mean_horizontal(WITHIN)).round(2)
    cells = grid.select(N="answers", S=pl.format("S = {}", "retrieved"), mean=mean)
    return cells.pivot("S", index="N", values="mean")


def _config(profile: Profile, partition: Partition) -> Config:
    """What determines who is asked about, the answers, and their scores."""
    found = experiment(str(partition))
    return config_of(profile, found) | {
        "alignment": found.alignment,
        "held_out_photos": profile.held_out_photos,
        "held_out_authors": profile.alignment.held_out_authors,
        "seed of held-out authors": profile.alignment.seed,
        "maximum distance of copies": MAXIMUM_DISTANCE,
    }


def _heads(_: Profile, partition: Partition) -> list[str]:
    """Those that verify, and those of the gallery that is searched."""
    found = experiment(str(partition))
    return [each for each in ALIGNMENTS if each in (found.alignment, found.gallery)]


def _index(_: Profile, partition: Partition) -> list[str]:
    gallery = experiment(str(partition)).gallery
    return [gallery] if gallery is not None and is_clip(gallery) else []


def _one_choice(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    chosen = int(outcome.table["chosen"].sum())
    return chosen == 1, {"chosen": chosen, "pools": outcome.rows}


STEPS = (
    Step(
        name="pool_choice",
        group="verification",
        description="How well every N and S does on photos of held-out authors, and which of them is chosen.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(
            gallery_shards("photos"),
            gallery_shards("image_features"),
            Upstream("alignment", _heads, lambda _: dg.AllPartitionMapping()),
            Upstream("gallery_index", _index, lambda _: dg.AllPartitionMapping()),
        ),
        partitions=chosen_pools,
        keys=chosen_pools_of,
        rules=(Rule("one_pool_chosen", "of all N and S, exactly one pair is chosen", _one_choice),),
        kinds=frozenset({"openai", "mlflow", "parquet"}),
        pool="lmm",
        retry=dg.RetryPolicy(
            max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
    ),
)
