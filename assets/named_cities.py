"""Cities that GEM names, as candidates of the threshold tables: where they lie, and how probable they are."""

from typing import Any

import dagster as dg
import polars as pl

from assets.partitions import split
from assets.step import Partition, Task, Upstream
from g3lib.experiments import Profile, experiment

SOURCE = "gem"  # of such candidates


def _experiment(_: Profile, partition: Partition) -> list[str]:
    found = experiment(split(partition)[1])
    return [found.name] if found.gem is not None else []


NAMED_CITIES = Upstream("city_predictions", _experiment, lambda _: dg.AllPartitionMapping())


def _named(task: Task) -> pl.DataFrame:
    """photo_id, rank, lat, lon and probability of the likeliest cities of the benchmark's photos."""
    (record,) = task.inputs["city_predictions"]
    (name,) = (each for each in record.files if "/tops/" in each)
    return pl.read_parquet(task.home.root / name).filter(test_set=split(task.key.partition)[0])


def city_candidates(task: Task) -> pl.DataFrame:
    """The candidates of an experiment of GEM's, with the columns of every other's."""
    from g3lib.candidates.table import SCHEMA

    benchmark, name = split(task.key.partition)
    found = _named(task).select("photo_id", "rank", "lat", "lon", source=pl.lit(SOURCE))
    nothing: dict[str, Any] = {"tokens_in": 0, "tokens_out": 0}
    columns = [
        pl.col(each) if each in found.columns else pl.lit(nothing.get(each), kind).alias(each)
        for each, kind in SCHEMA.items()
    ]
    return found.select(pl.lit(benchmark).alias("benchmark"), pl.lit(name).alias("experiment"), *columns)


def with_probabilities(task: Task, candidates: pl.DataFrame) -> pl.DataFrame:
    """The candidates with the probability of each city as its score."""
    scores = _named(task).select("photo_id", "rank", score="probability")
    return candidates.join(scores, on=["photo_id", "rank"], how="left", maintain_order="left")
