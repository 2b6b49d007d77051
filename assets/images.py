"""Photos: each shard of each dataset as a WebDataset tar with its manifest."""

from pathlib import Path

from assets.common import positions_on_earth
from assets.partitions import shards
from assets.pictures import contact_sheet
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.images import read_shard, write_shard
from g3lib.images.sources import photos_of
from g3lib.store import Home


def _config(profile: Profile, partition: Partition) -> Config:
    dataset, _ = profile.dataset_of(str(partition))
    return dataset.model_dump(mode="json", exclude={"shards"})


def _place(home: Home, profile: Profile, partition: Partition) -> Path:
    dataset, index = profile.dataset_of(str(partition))
    return home.shard(dataset.name, index).with_suffix(".parquet")


def _build(task: Task) -> Outcome:
    dataset, index = task.profile.dataset_of(str(task.key.partition))
    tar, scratch = task.home.shard(dataset.name, index), task.scratch / "shard.tar"
    photos = photos_of(dataset, index, task.home.root / "incoming")
    manifest, rejected = write_shard(scratch, dataset.name, tar.stem, photos)
    return Outcome(
        rows=manifest.height,
        table=manifest,
        files={task.home.relative(tar): scratch},
        metadata={
            "photos": contact_sheet(read_shard(scratch, manifest.head(12))),
            "authors": manifest["author"].n_unique(),
            "rejected": rejected.height,
            "reasons": rejected["reason"].value_counts(sort=True).write_json(),
        },
    )


def _has_photos(task: Task, outcome: Outcome) -> tuple[bool, dict[str, object]]:
    dataset, _ = task.profile.dataset_of(str(task.key.partition))
    return outcome.rows > 0, {"photos": outcome.rows, "expected": dataset.photos_per_shard}


PHOTOS = Step(
    name="photos",
    group="images",
    description="Photos of one shard, checked, in a WebDataset tar with a Parquet manifest beside it.",
    code_version="1",
    build=_build,
    config=_config,
    place=_place,
    partitions=shards,
    keys=lambda profile: profile.shards(),
    kinds=frozenset({"webdataset", "parquet"}),
    rules=(
        Rule("has_photos", "the shard holds at least one photo", _has_photos),
        Rule("positions_on_earth", "every known position lies on the Earth", positions_on_earth),
    ),
)

STEPS = (PHOTOS,)
