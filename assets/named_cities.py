"""Cities that GEM names, as candidates of the threshold tables: where they lie, and how probable they are."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

from assets.im2city.models import load
from assets.partitions import split
from assets.step import Partition, Task, Upstream
from g3lib.experiments import Profile, experiment

if TYPE_CHECKING:
    from g3lib.features.shards import Features, Stamp

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
    benchmark, name = split(task.key.partition)
    columns = _as_candidates(_named(task))
    return columns.select(pl.lit(benchmark).alias("benchmark"), pl.lit(name).alias("experiment"), pl.all())


def _as_candidates(named: pl.DataFrame) -> pl.DataFrame:
    """Columns as every other candidate has them."""
    from g3lib.candidates.table import SCHEMA

    found = named.select("photo_id", "rank", "lat", "lon", source=pl.lit(SOURCE))
    nothing: dict[str, Any] = {"tokens_in": 0, "tokens_out": 0}
    return found.select(
        pl.col(each) if each in found.columns else pl.lit(nothing.get(each), kind).alias(each)
        for each, kind in SCHEMA.items()
    )


def named_cities(
    task: Task, experiment: str, photo_ids: pl.Series, features: "Features", stamp: "Stamp"
) -> pl.DataFrame:
    """Scored candidates of photos of no dataset, features (n, d), by an experiment's model."""
    from g3lib.im2city.answering import likeliest
    from g3lib.im2city.labels import NONE
    from g3lib.im2city.predicting import TestPhotos

    photos = TestPhotos("", photo_ids.alias("photo_id").to_frame(), np.full(len(photo_ids), NONE))
    named = likeliest(load(task, experiment, stamp), photos, features)
    return _as_candidates(named).with_columns(score=named["probability"])


def with_probabilities(task: Task, candidates: pl.DataFrame) -> pl.DataFrame:
    """The candidates with the probability of each city as its score."""
    scores = _named(task).select("photo_id", "rank", score="probability")
    return candidates.join(scores, on=["photo_id", "rank"], how="left", maintain_order="left")
