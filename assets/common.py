"""What several stages declare alike: upstream shards, stored features of photos, trained models."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.partitions import dataset_of_shard, only
from assets.step import Outcome, Partition, Task, Upstream
from g3lib.experiments import HEADS, Profile
from g3lib.geo import is_on_earth
from g3lib.store import Home

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.alignment.model import GeoAlignment
    from g3lib.features.encoder import Encoder
    from g3lib.store import Record


def same_partition(asset: str) -> Upstream:
    """The same partition of an asset that is cut alike."""
    return Upstream(asset, lambda _, partition: [partition])


def dataset_of(asset: str) -> Upstream:
    """The dataset, of an asset that is cut by datasets, that a shard belongs to."""
    return Upstream(
        asset,
        lambda profile, partition: [profile.dataset_of(str(partition))[0].name],
        dataset_of_shard,
    )


def whole(asset: str) -> Upstream:
    """An asset that has no partitions."""
    return Upstream(asset, lambda _, __: [None])


def gallery_shards(asset: str) -> Upstream:
    """Every gallery shard of an asset."""
    return Upstream(
        asset,
        lambda profile, _: profile.shards("gallery"),
        lambda profile: only(profile.shards("gallery")),
    )


def benchmark_shards(asset: str) -> Upstream:
    """The shards of the benchmark that a `benchmark|…` partition names."""

    def partitions(profile: Profile, partition: Partition) -> list[str]:
        return profile.dataset(str(partition).split("|")[0]).partitions

    return Upstream(asset, partitions, lambda profile: only(profile.shards("benchmark")))


def tar_of(home: Home, record: "Record") -> Path:
    """The tar among a shard's files."""
    return next(home.root / name for name in record.files if name.endswith(".tar"))


def features_of(task: Task, records: "Sequence[Record]") -> "NDArray[np.float16]":
    """Stored features of these shards, one after the other; FeaturesMismatch if they are not of one encoder."""
    from g3lib.features.shards import FeatureShards

    return np.concatenate(list(FeatureShards([task.home.root / record.path for record in records])))


def trained_encoder(task: Task) -> "Encoder":
    """The encoder that the encoder asset resolved or trained, at the profile's device and precision."""
    from g3lib.features.encoder import load_encoder

    folder, settings = task.folder("encoder"), task.profile.encoder
    architecture = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))["architecture"]
    weights = folder / "weights.safetensors"
    return load_encoder(architecture, weights, task.profile.device, settings.precision, settings.compile)


def trained_alignment(task: Task, dimension: int) -> "GeoAlignment":
    """The heads that the alignment asset trained."""
    from g3lib.alignment.model import load_alignment

    (record,) = task.inputs["alignment"]
    settings = HEADS[str(record.partition)].settings(task.profile.alignment)
    return load_alignment(task.folder("alignment") / "alignment.safetensors", dimension, settings)


def positions_on_earth(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    """Judges a table with lat and lon: every known position lies on the Earth."""
    assert outcome.table is not None
    known = outcome.table.drop_nulls(["lat", "lon"])
    outside = int((~is_on_earth(known["lat"].to_numpy(), known["lon"].to_numpy())).sum())
    return outside == 0, {"outside the Earth": outside, "without position": outcome.rows - known.height}
