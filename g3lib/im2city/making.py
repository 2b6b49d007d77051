"""From an experiment of GEM's and training photos to its model, measured and calibrated. Files do not belong here."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.gem import Gem
from g3lib.im2city.certainty import conformal_threshold, fit_temperature
from g3lib.im2city.model import CityModel
from g3lib.im2city.probing import choose_c, draw_shots, fit_probe, soft_targets
from g3lib.im2city.training_set import TrainingSet
from g3lib.im2city.zero_shot import (
    measured_weights,
    recorded_weights,
    template_accuracies,
    uniform_weights,
    zero_shot_model,
)

Report = Callable[[str], None]
CHOICES = pl.Schema(
    {
        "c": pl.Float64,
        "accuracy": pl.Float64,
        "iterations": pl.Int64,
        "seconds": pl.Float64,
        "chosen": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Made:
    """A model, what there is to say of it (columns of results.city_model), and every C that was tried."""

    model: CityModel
    facts: dict[str, Any]
    choices: pl.DataFrame = field(default_factory=CHOICES.to_frame)


def made_zero_shot(gem: Gem, text: NDArray[np.floating], training: TrainingSet) -> Made:
    """The ensemble of the experiment's templates; text (t, k, d): their features for every label.

    `measured` weights are a softmax of single-template accuracies on the photos that a probe would train on.
    """
    if gem.weights == "measured":
        counted = template_accuracies(training.features, text, training.labels, gem.templates, top=(1,))
        share = counted["correct_1"] / counted["n"].clip(lower_bound=1)
        weights = measured_weights(100 * share.to_numpy())
    elif gem.weights == "uniform":
        weights = uniform_weights(gem.templates)
    else:
        weights = recorded_weights(gem.weights, gem.templates)
    model = zero_shot_model(text, weights)
    facts = {"templates": " ".join(gem.templates), "ensemble": gem.weights, "weights": weights.tolist()}
    return Made(model, facts | {"trained_on": len(training.labels)})


def made_probe(
    gem: Gem, labels: pl.DataFrame, training: TrainingSet, device: str, report: Report = lambda _: None
) -> Made:
    """Logistic regression on the experiment's shots, with its C or the best on held-out photos.

    Raises EmptyClass or NotEnoughShots, naming the label, where it has too few photos.
    """
    names, started = labels["label"].to_list(), perf_counter()
    features, targets = training.features, training.labels
    if gem.shots is not None:
        drawn = draw_shots(targets, len(names), gem.shots, gem.seed, names)
        features, targets = features[drawn], targets[drawn]
    soft = None if gem.soft_km is None else soft_targets(labels["lat"], labels["lon"], gem.soft_km)
    choices = CHOICES.to_frame()
    if gem.c is not None:
        fitted = fit_probe(
            features, targets, len(names), gem.c, soft=soft, device=device, report=report, names=names
        )
    else:
        held_out = (training.held_out_features, training.held_out_labels)
        tried = choose_c(
            features, targets, len(names), *held_out, soft=soft, device=device, report=report, names=names
        )
        rows = [[getattr(each, name) for name in CHOICES] for each in tried]
        choices = pl.DataFrame(rows, CHOICES, orient="row")
        fitted = next(each.probe for each in tried if each.chosen)
    facts = {
        "shots": gem.shots,
        "c": fitted.c,
        "c_chosen": gem.c is None,
        "soft_km": gem.soft_km,
        "trained_on": len(targets),
        "iterations": fitted.iterations,
        "converged": fitted.converged,
        "loss": fitted.loss,
        "fit_seconds": perf_counter() - started,
    }
    return Made(fitted.model(), facts, choices)


def calibrated(made: Made, training: TrainingSet, coverage: float) -> tuple[Made, float]:
    """The same model as sure as held-out photos show it to be, and the threshold of its prediction sets.

    Without such photos nothing is learned: temperature 1, and every label in the set.
    """
    features, labels = training.held_out_features, training.held_out_labels
    model = made.model
    if len(labels):
        model = replace(model, temperature=fit_temperature(model.logits(features), labels).value)
    probabilities = model.probabilities(features)
    threshold = conformal_threshold(probabilities, labels, coverage)
    facts = {
        "held_out": len(labels),
        "training_accuracy": _accuracy(model, training.features, training.labels),
        "held_out_accuracy": _accuracy(model, features, labels),
        "temperature": model.temperature,
        "set_threshold": threshold,
        "coverage": coverage,
    }
    return replace(made, model=model, facts=made.facts | facts), threshold


def _accuracy(model: CityModel, features: NDArray[np.floating], labels: NDArray[np.int64]) -> float | None:
    """Top-1, a fraction; None of no photos."""
    return float((model.logits(features).argmax(axis=1) == labels).mean()) if len(labels) else None
