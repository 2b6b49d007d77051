"""From an experiment and photos to a model, its calibration, and back from disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from small_world import CITIES, STAMP, drawn_features

from g3lib.experiments import experiment
from g3lib.experiments.gem import Gem
from g3lib.features.shards import FeaturesMismatch
from g3lib.im2city.labels import NONE, label_set
from g3lib.im2city.making import calibrated, made_probe, made_zero_shot
from g3lib.im2city.probing import EmptyClass, NotEnoughShots
from g3lib.im2city.saving import Trained, load_model, load_weights, save_model
from g3lib.im2city.training_set import TrainingSet, training_set
from g3lib.im2city.two_stage import TwoStage, two_stage_model
from g3lib.im2city.zero_shot import measured_weights, template_accuracies

LABELS = label_set(CITIES, "cities")
SHOWN = np.random.default_rng(1).integers(0, 6, 400)
TRAINING = training_set(drawn_features(SHOWN, noise=4.0), SHOWN, np.arange(400) % 4 == 0)


def gem_of(name: str) -> Gem:
    gem = experiment(name).gem
    assert gem is not None
    return gem


def text(templates: int = 3) -> np.ndarray:  # type: ignore[type-arg]
    """Text features: each label's own direction under every template, each with noise of its own."""
    rows = np.tile(np.arange(6), templates)
    return drawn_features(rows, noise=2.0, seed=5).reshape(templates, 6, 16)


def test_photos_without_a_label_teach_nothing() -> None:
    shown = np.array([0, NONE, 1, 2, NONE])
    found = training_set(
        drawn_features(np.maximum(shown, 0)), shown, np.array([False, False, True, False, True])
    )
    assert found.labels.tolist() == [0, 2] and found.held_out_labels.tolist() == [1]
    assert found.features.shape == (2, 16) and found.held_out_features.shape == (1, 16)


def test_a_probe_is_scikit_learns() -> None:
    made = made_probe(gem_of("gem-probe"), LABELS, TRAINING, "cpu")
    reference = LogisticRegression(C=0.316, max_iter=5000, tol=1e-8)
    features = TRAINING.features.astype(np.float64)
    reference.fit(features, TRAINING.labels)
    np.testing.assert_allclose(made.model.weights, reference.coef_, atol=1e-3)
    assert made.facts["trained_on"] == 300 and made.facts["converged"] and not made.facts["c_chosen"]


def test_shots_are_drawn_of_every_label() -> None:
    made = made_probe(gem_of("gem-probe-4-shot"), LABELS, TRAINING, "cpu")
    assert made.facts["trained_on"] == 4 * 6 and made.facts["shots"] == 4


def test_c_is_chosen_on_the_held_out_photos() -> None:
    made = made_probe(gem_of("gem-probe-chosen-c"), LABELS, TRAINING, "cpu")
    assert made.choices["chosen"].sum() == 1 and made.facts["c_chosen"]
    best = made.choices.filter("chosen").row(0, named=True)
    assert best["c"] == made.facts["c"] and best["accuracy"] == made.choices["accuracy"].max()
    features, labels = TRAINING.held_out_features, TRAINING.held_out_labels
    assert (made.model.logits(features).argmax(axis=1) == labels).mean() == pytest.approx(best["accuracy"])


def test_distance_aware_targets_put_neighbours_before_strangers() -> None:
    soft = made_probe(replace(gem_of("gem-probe-soft"), soft_km=300.0), LABELS, TRAINING, "cpu").model
    hard = made_probe(gem_of("gem-probe"), LABELS, TRAINING, "cpu").model
    tokyo, kyoto = 3, 4
    photos = TRAINING.held_out_features[TRAINING.held_out_labels == tokyo]
    assert soft.probabilities(photos)[:, kyoto].mean() > hard.probabilities(photos)[:, kyoto].mean() + 0.05


def test_a_label_without_photos_and_a_shot_too_many_are_named() -> None:
    without = TRAINING.labels != 5
    fewer = replace(TRAINING, features=TRAINING.features[without], labels=TRAINING.labels[without])
    with pytest.raises(EmptyClass, match="Sydney"):
        made_probe(gem_of("gem-probe"), LABELS, fewer, "cpu")
    one_more = int(np.bincount(TRAINING.labels).min()) + 1
    with pytest.raises(
        NotEnoughShots,
        match=f"{one_more} shots of {LABELS['label'][int(np.bincount(TRAINING.labels).argmin())]}",
    ):
        made_probe(replace(gem_of("gem-probe"), shots=one_more), LABELS, TRAINING, "cpu")


