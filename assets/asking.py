"""Asking an LMM on behalf of an asset: stored photos as queries, the estimate and the bill as metadata.

Which experiment asks what is candidates.py's business, and how, g3lib.candidates'.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import tar_of
from assets.step import Task
from g3lib.experiments import Experiment
from g3lib.experiments.lmm import LmmSettings
from g3lib.images import as_jpeg, read_shard
from g3lib.store import Home, Record

if TYPE_CHECKING:
    from g3lib.candidates.costs.prices import Prices
    from g3lib.candidates.generation import Query, Watch

PASSING = {"unreachable", "unavailable"}  # what waiting may mend; a wrong key stays wrong


def stored_queries(home: Home, record: Record) -> "Iterator[Query]":
    """The queries of one shard of photos."""
    from g3lib.candidates.generation import Query

    manifest, tar = pl.read_parquet(home.root / record.path), tar_of(home, record)
    for row in range(manifest.height):
        one = manifest[row]
        yield Query(one["photo_id"][0], partial(jpeg_of, tar, one))


def jpeg_of(tar: Path, one: pl.DataFrame) -> bytes:
    """The bytes of a photo, one row of its shard's manifest, as a JPEG."""
    return as_jpeg(next(read_shard(tar, one)))


def ask(
    task: Task,
    queries: "list[Query]",
    references: pl.DataFrame,
    found: Experiment,
    benchmark: str,
    wanted: Mapping[str, int],
) -> tuple[pl.DataFrame, dict[str, float], dict[str, Any]]:
    """The candidates; what asking came to; what to show of it, with the estimate before. dg.Failure if it fails."""
    from g3lib.candidates.costs.prices import prices_of
    from g3lib.candidates.generation import generate
    from g3lib.candidates.questions import LmmError

    settings = task.profile.lmm_named(found.lmm)
    prices, bill, shown = prices_of(settings, task.home.prices), dict[str, float](), dict[str, Any]()
    watch = _watch(task, settings, prices, bill, shown)
    try:
        candidates = generate(
            queries, references, found, benchmark, settings, task.home.responses, prices, wanted, watch
        )
    except LmmError as error:
        raise dg.Failure(str(error), shown, allow_retries=error.kind in PASSING) from error
    return candidates, bill, shown | bill


def _watch(
    task: Task, settings: LmmSettings, prices: "Prices", bill: dict[str, float], shown: dict[str, Any]
) -> "Watch":
    """Writes down the estimate and the bill, and progress into the run's log."""
    from g3lib.candidates.costs.estimate import estimate, usage
    from g3lib.candidates.generation import Watch

    def before(items: Any) -> None:
        open_requests = [(item.question, item.count) for item in items]
        used = usage(task.home.responses, settings, prices)
        estimated = estimate(open_requests, settings, prices, used)
        shown.update({f"estimate: {name}": value for name, value in estimated.as_metadata().items()})

    def after(asked: Any) -> None:
        bill.update(asked.as_metrics())

    return Watch(before, task.report, after)
