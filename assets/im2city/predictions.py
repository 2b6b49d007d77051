"""City predictions: what each experiment of GEM's answers for every test photo, and how well and surely it does."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assets.common import same_partition, whole
from assets.im2city.models import load
from assets.im2city.partitions import gems, gems_of, sources_of, training_datasets_of
from assets.im2city.photos import (
    PHOTOS,
    cities_of,
    held_out,
    image_features,
    of_backbone,
    photos_of,
    settings_of,
    stamp_of,
)
from assets.pictures import picture, table
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.store.artifacts import file_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.im2city.predicting import TestPhotos


def _build(task: Task) -> Outcome:
    from g3lib.im2city.answering import answered
    from g3lib.im2city.labels import label_set

    name, settings = str(task.key.partition), settings_of(task.profile)
    cities, trained = label_set(cities_of(task), "cities"), load(task, name, stamp_of(task))
    tests = _test_sets(task)
    found = [
        answered(name, trained, test, features, cities, settings.coverage, settings.permutations)
        for test, features in tests
    ]
    told = {each.name: pl.concat([getattr(one, each.name) for one in found]) for each in fields(found[0])}
    predictions = told.pop("predictions")
    return Outcome(
        predictions.height,
        predictions,
        files=_files(task, name, told),
        metadata=_shown(task, told),
    )


def _test_sets(task: Task) -> "list[tuple[TestPhotos, NDArray[np.float16]]]":
    """Every benchmark, and what was held out of each training dataset, with their features."""
    from g3lib.im2city.predicting import TestPhotos

    cities, found = cities_of(task), []
    for name in task.profile.benchmarks:
        photos = photos_of(task, name, cities)
        test = TestPhotos(name, photos.table, photos.cities)
        found.append((test, image_features(task, name, np.arange(photos.table.height))))
    for name in training_datasets_of(task.profile):
        photos = photos_of(task, name, cities)
        kept = np.flatnonzero(held_out(photos, settings_of(task.profile)) & (photos.cities >= 0))
        test = TestPhotos(f"{name} (held out)", photos.table[kept], photos.cities[kept])
        found.append((test, image_features(task, name, kept)))
    return found


def _files(task: Task, name: str, tables: Mapping[str, pl.DataFrame]) -> dict[str, Path]:
    """Tables that lie beside the predictions, in folders of their names."""
    files = {}
    for beside, frame in tables.items():
        scratch = task.scratch / f"{beside}.parquet"
        frame.write_parquet(scratch, compression="zstd")
        files[f"tables/city_predictions/{beside}/{file_name(name)}.parquet"] = scratch
    return files


def _shown(task: Task, told: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Pictures of the first test set, and tables of all."""
    from g3lib.im2city.drawing import reliability_png, wrong_distances_png

    bins, misses = task.scratch / "reliability.png", task.scratch / "misses.png"
    shown: dict[str, Any] = {
        "prediction sets": table(told["sets"].drop("experiment").with_columns(pl.selectors.float().round(3))),
        "wrong answers": table(
            told["wrong_answers"].drop("experiment").with_columns(pl.selectors.float().round(3))
        ),
    }
    first = told["reliability"].filter(pl.col("test_set") == pl.col("test_set").first())
    if first.height:
        reliability_png(
            {
                when: first.filter(calibrated=calibrated).rename({"ci_low": "low", "ci_high": "high"})
                for calibrated, when in ((False, "as it is"), (True, "calibrated"))
            },
            bins,
            first["test_set"][0],
        )
        shown["reliability"] = picture(bins, "how often answers of each probability are right")
        far = told["wrong_distances"].filter(pl.col("test_set") == first["test_set"][0])
        if far["share"].null_count() < far.height:
            wrong_distances_png(far, misses, first["test_set"][0])
            shown["how far wrong answers lie"] = picture(misses, "distances of wrong answers beside chance")
    return shown


def _config(profile: Profile, _: Partition) -> Config:
    wanted = {"radius_km", "validation_share", "validation_km", "coverage", "permutations"}
    config: Config = settings_of(profile).model_dump(mode="json", include=wanted)
    return config | {"training": sources_of(profile)}


def _one_per_photo(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    distinct = outcome.table.select("test_set", "photo_id").unique().height
    return distinct == outcome.rows, {"predictions": outcome.rows, "photos": distinct}


def _build_accuracy(task: Task) -> Outcome:
    from g3lib.results.cities import city_accuracy_table

    found = city_accuracy_table(task.table("city_predictions"), task.profile.bootstrap_resamples, seed=0)
    shown = found.drop("experiment").with_columns((pl.selectors.float() * 100).round(1))
    return Outcome(found.height, found, metadata={"accuracy, %": table(shown)})


def _resampling(profile: Profile, _: Partition) -> Config:
    return profile.plain("bootstrap_resamples")


STEPS = (
    Step(
        name="city_predictions",
        group="im2city",
        description="The city or country that GEM names for each test photo, how sure it is, and how far it is wrong.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(same_partition("city_models"), whole("city_labels"), *PHOTOS, *of_backbone()),
        partitions=gems,
        keys=gems_of,
        rules=(Rule("one_prediction_per_photo", "every photo of a test set has one row", _one_per_photo),),
    ),
    Step(
        name="city_accuracy",
        group="im2city",
        description="Top-1 and top-5 accuracy of cities and countries, with intervals and chance.",
        code_version="1",
        build=_build_accuracy,
        config=_resampling,
        upstream=(same_partition("city_predictions"),),
        partitions=gems,
        keys=gems_of,
    ),
)
