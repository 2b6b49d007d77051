"""Models on disk: safetensors with what the features must be, and how sure the model is; labels lie beside."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from g3lib.features.shards import FeaturesMismatch, Stamp
from g3lib.im2city.model import CityModel
from g3lib.im2city.two_stage import TwoStage
from g3lib.store.files import replacing

Arrays = dict[str, NDArray[Any]]
_BEFORE = "country_"  # of the names of a two-stage model's first stage


@dataclass(frozen=True)
class Trained:
    """A model as it answers: labels (schema LABELS) are its rows', of a two-stage model its countries'.

    threshold: labels of at least this probability are in the prediction set.
    """

    model: CityModel | TwoStage
    labels: pl.DataFrame
    stamp: Stamp
    threshold: float

    @property
    def first(self) -> CityModel:
        """The model itself; of two stages, the one of countries."""
        return self.model.countries if isinstance(self.model, TwoStage) else self.model


def save_model(trained: Trained, weights: Path, labels: Path) -> None:
    """Write both files, each whole or not at all."""
    model = trained.model
    stages: tuple[pl.DataFrame, ...]
    if isinstance(model, TwoStage):
        arrays = _arrays(model.countries, _BEFORE) | _arrays(model.cities, "")
        arrays["country_of"] = model.country_of
        told = {"first": _told(model.countries), "second": _told(model.cities)}
        stages = (model.country_labels, model.city_labels)
    else:
        arrays, told = _arrays(model, ""), {"first": _told(model)}
        stages = (trained.labels,)
    about = {"stamp": asdict(trained.stamp), "threshold": trained.threshold, **told}
    with replacing(weights) as scratch:
        save_file(arrays, scratch, metadata={"about": json.dumps(about)})
    with replacing(labels) as scratch:
        pl.concat(
            [table.with_columns(stage=pl.lit(stage)) for stage, table in enumerate(stages)]
        ).write_parquet(scratch, compression="zstd")


def load_model(weights: Path, labels: Path, stamp: Stamp) -> Trained:
    """What `save_model` wrote, for features of that stamp; FeaturesMismatch if the model takes others."""
    about, arrays = _read(weights)
    wanted = Stamp(**about["stamp"])
    if wanted != stamp:
        raise FeaturesMismatch(
            f"{weights.name} takes features of {wanted.encoder} (weights {wanted.weights[:12]}), these are of "
            f"{stamp.encoder} (weights {stamp.weights[:12]}); compute features, or fit the model, with one backbone"
        )
    table = pl.read_parquet(labels)
    first, second = (table.filter(stage=stage).drop("stage") for stage in (0, 1))
    if not second.height:
        return Trained(_model(arrays, "", about["first"]), first, stamp, about["threshold"])
    stages = (_model(arrays, _BEFORE, about["first"]), _model(arrays, "", about["second"]))
    model = TwoStage(*stages, first, second, arrays["country_of"])
    return Trained(model, first, stamp, about["threshold"])


def load_weights(weights: Path) -> CityModel:
    """The linear map of a model of one stage, for who wants its rows and predicts nothing."""
    about, arrays = _read(weights)
    return _model(arrays, "", about["first"])


def _read(weights: Path) -> tuple[dict[str, Any], Arrays]:
    with safe_open(weights, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        return json.loads(file.metadata()["about"]), arrays


def _arrays(model: CityModel, before: str) -> Arrays:
    # contiguous: safetensors writes the bytes of a transposed array in the order in which they lie
    arrays = {f"{before}weights": model.weights, f"{before}bias": model.bias}
    return {name: np.ascontiguousarray(each) for name, each in arrays.items()}


def _told(model: CityModel) -> dict[str, float | bool]:
    return {"normalised": model.normalised, "scale": model.scale, "temperature": model.temperature}


def _model(arrays: Arrays, before: str, told: dict[str, float | bool]) -> CityModel:
    return CityModel(
        arrays[f"{before}weights"],
        arrays[f"{before}bias"],
        bool(told["normalised"]),
        float(told["scale"]),
        float(told["temperature"]),
    )