def test_measured_weights_are_of_training_photos_alone() -> None:
    gem = replace(gem_of("gem-zero-shot-measured"), templates=("in", "from", "at"))
    made = made_zero_shot(gem, text(), TRAINING)
    counted = template_accuracies(TRAINING.features, text(), TRAINING.labels, gem.templates, top=(1,))
    expected = measured_weights(100 * (counted["correct_1"] / counted["n"]).to_numpy())
    assert made.facts["weights"] == pytest.approx(expected.tolist())
    other = replace(TRAINING, held_out_features=-TRAINING.held_out_features)
    assert made_zero_shot(gem, text(), other).facts["weights"] == made.facts["weights"]


@pytest.mark.parametrize("name", ["gem-zero-shot", "gem-probe"])
def test_calibration_changes_no_answer_and_lowers_the_loss(name: str) -> None:
    gem = gem_of(name)
    made = (
        made_zero_shot(gem, text(), TRAINING) if gem.templates else made_probe(gem, LABELS, TRAINING, "cpu")
    )
    after, threshold = calibrated(made, TRAINING, 0.9)
    features, labels = TRAINING.held_out_features, TRAINING.held_out_labels
    before_, after_ = made.model.probabilities(features), after.model.probabilities(features)
    assert (before_.argmax(axis=1) == after_.argmax(axis=1)).all()
    rows = np.arange(len(labels))
    assert np.log(after_[rows, labels]).mean() >= np.log(before_[rows, labels]).mean() - 1e-6
    held = (after_ >= threshold)[rows, labels].mean()
    assert held >= 0.9
    assert after.facts["held_out_accuracy"] == (after_.argmax(axis=1) == labels).mean()


def test_without_held_out_photos_nothing_is_calibrated() -> None:
    none = TrainingSet(TRAINING.features, TRAINING.labels, TRAINING.features[:0], TRAINING.labels[:0])
    after, threshold = calibrated(made_probe(gem_of("gem-probe"), LABELS, none, "cpu"), none, 0.9)
    assert after.model.temperature == 1.0 and threshold == 0.0
    assert after.facts["held_out"] == 0 and after.facts["held_out_accuracy"] is None


# --- on disk


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    made, threshold = calibrated(made_probe(gem_of("gem-probe"), LABELS, TRAINING, "cpu"), TRAINING, 0.9)
    weights, labels = tmp_path / "weights.safetensors", tmp_path / "labels.parquet"
    save_model(Trained(made.model, LABELS, STAMP, threshold), weights, labels)
    found = load_model(weights, labels, STAMP)
    assert found.labels.equals(LABELS) and found.threshold == threshold
    expected = made.model.logits(TRAINING.features)
    assert np.array_equal(found.first.logits(TRAINING.features), expected)
    assert np.array_equal(load_weights(weights).weights, made.model.weights)


def test_two_stages_come_back_as_they_were(tmp_path: Path) -> None:
    countries = label_set(CITIES, "countries")
    cities = LABELS.sort("country_code")
    model = two_stage_model(countries, cities, drawn_features(np.arange(4)), drawn_features(np.arange(6)))
    weights, labels = tmp_path / "weights.safetensors", tmp_path / "labels.parquet"
    save_model(Trained(model, countries, STAMP, 0.0), weights, labels)
    found = load_model(weights, labels, STAMP)
    assert isinstance(found.model, TwoStage) and found.labels.equals(countries)
    one, other = (each.answers(TRAINING.features) for each in (model, found.model))
    assert np.array_equal(one.cities, other.cities) and np.array_equal(one.probabilities, other.probabilities)


def test_features_of_another_encoder_are_refused(tmp_path: Path) -> None:
    made = made_probe(gem_of("gem-probe"), LABELS, TRAINING, "cpu")
    weights, labels = tmp_path / "weights.safetensors", tmp_path / "labels.parquet"
    save_model(Trained(made.model, LABELS, STAMP, 0.0), weights, labels)
    with pytest.raises(FeaturesMismatch, match=r"takes features of small .*these are of other"):
        load_model(weights, labels, replace(STAMP, encoder="other"))
    with pytest.raises(ValueError, match="of another encoder"):
        made.model.logits(TRAINING.features[:, :8])
