"""Images, what they share: the same picture twice, the same photographer in gallery and queries."""

import dagster as dg
import polars as pl

from assets.pictures import table
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.images.duplicates import PHOTOS, author_overlap, duplicates, leaked

MAXIMUM_DISTANCE = 3  # differing bits of 64 up to which two photos count as one picture

EVERY_SHARD = Upstream("photos", lambda profile, _: profile.shards(), lambda _: dg.AllPartitionMapping())


def _photos(task: Task) -> pl.DataFrame:
    """What tells photos and photographers apart, of every shard, galleries first, benchmarks last; millions of rows."""
    paths = [task.commit_of(record) for record in task.inputs["photos"]]
    roles = {dataset.name: dataset.role for dataset in task.profile.datasets}
    role = pl.col("dataset").replace_strict(roles, return_dtype=pl.String)
    frame = pl.scan_parquet(paths).with_columns(role=role).select(*PHOTOS).collect()
    return frame.sort(pl.col("role") != "gallery", pl.col("role") == "benchmark", maintain_order=True)


def _build_duplicates(task: Task) -> Outcome:
    found = duplicates(_photos(task), MAXIMUM_DISTANCE)
    counts = found.group_by("kind", "dataset", "other_dataset").len("photos").sort("kind", "dataset")
    return Outcome(found.height, found, metadata={"photos that repeat another": table(counts)})


def _build_leaks(task: Task) -> Outcome:
    found = leaked(_photos(task), MAXIMUM_DISTANCE)
    counts = found.group_by("dataset", "other_dataset", "kind").len("queries").sort("dataset", "kind")
    return Outcome(
        found.height, found, metadata={"queries whose picture is in a gallery or training set": table(counts)}
    )


def _build_authors(task: Task) -> Outcome:
    found = author_overlap(_photos(task))
    return Outcome(found.height, found, metadata={"photographers in gallery and queries": table(found)})


def _config(_: Profile, __: Partition) -> Config:
    return {"maximum distance": MAXIMUM_DISTANCE}


STEPS = (
    Step(
        name="photo_duplicates",
        group="images",
        description="Photos that are the same picture, by bytes or to the eye, within and across datasets.",
        code_version="1",
        build=_build_duplicates,
        config=_config,
        upstream=(EVERY_SHARD,),
    ),
    Step(
        name="leaked_queries",
        group="images",
        description="Queries whose own picture is in a gallery or training set, each with the nearest such photo.",
        code_version="1",
        build=_build_leaks,
        config=_config,
        upstream=(EVERY_SHARD,),
    ),
    Step(
        name="author_overlap",
        group="images",
        description="Photographers in a gallery or training set and in a benchmark, and the photos that concerns.",
        code_version="1",
        build=_build_authors,
        config=lambda _, __: {},
        upstream=(EVERY_SHARD,),
    ),
)
