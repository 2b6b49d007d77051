"""The photos that GEM looks at: who took them, the city that each shows, their features, and which are held out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from assets.im2city.partitions import datasets_of, gem_of, shards_of
from assets.partitions import only
from assets.step import Partition, Task, Upstream
from g3lib.experiments import Profile, experiment
from g3lib.experiments.cities import CITY_SCHEMA
from g3lib.experiments.gem import ENCODER
from g3lib.experiments.profile import Im2CitySettings
from g3lib.geo.cells import cell_numbers, drawn_cells

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from g3lib.features.shards import Stamp
    from g3lib.store import Record

WANTED = ["photo_id", "author", "lat", "lon"]
NAMES_CITIES = ("place-pulse",)  # kinds of source whose metadata say which city a photo shows
VALIDATION_SEED = 0


@dataclass(frozen=True)
class Photos:
    """Of one dataset: photo_id, author, lat, lon, and the row in city_labels of each (-1: of none)."""

    name: str
    table: pl.DataFrame
    cities: "NDArray[np.int64]"


def settings_of(profile: Profile) -> Im2CitySettings:
    """The section `im2city`; a profile without it has no partitions of these steps but the label set's."""
    if profile.im2city is None:
        raise ValueError(
            f"profile {profile.name} has no section `im2city`; pipelines/profiles/demo.yaml shows one"
        )
    return profile.im2city


def naming_of(profile: Profile) -> list[str]:
    """The datasets whose metadata name the cities."""
    return [name for name in datasets_of(profile) if profile.dataset(name).source.kind in NAMES_CITIES]


PHOTOS = (  # what `photos_of` reads
    Upstream("photos", lambda profile, _: shards_of(profile), lambda profile: only(shards_of(profile))),
    Upstream("metadata", lambda profile, _: naming_of(profile), lambda profile: only(naming_of(profile))),
)


def _backbone(partition: Partition) -> str:
    return gem_of(experiment(str(partition))).backbone


def _of_encoder(profile: Profile, partition: Partition) -> list[str]:
    return shards_of(profile) if _backbone(partition) == ENCODER else []


def _of_others(profile: Profile, partition: Partition) -> list[str]:
    name = _backbone(partition)
    return [] if name == ENCODER else [f"{name}|{shard}" for shard in shards_of(profile)]


def of_backbone() -> tuple[Upstream, ...]:
    """What `image_features` reads: of the experiment's backbone, for every photo that GEM looks at."""
    return (
        Upstream("image_features", _of_encoder, lambda profile: only(shards_of(profile))),
        Upstream("backbone_features", _of_others, lambda _: dg.AllPartitionMapping()),
    )


def photos_of(task: Task, name: str, cities: pl.DataFrame) -> Photos:
    """The photos of a dataset, in the order of their features, and what they show of `cities` (CITY_SCHEMA)."""
    from g3lib.im2city.labels import named_labels, photo_labels

    dataset, records = task.profile.dataset(name), task.inputs["photos"]
    table = pl.concat(
        [
            pl.read_parquet(task.commit_of(record), columns=WANTED)
            for record in records
            if record.partition in dataset.partitions
        ]
    )
    if name in naming_of(task.profile):
        return Photos(name, table, named_labels(_published(task, name, table), cities))
    return Photos(name, table, photo_labels(table, cities, settings_of(task.profile).radius_km))


def _published(task: Task, name: str, photos: pl.DataFrame) -> list[str | None]:
    """The city that the dataset's metadata name for each photo."""
    (record,) = (each for each in task.inputs["metadata"] if each.partition == name)
    named = pl.read_parquet(task.commit_of(record), columns=["photo_id", "city"]).unique("photo_id")
    return photos.join(named, on="photo_id", how="left", maintain_order="left")["city"].to_list()


def stamp_of(task: Task) -> "Stamp":
    """What all those features are marked with; FeaturesMismatch if they are of several encoders."""
    from g3lib.features.shards import same_stamp

    return same_stamp(image_folders(task))


def image_folders(task: Task) -> list[Path]:
    """Where those features lie, a folder for each shard."""
    records = [*task.inputs["image_features"], *task.inputs["backbone_features"]]
    return [task.home.root / record.path for record in records]


def image_features(task: Task, name: str, rows: "NDArray[np.int64]") -> "NDArray[np.float16]":
    """(n, d) features of those rows of a dataset's photos; FeaturesMismatch if they are of several encoders."""
    from g3lib.features.shards import FeatureShards

    wanted = set(task.profile.dataset(name).partitions)
    records: list[Record] = [
        record
        for asset in ("image_features", "backbone_features")
        for record in task.inputs[asset]
        if str(record.partition).rpartition("|")[2] in wanted
    ]
    return FeatureShards([task.home.root / record.path for record in records]).rows(rows)


def held_out(photos: Photos, settings: Im2CitySettings) -> "NDArray[np.bool_]":
    """Which photos of a training dataset are held out, (n,): whole cells of the Earth; none without a position."""
    placed = photos.table.select(pl.all_horizontal(pl.col("lat", "lon").is_not_null())).to_series().to_numpy()
    drawn = placed.copy()
    known = photos.table.filter(placed)
    cells = cell_numbers(known["lat"], known["lon"], settings.validation_km)
    drawn[placed] = drawn_cells(cells, settings.validation_share, VALIDATION_SEED)
    return drawn


def cities_of(task: Task) -> pl.DataFrame:
    """The label set's cities (CITY_SCHEMA), in the order of their rows."""
    return task.table("city_labels").select(CITY_SCHEMA.names())
