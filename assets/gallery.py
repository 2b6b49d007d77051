"""Gallery: one index per embedding of its photos."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

from assets.common import gallery_shards, trained_alignment
from assets.partitions import OFFICIAL, galleries, indexed_galleries_of, split
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import ALIGNMENTS, Profile

if TYPE_CHECKING:
    from g3lib.gallery import Vectors

HISTOGRAMS = "colour-histogram"
IDENTITY = ["dataset", "photo_id", "author", "lat", "lon", "sha256", "dhash"]
"""What an index row knows of its photo; the last two tell which queries show the same picture."""
ROWS = 8192  # embedded at once, so that a shard of any size fits in memory


def gallery_of(partition: Partition) -> str:
    """`gallery` or `benchmark|gallery`."""
    return split(partition)[1] or str(partition)


def used(asset: Upstream, wanted: Callable[[str], bool]) -> Upstream:
    """The upstream for those galleries that are made of it, and nothing for the others."""
    return Upstream(
        asset.asset,
        lambda profile, key: asset.partitions(profile, key) if wanted(gallery_of(key)) else [],
        asset.mapping,
    )


def heads_of(mapping: Callable[[Profile], dg.PartitionMapping]) -> Upstream:
    """The trained heads of an aligned gallery."""
    return Upstream(
        "alignment",
        lambda _, key: [gallery_of(key)] if gallery_of(key) in ALIGNMENTS else [],
        mapping,
    )


def is_clip(gallery: str) -> bool:
    """Whether a gallery's embedding begins with CLIP's features."""
    return gallery not in (HISTOGRAMS, OFFICIAL)


def is_histogram(gallery: str) -> bool:
    """Whether it is the colour histograms'."""
    return gallery == HISTOGRAMS


def _folders(task: Task) -> list[Path]:
    """Of the stored features of the task's shards, in order."""
    asset = "image_features" if is_clip(gallery_of(task.key.partition)) else "colour_histograms"
    return [task.home.root / record.path for record in task.inputs[asset]]


def stamp_of(task: Task) -> dict[str, str]:
    """All that decides a photo's embedding in the task's gallery: queries and index must have the same."""
    from g3lib.features.shards import same_stamp

    gallery = gallery_of(task.key.partition)
    features = {name: str(value) for name, value in asdict(same_stamp(_folders(task))).items()}
    stamp = {"gallery": gallery, **features}
    for record in task.inputs.get("alignment", ()):
        stamp["alignment"] = record.data_version
    return stamp


def vectors(task: Task) -> Iterator["Vectors"]:
    """Blocks of embeddings of the task's shards, in order: stored features through the gallery's heads."""
    import torch

    from g3lib.features.shards import FeatureShards

    gallery, device = gallery_of(task.key.partition), task.profile.device
    shards = FeatureShards(_folders(task))
    heads = trained_alignment(task, shards.width).to(device) if gallery in ALIGNMENTS else None
    for shard in shards:
        for start in range(0, len(shard), ROWS):
            stored = shard[start : start + ROWS].astype(np.float32)
            if not is_clip(gallery):
                yield stored
                continue
            features = torch.from_numpy(stored).to(device)
            with torch.inference_mode():
                if heads is None:
                    yield torch.nn.functional.normalize(features, dim=-1).cpu().numpy()
                else:
                    yield heads.gallery_vectors(features, gallery).cpu().numpy()  # type: ignore[arg-type]


def _build_index(task: Task) -> Outcome:
    from g3lib.gallery import build

    gallery = str(task.key.partition)
    parent = task.tracking.parent("gallery", f"galleries of {task.profile.name}")
    with task.tracking.run("gallery", task.key, task.run_id, parent) as run:
        report = build(lambda: vectors(task), task.scratch, task.profile.index, stamp_of(task))
        card = report.card
        run.parameters({"gallery": gallery, "kind": card.kind, **card.parameters})
        measured = {
            "recall_at_20_similar": card.recall_similar,
            "recall_at_20_dissimilar": card.recall_dissimilar,
            "bytes_per_photo": card.bytes_per_photo,
            "queries_per_second": report.queries_per_second,
            "seconds_to_build": report.seconds,
        }
        run.metrics(measured)
    task.table("photos").select(IDENTITY).write_parquet(task.scratch / "photos.parquet")
    link = task.tracking.url("gallery", run.run_id)
    shown = {"kind": card.kind, "parameters": card.parameters, "MLflow run": link}
    return Outcome(card.rows, metadata=shown | measured, mlflow_run_id=run.run_id)


def _index_size(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    photos = pl.read_parquet(task.scratch / "photos.parquet").height
    return outcome.rows == photos, {"index": outcome.rows, "gallery": photos}


def _index_config(profile: Profile, _: Partition) -> Config:
    return profile.plain("index")


STEPS = (
    Step(
        name="gallery_index",
        group="gallery",
        description="Inner-product index over the gallery's embeddings (paper section 3.1), exact or compressed.",
        code_version="2",
        build=_build_index,
        config=_index_config,
        kind="index",
        upstream=(
            gallery_shards("photos"),
            used(gallery_shards("image_features"), is_clip),
            used(gallery_shards("colour_histograms"), is_histogram),
            heads_of(lambda _: dg.AllPartitionMapping()),
        ),
        partitions=galleries,
        keys=indexed_galleries_of,
        rules=(Rule("index_is_gallery", "the index holds every gallery photo once", _index_size),),
        kinds=frozenset({"faiss", "mlflow"}),
    ),
)
