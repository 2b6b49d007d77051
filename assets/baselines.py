"""Baselines: features of photos that are not CLIP's."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from assets.common import same_partition, tar_of
from assets.features import COMPLETE, FINITE
from assets.partitions import shards
from assets.step import Config, Outcome, Partition, Step, Task
from g3lib.experiments import Profile
from g3lib.images import read_shard

if TYPE_CHECKING:
    from g3lib.features.shards import Stamp


def _config(_: Profile, __: Partition) -> Config:
    from g3lib.baselines import BINS

    return {"bins per channel": BINS}


def histogram_stamp() -> "Stamp":
    """What decides a colour histogram besides its photo."""
    from g3lib.baselines import BINS
    from g3lib.features.shards import Stamp

    return Stamp("colour-histogram", "", f"{BINS} bins per channel, square roots", "float32", BINS**3)


def _build(task: Task) -> Outcome:
    from g3lib.baselines import colour_histograms
    from g3lib.features.shards import save_features

    (record,) = task.inputs["photos"]
    manifest = pl.read_parquet(task.commit_of(record))
    features = colour_histograms(read_shard(tar_of(task.home, record), manifest))
    stamp = histogram_stamp()
    save_features(task.scratch, features, stamp)
    return Outcome(rows=len(features), metadata=asdict(stamp))


STEPS = (
    Step(
        name="colour_histograms",
        group="baselines",
        description="Joint RGB histograms of a shard's photos, as unit vectors.",
        code_version="2",
        build=_build,
        config=_config,
        kind="features",
        upstream=(same_partition("photos"),),
        partitions=shards,
        keys=lambda profile: profile.shards(),
        rules=(FINITE, COMPLETE),
        kinds=frozenset({"numpy"}),
    ),
)
