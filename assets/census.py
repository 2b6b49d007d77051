"""Images, counted: what is there, what is missing and why, and the proof that shards of one archive leave no gap."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.overlap import EVERY_SHARD
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.experiments.datasets import Dataset
from g3lib.images import Fate
from g3lib.images.sources import Place, source_of

EVERY_DATASET = Upstream(
    "metadata",
    lambda profile, _: [dataset.name for dataset in profile.datasets],
    lambda _: dg.AllPartitionMapping(),
)


def _build(task: Task) -> Outcome:
    for dataset in task.profile.datasets:
        _prove_seams(task, dataset)
    counted = (
        pl.concat([_ledger(task), _never_offered(task)])
        .group_by("dataset", "shard", "fate")
        .agg(photos=pl.len().cast(pl.Int64), bytes=pl.col("bytes").sum())
    )
    counted = counted.sort("dataset", "shard", "fate", nulls_last=True)
    by_fate = counted.group_by("dataset", "fate").agg(pl.col("photos").sum()).sort("dataset", "photos")
    return Outcome(counted.height, counted, metadata={"photos": table(by_fate)})


def _ledger(task: Task) -> pl.DataFrame:
    partition = pl.col("dataset") + "-" + pl.col("shard").str.strip_prefix("shard-")
    ledger = pl.scan_parquet(list(_ledgers(task)))
    return ledger.select("dataset", partition.alias("shard"), "fate", "bytes").collect()


def _ledgers(task: Task) -> Iterator[str]:
    for record in task.inputs["photos"]:
        yield from (str(task.home.root / name) for name in record.files if "/ledger/" in name)


def _never_offered(task: Task) -> pl.DataFrame:
    """Rows of the metadata that no shard's ledger has: beyond the last shard, or in no archive."""
    offered = pl.scan_parquet(list(_ledgers(task))).select("dataset", "photo_id")
    known = [
        pl.scan_parquet(task.commit_of(record)).select(dataset=pl.lit(record.partition), photo_id="photo_id")
        for record in task.inputs["metadata"]
    ]
    missing = pl.concat(known).drop_nulls("photo_id").join(offered, on=["dataset", "photo_id"], how="anti")
    nowhere = {"shard": pl.lit(None, pl.String), "fate": pl.lit(Fate.NEVER_OFFERED.value)}
    return missing.select("dataset", **nowhere, bytes=pl.lit(None, pl.Int64)).collect()


def _prove_seams(task: Task, dataset: Dataset) -> None:
    """Raises Failure if a shard of a sliced archive did not begin where the one before it ended."""
    source = source_of(dataset)
    open_seams = getattr(source, "open_seams", None)
    if open_seams is None:
        return
    folder = task.home.shard(dataset.name, 0).parent / "ledger"
    origins = [
        pl.read_parquet(folder / f"shard-{index:06d}.parquet", columns=["origin"])["origin"].to_list()
        for index in range(dataset.shards)
    ]
    found = open_seams(Place(dataset, task.home.root / "incoming" / dataset.folder, task.report), origins)
    if found:
        shard, expected, began = found[0]
        raise dg.Failure(
            f"shard {shard} of {dataset.name} began at byte {began}, but the one before it ends at {expected}: "
            "that is noted, and the shard is out of date now; run again, and it is made from there",
            allow_retries=False,
        )


def _config(profile: Profile, _: Partition) -> Config:
    return {}


STEPS = (
    Step(
        name="photo_census",
        group="images",
        description="Photos of every shard by their fate, and those of the metadata that no shard was to hold.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(EVERY_DATASET, EVERY_SHARD),
    ),
)
