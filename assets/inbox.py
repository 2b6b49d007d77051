"""Inbox: photos dropped into the watched folder, located by the trained workflow. One partition per batch."""

from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.common import same_partition, tar_of, whole
from assets.locating import embed, lmm_of, locate
from assets.pictures import contact_sheet, table
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.experiments.catalogue import G3
from g3lib.images import bare_jpeg, read_shard, write_shard
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
    """G3 as `g3 locate` has it, by the same functions; and the place's name."""
    from g3lib.candidates.generation import Query
    from g3lib.places import names_by_level

    (record,), manifest = task.inputs["inbox_photos"], task.table("inbox_photos")
    tar = tar_of(task.home, record)
    queries = [
        Query(photo_id, partial(_jpeg_of, tar, manifest[row]))
        for row, photo_id in enumerate(manifest["photo_id"])
    ]
    embedded = embed(task, G3, read_shard(tar, manifest), max(manifest["bytes"].to_list(), default=0))
    found = locate(task, G3, manifest, embedded, queries)
    chosen = found.candidates.filter("chosen").select("photo_id", "lat", "lon", "source", "score")
    located = chosen.hstack(names_by_level(chosen, task.profile.places.near_km))
    answers = manifest.select("photo_id").join(located, on="photo_id", how="left", maintain_order="left")
    answers = answers.with_columns(lmm=pl.lit(lmm_of(task.profile, G3)))
    return Outcome(answers.height, answers, metadata={"located": table(answers.head(20)), **found.shown})


def _jpeg_of(tar: Path, one: pl.DataFrame) -> bytes:
    return bare_jpeg(next(read_shard(tar, one)))


def _config(profile: Profile, _: Partition) -> Config:
    places = {"near_km": profile.places.near_km}
    return {"experiment": G3.as_config(), "lmm": profile.lmm.determinants()} | places


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
            code_version="2",
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
