"""What a set of Geo-alignment's heads is made of: its settings, data, and weights that others released."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from assets.step import Config, Partition, Task
from g3lib.experiments import HEADS, AlignmentSettings, Profile
from g3lib.experiments.alignment import GEOCLIP_FILE
from g3lib.store import Home

if TYPE_CHECKING:
    from g3lib.alignment.data import AlignmentData

OFFICIAL = "image-gps-text"  # the heads that a released g3.pth holds


def settings_of(profile: Profile, partition: Partition) -> AlignmentSettings:
    """The profile's, with this set's own."""
    return HEADS[str(partition)].settings(profile.alignment)


def is_released(profile: Profile, partition: Partition) -> bool:
    """Whether these heads are G3's own, released ones instead of trained here."""
    return profile.alignment.pretrained is not None and partition == OFFICIAL


def config_of(profile: Profile, partition: Partition) -> Config:
    """Only what determines the heads."""
    settings, heads = settings_of(profile, partition), HEADS[str(partition)]
    if is_released(profile, partition):
        return settings.released
    return settings.trained | {"text": heads.text, "captions": heads.captions}


def incoming(home: Home) -> Path:
    """Where people put files of others."""
    return home.root / "incoming"


def location_weights(home: Home, settings: AlignmentSettings) -> Path | None:
    """GeoCLIP's GPS encoder, if training begins with it; MissingWeights if it is nowhere."""
    if settings.location_init != "geoclip":
        return None
    from g3lib.alignment.checkpoints import find_geoclip_weights

    return find_geoclip_weights(incoming(home))


def observed(home: Home, profile: Profile, partition: Partition) -> dict[str, str]:
    """The files of weights that others released, if the heads begin with them, as of now."""
    from g3lib.images.sources import as_of_now

    if is_released(profile, partition):
        return as_of_now(incoming(home) / str(profile.alignment.pretrained))
    if profile.alignment.location_init == "geoclip":
        return as_of_now(incoming(home) / GEOCLIP_FILE)
    return {}


def data_of(task: Task) -> "AlignmentData":
    """Every gallery photo with a caption and a position: without a partner there is nothing to align it with."""
    from g3lib.alignment.data import AlignmentData, held_out
    from g3lib.features.shards import FeatureShards, load_features

    settings = settings_of(task.profile, task.key.partition)
    column = HEADS[str(task.key.partition)].captions
    texts = task.folder("text_features")
    known = pl.read_parquet(texts / "captions.parquet").select("caption").with_row_index("row")
    photos = _columns(task, "photos", ["dataset", "photo_id", "author", "lat", "lon"]).with_row_index("photo")
    captions = _columns(task, "captions", ["dataset", "photo_id", column]).rename({column: "caption"})
    photos = photos.join(captions, on=["dataset", "photo_id"], how="left")
    photos = photos.join(known, on="caption", how="inner").drop_nulls(["lat", "lon"]).sort("photo")
    inputs = task.inputs["image_features"]
    return AlignmentData(
        image=FeatureShards([task.home.root / record.path for record in inputs]),
        photos=photos["photo"].to_numpy().astype("int64"),
        text=load_features(texts, mmap=False),
        text_rows=photos["row"].to_numpy().astype("int64"),
        coordinates=photos.select("lat", "lon").to_numpy().astype("float64", order="C"),
        held_out=held_out(photos["author"].to_list(), settings.held_out_authors, settings.seed),
        version=":".join(record.data_version for record in inputs),
    )


def _columns(task: Task, asset: str, names: list[str]) -> pl.DataFrame:
    """These columns of all input partitions, one after the other."""
    return pl.concat(
        [pl.read_parquet(task.commit_of(record), columns=names) for record in task.inputs[asset]]
    )
