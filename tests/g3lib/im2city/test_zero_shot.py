"""Ensembles and accuracies of templates are those of float64 loops; bad input has a name."""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from g3lib.features.backbone import load_backbone
from g3lib.features.encoder import Encoder
from g3lib.features.extraction import image_features, text_features
from g3lib.features.shards import FeaturesMismatch
from g3lib.im2city import ranking
from g3lib.im2city.prompts import prompt_texts, recorded, streetclip_countries
from g3lib.im2city.zero_shot import (
    ensemble,
    measured_weights,
    recorded_weights,
    template_accuracies,
    uniform_weights,
    zero_shot_model,
)

Floats = NDArray[np.floating]


def drawn(
    t: int = 3, k: int = 7, d: int = 5, n: int = 40, seed: int = 0
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Photos near their label's text, and truths of which some are none."""
    numbers = np.random.default_rng(seed)
    texts = numbers.normal(size=(t, k, d)) * numbers.uniform(0.5, 9, (t, 1, 1))
    truth = numbers.integers(-1, k, n)
    photos = texts[0][np.maximum(truth, 0)] + numbers.normal(size=(n, d))
    return photos.astype(np.float16), texts.astype(np.float16), truth


def test_an_ensemble_is_the_normalised_sum_of_what_is_not_normalised() -> None:
    """A long template counts for more, as in the authors' script: (3, 0) and (0, 1) at equal weights."""
    texts = np.array([[[3.0, 0.0]], [[0.0, 1.0]]], np.float16)
    found = ensemble(texts, [0.5, 0.5])
    assert found.dtype == np.float32 and found.shape == (1, 2)
    assert np.allclose(found, np.array([[3.0, 1.0]]) / math.sqrt(10))


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_an_ensemble_against_a_loop(seed: int, t: int) -> None:
    _, texts, _ = drawn(t=t, seed=seed)
    weights = np.random.default_rng(seed).uniform(0, 1, t) + 1e-3
    found = ensemble(texts, weights)
    for row in range(texts.shape[1]):
        total = sum(float(w) * one[row].astype(np.float64) for w, one in zip(weights, texts, strict=True))
        assert np.allclose(found[row], total / math.sqrt(float(np.sum(np.square(total)))), atol=1e-6)
    assert np.allclose(ensemble(texts, weights * 7), found, atol=1e-6)  # only ratios count


def test_a_sum_without_direction_and_weights_that_are_none() -> None:
    opposite = np.array([[[1.0, 2.0], [0.5, 0.5]], [[1.0, 1.0], [-0.5, -0.5]]], np.float16)
    with pytest.raises(ValueError, match=r"label 1 sum to length 0.*compute the text features again"):
        ensemble(opposite, [1, 1])
    with pytest.raises(ValueError, match="label 0 sum to length nan"):
        ensemble(np.full((1, 1, 2), np.nan, np.float16), [1])
    for weights in ([1.0, -1.0], [0.0, 0.0], [1.0, math.nan]):
        with pytest.raises(ValueError, match="one at least is above 0"):
            ensemble(opposite, weights)
    with pytest.raises(ValueError, match=r"\(2, 2, 2\) and weights \(3,\)"):
        ensemble(opposite, [1, 1, 1])


def test_measured_weights_are_the_ones_that_the_script_records() -> None:
    """Only differences count, so the unknown best accuracy may be anything."""
    names = ("in", "from", "at")
    for best in (20.0, 71.35):
        found = measured_weights([best, best - 0.71, best - 1.46])
        assert np.allclose(found, recorded_weights("recorded", names), atol=2e-6)
    assert np.allclose(measured_weights([0.0, 0.0]), [0.5, 0.5])
    assert measured_weights([100.0, 0.0])[1] == pytest.approx(math.exp(-100))
    for wrong in ([101.0], [-1.0], [math.nan], []):
        with pytest.raises(ValueError, match="no percentages"):
            measured_weights(wrong)


def test_recorded_weights_go_with_their_templates() -> None:
    assert recorded_weights("recorded", ("at", "in", "from")).tolist() == [0.13471716, 0.58008662, 0.28519622]
    everything = tuple(recorded("recorded-all").weights)
    assert recorded_weights("recorded-all", everything).sum() == pytest.approx(1.0)
    assert (
        len(recorded_weights("recorded-all", ("in", "from", "at", "label", "city-of"))) == 5
    )  # `to` has none
    for templates in (("in", "from"), ("in", "from", "at", "to"), ("in", "in", "from", "at")):
        with pytest.raises(ValueError, match="'recorded' were recorded for in, from, at, not for"):
            recorded_weights("recorded", templates)
    with pytest.raises(KeyError, match="there are: recorded, recorded-all"):
        recorded_weights("printed", ("in",))
    assert uniform_weights(("in", "at")).tolist() == [0.5, 0.5]


def in_float64(photos: Floats, texts: Floats, truth: NDArray[np.int64], top: int) -> list[int]:
    """Correct answers of each template by sorting cosines."""
    counts = []
    for rows in texts.astype(np.float64):
        correct = 0
        for photo, label in zip(photos.astype(np.float64), truth, strict=True):
            cosines = rows @ photo / (np.linalg.norm(rows, axis=1) * np.linalg.norm(photo))
            correct += int(label >= 0 and label in np.argsort(-cosines, kind="stable")[:top])
        counts.append(correct)
    return counts


@given(st.integers(0, 10_000))
def test_accuracies_against_float64(seed: int) -> None:
    photos, texts, truth = drawn(seed=seed)
    found = template_accuracies(photos, texts, truth, ["a", "b", "c"], top=(1, 2, 5))
    assert found.columns == ["template", "n", "correct_1", "correct_2", "correct_5"]
    assert found["template"].to_list() == ["a", "b", "c"]
    assert found["n"].to_list() == [int((truth >= 0).sum())] * 3
    for top in (1, 2, 5):
        assert found[f"correct_{top}"].to_list() == in_float64(photos, texts, truth, top)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    photos, texts, truth = drawn(n=100)
    whole = template_accuracies(photos, texts, truth, ["a", "b", "c"])
    monkeypatch.setattr(ranking, "ROWS", 7)
    assert template_accuracies(photos, texts, truth, ["a", "b", "c"]).equals(whole)
    assert template_accuracies(photos.astype(np.float32), texts, truth, ["a", "b", "c"]).equals(whole)


def test_equal_labels_come_in_their_order() -> None:
    """Six labels of one text: a truth among the first five is found, the sixth is not."""
    texts = np.ones((1, 6, 4), np.float16)
    photos = np.ones((6, 4), np.float16)
    found = template_accuracies(photos, texts, np.arange(6), ["in"])
    assert found.row(0, named=True) == {"template": "in", "n": 6, "correct_1": 1, "correct_5": 5}


def test_the_model_ranks_as_the_accuracies_count() -> None:
    photos, texts, truth = drawn(n=200)
    weights = [0.5, 0.3, 0.2]
    model = zero_shot_model(texts, weights)
    assert model.normalised and model.scale == 100 and not model.bias.any()
    everything = np.concatenate([texts.astype(np.float32), ensemble(texts, weights)[None]])
    found = template_accuracies(photos, everything, truth, ["a", "b", "c", "all"])
    correct = (model.logits(photos).argmax(axis=1) == truth)[truth >= 0].sum()
    assert found["correct_1"][3] == correct
    cosine = photos[0].astype(np.float64) @ model.weights[2] / np.linalg.norm(photos[0].astype(np.float64))
    assert model.logits(photos)[0, 2] == pytest.approx(100 * cosine, abs=1e-3)


def test_no_photo_has_a_label() -> None:
    photos, texts, _ = drawn(n=4)
    for some in (photos, photos[:0]):
        found = template_accuracies(some, texts, np.full(len(some), -1), ["a", "b", "c"])
        assert found.select("n", "correct_1", "correct_5").unique().rows() == [(0, 0, 0)]


def test_bad_input_has_a_name() -> None:
    photos, texts, truth = drawn()
    names = ["a", "b", "c"]
    with pytest.raises(FeaturesMismatch, match=r"\(40, 4\), text features \(3, 7, 5\).* of another encoder"):
        template_accuracies(photos[:, :4], texts, truth, names)
    with pytest.raises(FeaturesMismatch, match=r"\(n, d\) and \(t, k, d\)"):
        template_accuracies(photos, texts[0], truth, names)
    with pytest.raises(ValueError, match="truths from -1 to 7 for 7 labels"):
        template_accuracies(photos, texts, np.append(truth[:-1], 7), names)
    with pytest.raises(ValueError, match="truths from -2 to"):
        template_accuracies(photos, texts, np.append(truth[:-1], -2), names)
    with pytest.raises(ValueError, match=r"40 photos with truths \(39,\), 3 templates with 3 names"):
        template_accuracies(photos, texts, truth[:-1], names)
    with pytest.raises(ValueError, match="3 templates with 1 names"):
        template_accuracies(photos, texts, truth, ["in"])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_photos_that_are_not_finite_are_never_right(value: float) -> None:
    photos, texts, truth = drawn()
    row = int(np.flatnonzero(truth >= 0)[3])
    photos[row, 1] = value
    with pytest.raises(ValueError, match=f"the features of photo {row} are not finite"):
        template_accuracies(photos, texts, truth, ["a", "b", "c"])


def test_from_photos_and_prompts_to_accuracies() -> None:
    """An open_clip model (untrained) end to end: text features once, every template and ensemble from them."""
    encoder = load_backbone("blue-marble", "random")
    assert isinstance(encoder, Encoder)
    labels = streetclip_countries().head(9)
    names = tuple(recorded("recorded").weights)
    texts = [prompt_texts(labels, "countries", name) for name in names]
    flat = text_features([text for each in texts for text in each], encoder, 8)
    stacked = flat.reshape(len(names), labels.height, encoder.dimension)
    again = text_features(texts[1], encoder, 4)
    assert np.allclose(stacked[1].astype(np.float32), again.astype(np.float32), atol=2e-2)
    numbers, photos = np.random.default_rng(0), []
    for _ in range(12):
        buffer = io.BytesIO()
        Image.fromarray(numbers.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(buffer, "PNG")
        photos.append(buffer.getvalue())
    features = image_features(photos, encoder, 5)
    model = zero_shot_model(stacked, recorded_weights("recorded", names))
    truth = model.logits(features).argmax(axis=1)
    combined = np.concatenate([stacked.astype(np.float32), model.weights[None]])
    found = template_accuracies(features, combined, truth, [*names, "recorded"])
    assert found["correct_1"][3] == 12 and (found["correct_5"] >= found["correct_1"]).all()
    assert np.allclose(model.probabilities(features).sum(axis=1), 1, atol=1e-5)
