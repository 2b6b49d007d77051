"""References: what a gallery returns for every benchmark's queries, under every policy, and how far off it lies."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import benchmark_shards, same_partition
from assets.gallery import gallery_of, heads_of, is_clip, is_histogram, stamp_of, used, vectors
from assets.overlap import MAXIMUM_DISTANCE
from assets.partitions import OFFICIAL, benchmark_galleries_of, benchmark_gallery, galleries_of, split
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import POLICIES, Profile
from g3lib.images.duplicates import same_pictures
from g3lib.images.sources import as_of_now
from g3lib.store import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from g3lib.gallery import Rows

OFFICIAL_GALLERY = "MP16_Pro_filtered.csv"
KILOMETRES = ("mean_km", "median_km", "max_km", "min_km")


def _build_references(task: Task) -> Outcome:
    benchmark, gallery = split(task.key.partition)
    found = _official(task) if gallery == OFFICIAL else _searched(task)
    found = found.select(pl.lit(benchmark).alias("benchmark"), pl.lit(gallery).alias("gallery"), pl.all())
    authors = pl.col("reference_author")
    counted = found.group_by("policy", "kind", maintain_order=True).agg(
        references=pl.len(), photographers=authors.n_unique(), mean_similarity=pl.col("similarity").mean()
    )
    return Outcome(found.height, found, metadata={"references": table(counted)})


def _searched(task: Task) -> pl.DataFrame:
    """The index's answers: all of it, without the query's author, without its copies too."""
    import numpy as np

    from g3lib.gallery import open_index, references, rows_by_author, union

    folder, queries = task.folder("gallery_index"), task.table("photos")
    index = open_index(folder, task.profile.device)
    index.check(stamp_of(task))
    photos = pl.read_parquet(folder / "photos.parquet")
    authors = rows_by_author(photos["author"], queries["author"])
    copies = same_pictures(photos, queries, MAXIMUM_DISTANCE)
    excluded: dict[str, Sequence[Rows] | None] = dict(
        zip(POLICIES, (None, authors, union(authors, copies)), strict=True)
    )
    asked, depth = np.concatenate(list(vectors(task))), task.profile.reference_depth
    return pl.concat(
        references(index, photos, queries["photo_id"], asked, depth, without).select(
            pl.lit(policy).alias("policy"), pl.all()
        )
        for policy, without in excluded.items()
    )


def _official(task: Task) -> pl.DataFrame:
    """What the authors of G3 retrieved, for the queries that are here; theirs is an open gallery."""
    from g3lib.gallery import import_official, read_official_gallery

    gallery, similar, dissimilar = official_files(task.home, split(task.key.partition)[0])
    ids = task.table("metadata")["photo_id"]
    found = import_official(similar, dissimilar, read_official_gallery(gallery), ids)
    here = found.filter(pl.col("photo_id").is_in(task.table("photos")["photo_id"].implode()))
    return here.select(pl.lit(POLICIES[0]).alias("policy"), pl.all())


def official_files(home: Home, benchmark: str) -> tuple[Path, Path, Path]:
    """Where a user puts the published arrays of a benchmark, and the table whose rows they name."""
    folder = home.root / "incoming"
    arrays = (folder / f"I_g3_{benchmark}{ending}.npy" for ending in ("", "_reverse"))
    return (folder / OFFICIAL_GALLERY, *arrays)  # type: ignore[return-value]


def _observed(home: Home, _: Profile, partition: Partition) -> dict[str, str]:
    benchmark, gallery = split(partition)
    if gallery != OFFICIAL:
        return {}
    return {name: seen for path in official_files(home, benchmark) for name, seen in as_of_now(path).items()}


def _build_distances(task: Task) -> Outcome:
    from g3lib.results.reference_distances import reference_distances

    benchmark, gallery = split(task.key.partition)
    found = reference_distances(task.table("references"), task.table("photos"))
    found = found.select(pl.lit(benchmark).alias("benchmark"), pl.lit(gallery).alias("gallery"), pl.all())
    similar = found.filter(kind="similar")
    parent = task.tracking.parent("gallery", benchmark)
    with task.tracking.run("gallery", task.key, task.run_id, parent) as run:
        run.parameters({"benchmark": benchmark, "gallery": gallery})
        for row in similar.to_dicts():
            run.metrics({f"{name}_{row['policy']}": row[name] for name in KILOMETRES}, row["top"])
    shown = similar.select("policy", "top", *(pl.col(name).round(1) for name in KILOMETRES))
    return Outcome(
        found.height,
        found,
        mlflow_run_id=run.run_id,
        metadata={
            "distance of similar references": table(shown),
            "MLflow run": task.tracking.url("gallery", run.run_id),
        },
    )


def _every_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    queries = sum(record.rows for record in task.inputs["photos"])
    policies = 1 if gallery_of(task.key.partition) == OFFICIAL else len(POLICIES)
    expected = 2 * policies * queries * task.profile.reference_depth
    return outcome.rows == expected, {"references": outcome.rows, "expected": expected}


def _config(profile: Profile, partition: Partition) -> Config:
    if split(partition)[1] == OFFICIAL:
        return {}
    return profile.plain("reference_depth") | {"maximum distance of copies": MAXIMUM_DISTANCE}


def _by_gallery(profile: Profile) -> dg.PartitionMapping:
    """Exact unless a gallery without an index is among them, which Dagster has no mapping for."""
    if OFFICIAL in galleries_of(profile):
        return dg.AllPartitionMapping()
    return dg.MultiToSingleDimensionPartitionMapping("gallery")


def _only_official(profile: Profile, partition: Partition) -> list[Partition]:
    """The metadata tell in which order their queries stand."""
    benchmark, gallery = split(partition)
    return [benchmark] if gallery == OFFICIAL else []


def _index(_: Profile, partition: Partition) -> list[Partition]:
    gallery = gallery_of(partition)
    return [] if gallery == OFFICIAL else [gallery]


STEPS = (
    Step(
        name="references",
        group="gallery",
        description="The most similar and most dissimilar gallery photos of every query, by gallery policy.",
        code_version="2",
        build=_build_references,
        config=_config,
        observed=_observed,
        upstream=(
            benchmark_shards("photos"),
            used(benchmark_shards("image_features"), is_clip),
            used(benchmark_shards("colour_histograms"), is_histogram),
            heads_of(lambda _: dg.AllPartitionMapping()),
            Upstream("gallery_index", _index, _by_gallery),
            Upstream("metadata", _only_official, lambda _: dg.AllPartitionMapping()),
        ),
        partitions=benchmark_gallery,
        keys=benchmark_galleries_of,
        rules=(Rule("every_query_answered", "each query has all its references", _every_query),),
        kinds=frozenset({"faiss"}),
    ),
    Step(
        name="distances",
        group="results",
        description="How far a query's references lie from it, per gallery and policy (G3, table 3).",
        code_version="1",
        build=_build_distances,
        config=lambda _, __: {},
        upstream=(same_partition("references"), benchmark_shards("photos")),
        partitions=benchmark_gallery,
        keys=benchmark_galleries_of,
        kinds=frozenset({"mlflow", "parquet"}),
    ),
)
