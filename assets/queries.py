"""Queries: what is known of a benchmark's photos before anything is predicted: place, scene, nearest gallery photo."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.gallery import IDENTITY
from assets.overlap import MAXIMUM_DISTANCE
from assets.partitions import only
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import POLICIES, Profile
from g3lib.experiments.experiment import GalleryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from g3lib.gallery import Rows

GALLERY_KM: dict[GalleryPolicy, str] = {
    policy: "_".join(["gallery_km", *policy.split("-")]) if policy != "open" else "gallery_km"
    for policy in POLICIES
}
"""The column that tells how near the photos come which a policy allows."""
DETAIL = ("little", "medium", "much")


def _build(task: Task) -> Outcome:
    from g3lib.places import names_by_level

    photos = _photos(task, task.profile.dataset(str(task.key.partition)).partitions)
    queries = photos.select(
        pl.lit(task.key.partition).alias("benchmark"),
        *("photo_id", "author", "lat", "lon"),
        bits_per_pixel=8 * pl.col("bytes") / (pl.col("width") * pl.col("height")),
    )
    queries = queries.hstack(names_by_level(queries, task.profile.places.near_km))
    queries = queries.join(_scenes(task), on="photo_id", how="left", maintain_order="left")
    queries = queries.with_columns(_detail(), *_nearest(task, photos))
    return Outcome(queries.height, queries, metadata=_shown(queries))


def _photos(task: Task, shards: list[str]) -> pl.DataFrame:
    """The manifests of some shards, one after the other."""
    wanted = [record for record in task.inputs["photos"] if record.partition in shards]
    columns = [*IDENTITY, "bytes", "width", "height"]
    return pl.concat([pl.read_parquet(task.commit_of(record), columns=columns) for record in wanted])


def _scenes(task: Task) -> pl.DataFrame:
    """photo_id and scene, as the dataset's metadata have it."""
    from g3lib.images.metadata.table import SCENE_TABLE

    paths = [
        task.home.root / name for each in task.inputs["metadata"] for name in each.files if "/scenes/" in name
    ]
    return pl.concat([SCENE_TABLE.to_frame(), *map(pl.read_parquet, paths)]).unique("photo_id")


def _detail() -> pl.Expr:
    third = (pl.col("bits_per_pixel").rank("ordinal") - 1) * len(DETAIL) // pl.len()
    return third.replace_strict(dict(enumerate(DETAIL)), return_dtype=pl.String).alias("detail")


def _nearest(task: Task, queries: pl.DataFrame) -> list[pl.Series]:
    """GALLERY_KM of each query, under every policy."""
    from g3lib.gallery import rows_by_author, union
    from g3lib.images.duplicates import same_pictures
    from g3lib.results.coverage import gallery_places

    gallery = _photos(task, task.profile.shards("gallery"))
    authors = rows_by_author(gallery["author"], queries["author"])
    copies = same_pictures(gallery, queries, MAXIMUM_DISTANCE)
    excluded: list[Sequence[Rows] | None] = [None, authors, union(authors, copies)]
    places = gallery_places(gallery["lat"], gallery["lon"])
    asked = queries["lat"].to_numpy(), queries["lon"].to_numpy()
    return [
        pl.Series(GALLERY_KM[policy], places.nearest_km(*asked, without)).fill_nan(None)
        for policy, without in zip(POLICIES, excluded, strict=True)
    ]


def _shown(queries: pl.DataFrame) -> dict[str, Any]:
    from g3lib.results import THRESHOLDS_KM

    rows = [
        {"gallery photo within": f"{km} km", **{p: _share(queries[c] < km) for p, c in GALLERY_KM.items()}}
        for km in THRESHOLDS_KM
    ]
    return {
        "covered by the gallery": table(pl.DataFrame(rows)),
        "scenes": table(queries["scene"].value_counts(sort=True)),
        "continents": table(queries["continent"].value_counts(sort=True)),
        "authors": queries["author"].n_unique(),
    }


def _share(covered: pl.Series) -> str:
    return f"{covered.fill_null(False).sum() / len(covered):.1%}"


def _config(profile: Profile, _: Partition) -> Config:
    return {"near_km": profile.places.near_km, "maximum distance of copies": MAXIMUM_DISTANCE}


def _shards(profile: Profile, partition: Partition) -> list[str]:
    return [*profile.shards("gallery"), *profile.dataset(str(partition)).partitions]


def _every_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    shards = task.profile.dataset(str(task.key.partition)).partitions
    photos = sum(record.rows for record in task.inputs["photos"] if record.partition in shards)
    distinct = outcome.table["photo_id"].n_unique()
    return outcome.rows == distinct == photos, {"rows": outcome.rows, "queries": photos}


def _same_dataset(profile: Profile) -> dg.PartitionMapping:
    return dg.StaticPartitionMapping({benchmark: benchmark for benchmark in profile.benchmarks})


STEPS = (
    Step(
        name="queries",
        group="results",
        description="Each query's true place and scene, and how near the gallery comes to it under every policy.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(
            Upstream("photos", _shards, lambda profile: only(profile.shards())),
            Upstream("metadata", lambda _, partition: [partition], _same_dataset),
        ),
        partitions=lambda profile: dg.StaticPartitionsDefinition(profile.benchmarks),
        keys=lambda profile: list(profile.benchmarks),
        rules=(Rule("one_row_per_query", "every query of the benchmark has one row", _every_query),),
    ),
)
