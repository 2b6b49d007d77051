"""City models: each experiment of GEM's as one linear map from image features to labels, fitted and calibrated."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

from assets.common import whole
from assets.im2city.features import PROMPTS, STREETCLIP_CITIES, STREETCLIP_COUNTRIES
from assets.im2city.partitions import gem_of, gems, gems_of
from assets.im2city.photos import (
    PHOTOS,
    cities_of,
    held_out,
    image_features,
    image_folders,
    of_backbone,
    photos_of,
    settings_of,
    stamp_of,
)
from assets.pictures import table
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import Profile, experiment
from g3lib.experiments.gem import Gem
from g3lib.store.artifacts import file_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.features.shards import Stamp
    from g3lib.im2city.making import Made
    from g3lib.im2city.model import CityModel
    from g3lib.im2city.saving import Trained
    from g3lib.im2city.training_set import TrainingSet

WEIGHTS, LABELS = "models/city_models", "tables/city_models/labels"  # folders, with a file per experiment
CARD = pl.Schema(
    {
        **dict.fromkeys(
            ("experiment", "method", "variant", "kind", "label_set", "backbone", "architecture"), pl.String()
        ),
        **dict.fromkeys(("templates", "ensemble"), pl.String()),
        "weights": pl.List(pl.Float64()),
        **dict.fromkeys(("training", "dataset"), pl.String()),
        "shots": pl.Int32(),
        "c": pl.Float64(),
        "c_chosen": pl.Boolean(),
        "soft_km": pl.Float64(),
        **dict.fromkeys(("labels", "trained_on", "held_out"), pl.Int64()),
        **dict.fromkeys(("training_accuracy", "held_out_accuracy"), pl.Float64()),
        "iterations": pl.Int64(),
        "converged": pl.Boolean(),
        **dict.fromkeys(("loss", "fit_seconds", "temperature", "set_threshold", "coverage"), pl.Float64()),
    }
)


def _build(task: Task) -> Outcome:
    name = str(task.key.partition)
    found = experiment(name)
    gem = gem_of(found)
    trained, made = _two_stage(task) if gem.kind == "two-stage" else _one_stage(task, gem)
    about = {
        **{"experiment": name, "method": found.method, "variant": found.variant, "kind": gem.kind},
        **{"label_set": gem.labels, "backbone": gem.backbone, "architecture": trained.stamp.encoder},
        **{"training": gem.training, "dataset": settings_of(task.profile).training[gem.training]},
        "labels": trained.labels.height,
    }
    card = dict.fromkeys(CARD) | about | made.facts
    with task.tracking.run(
        "im2city", task.key, task.run_id, task.tracking.parent("im2city", "models")
    ) as run:
        run.parameters({"gem": asdict(gem)})
        run.metrics({key: float(value) for key, value in card.items() if isinstance(value, float)})
    return Outcome(
        1,
        pl.DataFrame([card], schema=CARD),
        files=_files(task, name, trained, made),
        mlflow_run_id=run.run_id,
        metadata={
            "card": table(pl.DataFrame({"of the model": list(card), "": [*map(str, card.values())]})),
            "C tried": table(made.choices),
            "MLflow run": task.tracking.url("im2city", run.run_id),
        },
    )


def _one_stage(task: Task, gem: Gem) -> "tuple[Trained, Made]":
    """A zero-shot ensemble or a probe, calibrated on held-out photos of its source."""
    from g3lib.im2city.labels import label_set
    from g3lib.im2city.making import calibrated, made_probe, made_zero_shot
    from g3lib.im2city.saving import Trained

    labels = label_set(cities_of(task), gem.labels)
    training = _training(task, gem, labels)
    if gem.kind == "zero-shot":
        text = np.stack([_text(task, gem.labels, template) for template in gem.templates])
        made = made_zero_shot(gem, text, training)
    else:
        made = made_probe(gem, labels, training, task.profile.device, task.report)
    made, threshold = calibrated(made, training, settings_of(task.profile).coverage)
    return Trained(made.model, labels, stamp_of(task), threshold), made


def _two_stage(task: Task) -> "tuple[Trained, Made]":
    """StreetCLIP's two stages, as they are: nothing is measured or calibrated, the sets hold every country."""
    from g3lib.im2city.making import Made
    from g3lib.im2city.prompts import populous_cities, streetclip_countries
    from g3lib.im2city.saving import Trained
    from g3lib.im2city.two_stage import two_stage_model

    countries = streetclip_countries()
    text = (_text(task, kind) for kind in (STREETCLIP_COUNTRIES, STREETCLIP_CITIES))
    model = two_stage_model(countries, populous_cities(countries), *text)
    facts = {"templates": "streetclip-country streetclip-city", "temperature": 1.0, "set_threshold": 0.0}
    return Trained(model, countries, stamp_of(task), 0.0), Made(model.countries, facts)


