"""Gallery: one index per embedding, and the references it returns for every benchmark's queries."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.common import benchmark_shards, gallery_shards, trained_alignment
from assets.partitions import (
    benchmark_gallery,
    galleries,
    galleries_of,
    split,
)
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import ALIGNMENTS, Profile

HISTOGRAMS = "colour-histogram"
IDENTITY = ["dataset", "photo_id", "author", "lat", "lon"]
"""What an index row knows of its photo."""


def _gallery_of(partition: Partition) -> str:
    """`gallery` or `benchmark|gallery`."""
    return split(partition)[1] or str(partition)


def _used(asset: Upstream, wanted: Any) -> Upstream:
    """The upstream for those galleries that are made of it, and nothing for the others."""
    return Upstream(
        asset.asset,
        lambda profile, key: asset.partitions(profile, key) if wanted(_gallery_of(key)) else [],
        asset.mapping,
    )


def _heads(mapping: Any) -> Upstream:
    """The trained heads of an aligned gallery."""
    return Upstream(
        "alignment",
        lambda _, key: [_gallery_of(key)] if _gallery_of(key) in ALIGNMENTS else [],
        mapping,
    )


def _is_clip(gallery: str) -> bool:
    return gallery != HISTOGRAMS


def _vectors(task: Task) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """Blocks of embeddings of the task's shards, in order: stored features through the gallery's heads."""
    import torch

    gallery = _gallery_of(task.key.partition)
    if gallery == HISTOGRAMS:
        for record in task.inputs["colour_histograms"]:
            yield np.load(task.home.root / record.path / "features.npy").astype(np.float32)
        return
    heads = None
    for record in task.inputs["image_features"]:
        features = torch.from_numpy(np.load(task.home.root / record.path / "features.npy").astype(np.float32))
        if gallery in ALIGNMENTS:
            heads = heads or trained_alignment(task, features.shape[1])
            with torch.inference_mode():
                yield heads.gallery_vectors(features, gallery).numpy()  # type: ignore[arg-type]
        else:
            yield torch.nn.functional.normalize(features, dim=-1).numpy()


def _build_index(task: Task) -> Outcome:
    from g3lib.gallery import build_index

    path = task.scratch / "index.faiss"
    size = build_index(_vectors(task), path)
    task.table("photos").select(IDENTITY).write_parquet(task.scratch / "photos.parquet")
    megabytes = path.stat().st_size / 1e6
    return Outcome(rows=size, metadata={"index MB": megabytes, "bytes per photo": megabytes * 1e6 / size})


def _index_size(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    photos = pl.read_parquet(task.scratch / "photos.parquet").height
    return outcome.rows == photos, {"index": outcome.rows, "gallery": photos}


def _build_references(task: Task) -> Outcome:
    from g3lib.gallery import references

    benchmark, gallery = split(task.key.partition)
    index = task.folder("gallery_index")
    queries = task.table("photos")
    found = references(
        index / "index.faiss",
        pl.read_parquet(index / "photos.parquet"),
        queries["photo_id"],
        np.concatenate(list(_vectors(task))),
        task.profile.reference_depth,
    )
    found = found.select(pl.lit(benchmark).alias("benchmark"), pl.lit(gallery).alias("gallery"), pl.all())
    distances = _distances(found, queries)
    with task.tracking.run(
        "gallery", task.key, task.run_id, task.tracking.parent("gallery", benchmark)
    ) as run:
        run.parameters({"benchmark": benchmark, "gallery": gallery})
        run.metrics(distances)
    return Outcome(
        rows=found.height,
        table=found,
        mlflow_run_id=run.run_id,
        metadata={
            "distance of similar references, km": distances,
            "MLflow run": task.tracking.url("gallery", run.run_id),
        },
    )


def _distances(found: pl.DataFrame, queries: pl.DataFrame) -> dict[str, float]:
    """Mean distance of the top 5, 10 and 15 similar references (paper table 3, column Avg)."""
    from g3lib.geo import geodesic_km

    truth = queries.select("photo_id", true_lat="lat", true_lon="lon")
    similar = found.filter(kind="similar").join(truth, on="photo_id").drop_nulls()
    km = geodesic_km(*(similar[name] for name in ("lat", "lon", "true_lat", "true_lon")))
    similar = similar.with_columns(km=pl.Series(km))
    depths = [depth for depth in (1, 5, 10, 15) if depth <= similar["rank"].n_unique()]
    return {
        f"mean_km_top_{depth}": float(similar.filter(pl.col("rank") < depth)["km"].mean() or 0.0)  # type: ignore[arg-type]
        for depth in depths
    }


def _every_query(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    queries = sum(record.rows for record in task.inputs["photos"])
    expected = 2 * queries * task.profile.reference_depth
    return outcome.rows == expected, {"references": outcome.rows, "expected": expected}


def _no_config(_: Profile, __: Partition) -> Config:
    return {}


def _by_gallery(_: Profile) -> dg.PartitionMapping:
    return dg.MultiToSingleDimensionPartitionMapping("gallery")


STEPS = (
    Step(
        name="gallery_index",
        group="gallery",
        description="Exact inner-product index over the gallery's embeddings (paper section 3.1).",
        code_version="1",
        build=_build_index,
        config=_no_config,
        kind="index",
        upstream=(
            gallery_shards("photos"),
            _used(gallery_shards("image_features"), _is_clip),
            _used(gallery_shards("colour_histograms"), lambda gallery: not _is_clip(gallery)),
            _heads(lambda _: dg.AllPartitionMapping()),
        ),
        partitions=galleries,
        keys=galleries_of,
        rules=(Rule("index_is_gallery", "the index holds every gallery photo once", _index_size),),
        kinds=frozenset({"faiss"}),
    ),
    Step(
        name="references",
        group="gallery",
        description="The most similar and most dissimilar gallery photos of every query.",
        code_version="1",
        build=_build_references,
        config=lambda profile, _: profile.plain("reference_depth"),
        upstream=(
            benchmark_shards("photos"),
            _used(benchmark_shards("image_features"), _is_clip),
            _used(benchmark_shards("colour_histograms"), lambda gallery: not _is_clip(gallery)),
            _heads(lambda _: dg.AllPartitionMapping()),
            Upstream("gallery_index", lambda _, key: [_gallery_of(key)], _by_gallery),
        ),
        partitions=benchmark_gallery,
        keys=lambda profile: [f"{b}|{g}" for b in profile.benchmarks for g in galleries_of(profile)],
        rules=(Rule("every_query_answered", "each query has all its references", _every_query),),
        kinds=frozenset({"faiss", "mlflow"}),
    ),
)
