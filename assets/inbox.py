"""Inbox: photos dropped into the watched folder, located by the trained workflow. One partition per batch."""

from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

from assets.asking import ask
from assets.common import same_partition, tar_of, trained_alignment, trained_encoder, whole
from assets.pictures import contact_sheet, table
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.experiments.catalogue import G3
from g3lib.images import as_jpeg, read_shard, write_shard
from g3lib.images.inbox import inbox_photos
from g3lib.store import Home

BATCHES = dg.DynamicPartitionsDefinition(name="inbox")


def _place(home: Home, _: Profile, partition: Partition) -> Path:
    return home.root / "images" / "inbox" / f"{partition}.parquet"


def _build_photos(task: Task) -> Outcome:
    batch, scratch = str(task.key.partition), task.scratch / "shard.tar"
    photos = inbox_photos(task.home.inbox, batch)
    manifest, ledger = write_shard(scratch, "inbox", batch, photos)
    tar = task.home.root / "images" / "inbox" / f"{batch}.tar"
    return Outcome(
        manifest.height,
        manifest,
        files={task.home.relative(tar): scratch},
        metadata={
            "photos": contact_sheet(read_shard(scratch, manifest.head(12))),
            "not stored": table(
                ledger.filter(pl.col("fate") != "stored").select("photo_id", "fate", "detail")
            ),
        },
    )


def _build_predictions(task: Task) -> Outcome:
    """G3 as in the benchmarks: features, references, candidates, verification; and the place's name."""
    import torch

    from g3lib.candidates.generation import Query
    from g3lib.features.extraction import image_features
    from g3lib.gallery import open_index, references
    from g3lib.places import nearest_places
    from g3lib.verification import choose, score

    (record,), manifest = task.inputs["inbox_photos"], task.table("inbox_photos")
    data = list(read_shard(tar_of(task.home, record), manifest))
    encoder = trained_encoder(task)
    features = torch.from_numpy(
        image_features(data, encoder, task.profile.encoder.batch_size).astype(np.float32)
    )
    heads = trained_alignment(task, encoder.dimension)
    index = task.folder("gallery_index")
    with torch.inference_mode():
        vectors = heads.gallery_vectors(features, "image-gps-text").numpy()
    found = references(
        open_index(index, task.profile.device),
        pl.read_parquet(index / "photos.parquet"),
        manifest["photo_id"],
        vectors,
        task.profile.reference_depth,
    )
    queries = [
        Query(photo_id, partial(as_jpeg, each))
        for photo_id, each in zip(manifest["photo_id"], data, strict=True)
    ]
    candidates, _, shown = ask(task, queries, found, G3, "inbox", {})
    scored = choose(score(candidates, manifest["photo_id"], features, heads), "verifier", G3.seed)
    chosen = scored.filter("chosen").select("photo_id", "lat", "lon", "source", "score")
    places = nearest_places(chosen["lat"], chosen["lon"]).rename({"source": "place_source"})
    located = pl.concat([chosen, places], how="horizontal")
    answers = manifest.select("photo_id").join(located, on="photo_id", how="left")
    answers = answers.with_columns(lmm=pl.lit(task.profile.lmm.label))
    return Outcome(answers.height, answers, metadata={"located": table(answers.head(20))} | shown)


def _config(profile: Profile, _: Partition) -> Config:
    return {"experiment": G3.as_config(), "lmm": profile.lmm.determinants()}


def _fixed(asset: str, partition: str, mapping: Any = dg.AllPartitionMapping) -> Upstream:
    return Upstream(asset, lambda _, __: [partition], lambda _: mapping())


INBOX_STEPS = {
    step.name: step
    for step in (
        Step(
            name="inbox_photos",
            group="inbox",
            description="A batch of photos from the watched folder, checked, in a WebDataset tar.",
            code_version="1",
            build=_build_photos,
            config=lambda _, __: {},
            place=_place,
            partitions=lambda _: BATCHES,
            keys=lambda _: [],
            kinds=frozenset({"webdataset", "parquet"}),
        ),
        Step(
            name="inbox_predictions",
            group="inbox",
            description="Where G3 believes that each photo of a batch was taken.",
            code_version="1",
            build=_build_predictions,
            config=_config,
            upstream=(
                same_partition("inbox_photos"),
                whole("encoder"),
                _fixed("alignment", "image-gps-text"),
                _fixed("gallery_index", "image-gps-text"),
            ),
            partitions=lambda _: BATCHES,
            keys=lambda _: [],
            pool="lmm",
        ),
    )
}