def _training(task: Task, gem: Gem, labels: pl.DataFrame) -> "TrainingSet":
    """The photos of the experiment's source, by label."""
    from g3lib.im2city.labels import NONE, rows_among
    from g3lib.im2city.training_set import training_set

    settings, cities = settings_of(task.profile), cities_of(task)
    photos = photos_of(task, settings.training[gem.training], cities)
    rows = rows_among(photos.cities, cities, labels)
    known = np.flatnonzero(rows != NONE)  # of millions, those in the cities
    features = image_features(task, photos.name, known)
    return training_set(features, rows[known], held_out(photos, settings)[known])


def _text(task: Task, kind: str, template: str | None = None) -> "NDArray[np.float16]":
    """(k, d) features of the prompts of a label set, in the order of its labels.

    FeaturesMismatch if they are not of the encoder that saw the photos: its width alone would not tell.
    """
    from g3lib.features.shards import load_features, same_stamp

    folder = task.folder("label_features")
    same_stamp([folder, *image_folders(task)])
    prompts = pl.read_parquet(folder / PROMPTS).with_row_index("row").filter(label_set=kind)
    prompts = prompts if template is None else prompts.filter(template=template)
    features: NDArray[np.float16] = load_features(folder)[prompts.sort("place")["row"].to_numpy()]
    return features


def _files(task: Task, name: str, trained: "Trained", made: "Made") -> Mapping[str, Path]:
    """What lies beside the card: the weights, their labels, and every C that was tried."""
    from g3lib.im2city.saving import save_model

    stem = file_name(name)
    scratch = {
        each: task.scratch / each for each in ("weights.safetensors", "labels.parquet", "choices.parquet")
    }
    save_model(trained, scratch["weights.safetensors"], scratch["labels.parquet"])
    choices = made.choices.with_columns(experiment=pl.lit(name))
    choices.write_parquet(scratch["choices.parquet"], compression="zstd")
    return {
        f"{WEIGHTS}/{stem}.safetensors": scratch["weights.safetensors"],
        f"{LABELS}/{stem}.parquet": scratch["labels.parquet"],
        f"tables/city_models/choices/{stem}.parquet": scratch["choices.parquet"],
    }


def load(task: Task, name: str, stamp: "Stamp") -> "Trained":
    """The model of an experiment, for features of that stamp."""
    from g3lib.im2city.saving import load_model

    stem = file_name(name)
    weights, labels = f"{WEIGHTS}/{stem}.safetensors", f"{LABELS}/{stem}.parquet"
    return load_model(task.home.root / weights, task.home.root / labels, stamp)


def model_of(task: Task, name: str) -> "CityModel":
    """The (first) linear map of any experiment's model, whatever features it takes."""
    from g3lib.im2city.saving import load_weights

    return load_weights(task.home.root / f"{WEIGHTS}/{file_name(name)}.safetensors")


def _config(profile: Profile, partition: Partition) -> Config:
    gem, settings = gem_of(experiment(str(partition))), settings_of(profile)
    wanted = {"radius_km", "validation_share", "validation_km", "coverage"}
    config: Config = settings.model_dump(mode="json", include=wanted)
    found = experiment(str(partition))
    return config | {"gem": asdict(gem), "method": found.method, "variant": found.variant}


def _text_tower(_: Profile, partition: Partition) -> list[Partition]:
    gem = gem_of(experiment(str(partition)))
    return [] if gem.kind == "probe" else [gem.backbone]


def _converged(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    card = outcome.table.row(0, named=True)
    return card["converged"] is not False, {
        "iterations": card["iterations"] or 0,
        "loss": card["loss"] or 0.0,
    }


STEP = Step(
    name="city_models",
    group="im2city",
    description="Zero-shot ensembles and linear probes, made of training photos and calibrated on held-out ones.",
    code_version="1",
    build=_build,
    config=_config,
    upstream=(
        whole("city_labels"),
        *PHOTOS,
        *of_backbone(),
        Upstream("label_features", _text_tower, lambda _: dg.AllPartitionMapping()),
    ),
    partitions=gems,
    keys=gems_of,
    rules=(Rule("probe_converged", "a probe's solver met its criterion", _converged),),
    kinds=frozenset({"pytorch", "mlflow", "parquet"}),
    pool="gpu",
)
