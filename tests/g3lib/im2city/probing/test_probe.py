"""The probe beside scikit-learn's and scipy's in float64, on awkward features and on bad ones."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from g3lib.im2city.probing import (
    BadFeatures,
    BadTargets,
    EmptyClass,
    Probe,
    ProbeError,
    fit_probe,
    rows,
)
from tests.g3lib.im2city.probing.toy_photos import Photos, drawn

SOFT = np.array([[0.7, 0.2, 0.1, 0], [0.2, 0.8, 0, 0], [0.1, 0, 0.5, 0.4], [0, 0, 0, 1]], np.float32)


def fitted(photos: Photos, c: float = 0.316, **options: Any) -> Probe:
    options = {"tolerance": 1e-13, **options}
    return fit_probe(photos.features, photos.targets, photos.classes, c, **options)


def textbook(photos: Photos, c: float, soft: NDArray[np.floating] | None = None) -> Any:
    """The loss, and its gradient, of the weights and the bias side by side, flat; in float64."""
    features = np.column_stack([photos.features.astype(np.float64), np.ones(len(photos.targets))])
    wanted = (np.eye(photos.classes) if soft is None else soft.astype(np.float64))[photos.targets]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        both = flat.reshape(photos.classes, -1)
        logits = features @ both.T
        ridge = both * (np.arange(both.shape[1]) < both.shape[1] - 1)
        value = -c * (wanted * log_softmax(logits, axis=1)).sum() + (ridge**2).sum() / 2
        return value, (c * (softmax(logits, axis=1) - wanted).T @ features + ridge).ravel()

    return loss


def flat(probe: Probe) -> NDArray[np.float64]:
    return np.column_stack([probe.weights, probe.bias]).astype(np.float64).ravel()


def by_scikit_learn(photos: Photos, c: float, weights: NDArray[np.floating] | None = None) -> Any:
    from sklearn.linear_model import LogisticRegression

    features = photos.features.astype(np.float64)
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    return model.fit(features, photos.targets, sample_weight=weights)


def assert_same(
    found: Probe, weights: NDArray[np.floating], bias: NDArray[np.floating], rel: float = 2e-5
) -> None:
    assert np.abs(found.weights - weights).max() < rel * np.abs(weights).max()
    # a bias is what centred features leave over: as exact as weights x features
    assert np.abs(found.bias - bias).max() < rel * np.abs(weights).sum(axis=1).max() * 10


@pytest.mark.parametrize("c", [1e-3, 0.01, 0.316, 10.0, 1000.0])
@pytest.mark.parametrize("double", [True, False])
def test_it_is_scikit_learns(photos: Photos, c: float, double: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "EXACT", 1 << 20 if double else 0)
    expected = by_scikit_learn(photos, c)
    found = fitted(photos, c, tolerance=1e-13 if double else 1e-9)
    least, _ = textbook(photos, c)(np.column_stack([expected.coef_, expected.intercept_]).ravel())
    assert found.converged and found.loss == pytest.approx(least, rel=1e-9 if double else 1e-6)
    assert_same(found, expected.coef_, expected.intercept_, 2e-5 if double else 2e-3)


def test_two_classes_are_scikit_learns_at_half_its_c() -> None:
    photos = drawn(classes=2)
    expected = by_scikit_learn(photos, 2 * 0.316)
    found = fitted(photos, 0.316)
    assert (found.weights[1] - found.weights[0]) == pytest.approx(expected.coef_[0], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("c", [0.01, 0.316, 3.0])
def test_soft_targets_are_scipys_optimum(photos: Photos, c: float) -> None:
    loss = textbook(photos, c, SOFT)
    options = {"gtol": 1e-9, "ftol": 1e-15, "maxiter": 20_000, "maxfun": 40_000, "maxcor": 50}
    expected = minimize(loss, np.zeros(4 * 13), jac=True, method="L-BFGS-B", options=options)
    found = fitted(photos, c, soft=SOFT)
    assert found.loss == pytest.approx(expected.fun, rel=1e-8) and found.loss <= expected.fun * (1 + 1e-12)
    assert np.abs(loss(flat(found))[1]).max() < 1e-2 * c


def test_soft_targets_are_scikit_learns_with_every_photo_in_every_class_and_weights(photos: Photos) -> None:
    count = len(photos.targets)
    every = Photos(photos.features.repeat(4, axis=0), np.tile(np.arange(4), count), 4)
    expected = by_scikit_learn(every, 0.316, SOFT[photos.targets].ravel() + 1e-15)
    assert_same(fitted(photos, soft=SOFT), expected.coef_, expected.intercept_)


def test_one_hot_shares_are_no_shares(photos: Photos) -> None:
    assert np.array_equal(fitted(photos, soft=np.eye(4, dtype=np.float32)).weights, fitted(photos).weights)


def test_loss_and_gradient_are_what_it_says(photos: Photos) -> None:
    cases: list[dict[str, Any]] = [{}, {"most": 3}, {"soft": SOFT}]
    for options in cases:
        found = fitted(photos, **options)
        loss = textbook(photos, 0.316, options.get("soft"))
        value, gradient = loss(flat(found))
        assert found.loss == pytest.approx(value, rel=1e-6)
        assert found.gradient == pytest.approx(np.abs(gradient).max() / (0.316 * 240), rel=1e-2, abs=1e-5)


def test_finite_differences_at_the_solution_are_flat(photos: Photos) -> None:
    loss = textbook(photos, 0.316)
    found = flat(fitted(photos))
    steep = flat(fitted(photos, most=1))
    for place, limit in ((found, 1e-3), (steep, np.inf)):
        step = 1e-5 * np.eye(len(place))
        slopes = np.array([(loss(place + each)[0] - loss(place - each)[0]) / 2e-5 for each in step])
        assert slopes == pytest.approx(loss(place)[1], abs=1e-4)
        assert np.abs(slopes).max() < limit
    assert np.abs(loss(steep)[1]).max() > 0.1  # so that the above could fail


@pytest.mark.parametrize("count", [4, 6, 11, 20])
def test_few_shots_are_exact(count: int) -> None:
    photos = drawn(count, width=40)
    expected = by_scikit_learn(photos, 0.316)
    found = fitted(photos)
    assert_same(found, expected.coef_, expected.intercept_)
    assert found.loss == pytest.approx(textbook(photos, 0.316)(flat(found))[0], rel=1e-6)
    again = fitted(photos, start=found)
    assert again.loss == pytest.approx(found.loss, rel=1e-12) and again.iterations < found.iterations


@pytest.mark.filterwarnings("ignore:Line search of Newton solver")  # where scikit-learn goes on with L-BFGS
def test_separable_photos_have_an_optimum_too() -> None:
    photos = drawn(apart=30)
    for c in (0.316, 1e4):
        found, expected = fitted(photos, c), by_scikit_learn(photos, c)
        assert found.converged and (found.model().logits(photos.features).argmax(1) == photos.targets).all()
        assert_same(found, expected.coef_, expected.intercept_, 1e-4)


def test_columns_twice_share_their_weight_and_constant_ones_have_none(photos: Photos) -> None:
    features = np.column_stack([photos.features, photos.features[:, 3], np.full(240, 7.0, np.float32)])
    found = fitted(Photos(features, photos.targets, 4))
    expected = by_scikit_learn(Photos(features, photos.targets, 4), 0.316)
    assert_same(found, expected.coef_, expected.intercept_)
    assert found.weights[:, 3] == pytest.approx(found.weights[:, 12], rel=1e-4, abs=1e-6)
    assert np.abs(found.weights[:, 13]).max() < 1e-7


def test_photos_all_alike_leave_how_often_labels_are() -> None:
    targets = np.array([0, 0, 0, 1, 1, 2])
    found = fit_probe(np.full((6, 5), 3, np.float16), targets, 3, 0.316)
    assert found.converged and np.abs(found.weights).max() < 1e-6
    assert softmax(found.bias.astype(np.float64)) == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=1e-5)


@pytest.mark.parametrize("scale", [1e-6, 1e3, 1e7])
@pytest.mark.parametrize("double", [True, False])
def test_a_scale_of_features_is_one_of_c(
    photos: Photos, scale: float, double: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "EXACT", 1 << 20 if double else 0)
    plain = fitted(photos, 0.316, tolerance=1e-8)
    scaled = Photos(photos.features * np.float32(scale), photos.targets, 4)
    found = fitted(scaled, 0.316 / scale**2, tolerance=1e-8)
    assert found.converged and found.loss * scale**2 == pytest.approx(plain.loss, rel=1e-6)
    logits = found.model().logits(scaled.features)
    centred = logits - logits.mean(axis=1, keepdims=True)
    assert centred == pytest.approx(plain.model().logits(photos.features), abs=2e-3)


@pytest.mark.parametrize("double", [True, False])
def test_columns_of_very_different_scale(
    photos: Photos, double: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "EXACT", 1 << 20 if double else 0)
    features = (photos.features - 6) * np.logspace(-3, 5, 12, dtype=np.float32)
    found = fitted(Photos(features, photos.targets, 4), tolerance=1e-8)
    expected = by_scikit_learn(Photos(features, photos.targets, 4), 0.316)
    least, _ = textbook(Photos(features, photos.targets, 4), 0.316)(
        np.column_stack([expected.coef_, expected.intercept_]).ravel()
    )
    assert found.converged and found.loss == pytest.approx(least, rel=1e-6)


def test_float16_is_the_same_numbers_in_float32(photos: Photos) -> None:
    half = photos.features.astype(np.float16)
    one = fitted(Photos(half, photos.targets, 4))
    other = fitted(Photos(half.astype(np.float32), photos.targets, 4))
    assert np.array_equal(one.weights, other.weights) and one.weights.dtype == one.bias.dtype == np.float32


def test_blocks_and_places_in_memory_change_nothing(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fitted(photos)
    mapped = photos.features.copy()
    mapped.flags.writeable = False
    for features in (mapped, np.asfortranarray(mapped), mapped[::-1][::-1]):
        assert np.array_equal(fitted(Photos(features, photos.targets, 4)).weights, plain.weights)
    monkeypatch.setattr(rows, "ROWS_ON_CPU", 7)
    assert_same(fitted(photos), plain.weights, plain.bias)


@pytest.mark.parametrize("order", [(0, 3, 2, 1), (2, 0, 1, 3), (3, 2, 1, 0)])
def test_another_order_of_classes_and_of_photos_is_the_same_probe(
    photos: Photos, order: tuple[int, ...]
) -> None:
    renamed = np.array(order)[photos.targets]
    shuffled = np.random.default_rng(1).permutation(240)
    plain = fitted(photos)
    found = fitted(Photos(photos.features[shuffled], renamed[shuffled], 4))
    assert_same(found, plain.weights[np.argsort(order)], plain.bias[np.argsort(order)])


@pytest.mark.parametrize("c", [0.01, 3.0])
def test_a_start_changes_the_way_and_not_the_end(photos: Photos, c: float) -> None:
    plain = fitted(photos, 0.316)
    near = fitted(photos, 0.4, start=plain)
    assert_same(fitted(photos, 0.316, start=fitted(photos, c)), plain.weights, plain.bias)
    assert near.iterations < fitted(photos, 0.4).iterations


def test_the_same_photos_are_the_same_probe() -> None:
    photos = drawn(3000, width=40, classes=9)
    one, other = (fit_probe(photos.features, photos.targets, 9, 0.316) for _ in range(2))
    assert np.array_equal(one.weights, other.weights) and one.loss == other.loss


def test_the_model_names_what_was_learned() -> None:
    photos = drawn(apart=3)
    found = fit_probe(photos.features, photos.targets, 4, 0.316).model()
    assert not found.normalised and found.scale == 1
    assert (found.logits(photos.features).argmax(1) == photos.targets).mean() > 0.8


def test_an_unfinished_fit_is_said_to_be_one(photos: Photos) -> None:
    said: list[str] = []
    found = fitted(photos, most=2, report=said.append)
    assert not found.converged and found.iterations == 2 and found.gradient > 1e-3
    assert "not converged after 2 iterations" in said[-1] and "more iterations" in said[-1]
    assert fitted(photos, report=said.append).converged and len(said) == 1


def test_what_rounding_hides_is_not_called_found(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = fitted(photos)
    monkeypatch.setattr(rows, "EXACT", 0)
    said: list[str] = []
    found = fitted(photos, tolerance=0.0, most=150, report=said.append)
    assert not found.converged and "not converged" in said[-1]
    assert found.gradient < 1e-5 and found.loss == pytest.approx(exact.loss, rel=1e-6)


def test_labels_without_a_photo_are_named(photos: Photos) -> None:
    with pytest.raises(
        EmptyClass, match=r"no training photo of Kiev, Oslo: .*leave these labels out"
    ) as caught:
        fit_probe(photos.features, photos.targets, 6, 0.316, names=("a", "b", "c", "d", "Kiev", "Oslo"))
    assert caught.value.classes == (4, 5)
    with pytest.raises(EmptyClass, match="class 4, class 5, class 6, class 7, class 8 and 11 more"):
        fit_probe(photos.features, photos.targets, 20, 0.316)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_features_that_are_not_finite(photos: Photos, wrong: float, kind: type[np.floating]) -> None:
    features = photos.features.astype(kind)
    features[[17, 40], 3] = wrong
    with pytest.raises(
        BadFeatures, match="2 of 240 photos have features that are not finite, the first is row 17"
    ):
        fit_probe(features, photos.targets, 4, 0.316)


def test_features_too_large_for_float32(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "EXACT", 0)
    for scale, message in ((1e37, "too large to add up"), (1e20, "too large to be squared")):
        with pytest.raises(BadFeatures, match=message):
            fit_probe(photos.features * np.float32(scale), photos.targets, 4, 0.316)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"targets": np.full(240, -1)},
            BadTargets,
            "240 of 240 targets are none of 0 ... 3, the first is -1 in row 0",
        ),
        ({"targets": np.arange(240) % 5}, BadTargets, "48 of 240 targets .* the first is 4 in row 4"),
        ({"targets": np.zeros(240)}, BadTargets, "float64; whole numbers"),
        ({"targets": np.arange(239) % 4}, BadFeatures, "features of 240 photos and targets of 239"),
        ({"features": np.zeros(240, np.float32)}, BadFeatures, r"\(240,\) float32; floats of shape"),
        ({"features": np.zeros((240, 3), np.int64)}, BadFeatures, "int64; floats of shape"),
        ({"features": np.zeros((240, 0), np.float32)}, BadFeatures, r"\(240, 0\)"),
        ({"classes": 1}, ProbeError, "1 classes"),
        ({"names": ("a", "b")}, ProbeError, "4 classes, 2 names"),
        ({"c": 0.0}, ProbeError, "c=0.0; the inverse strength"),
        ({"c": float("nan")}, ProbeError, "c=nan"),
        ({"soft": np.eye(3)}, BadTargets, r"soft targets are \(3, 3\) for 4 classes"),
        ({"soft": 2 * np.eye(4)}, BadTargets, "rows sum to 2 ... 2"),
        ({"soft": np.eye(4) * 2 - 0.25}, BadTargets, "from -0.25"),
        ({"soft": np.full((4, 4), np.nan)}, BadTargets, "from nan"),
    ],
)
def test_bad_inputs(photos: Photos, change: dict[str, Any], error: type[Exception], message: str) -> None:
    asked = {"features": photos.features, "targets": photos.targets, "classes": 4, "c": 0.316, **change}
    with pytest.raises(error, match=message):
        fit_probe(**asked)


def test_a_start_of_another_encoder(photos: Photos) -> None:
    other = fitted(drawn(width=11))
    with pytest.raises(BadFeatures, match=r"weights \(4, 11\), \(4, 12\) are needed"):
        fitted(photos, start=other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("share", [0.6, 0.0])
def test_a_gpu_finds_the_same(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "EXACT", 0)
    monkeypatch.setattr(rows, "SHARE_OF_GPU", share)
    photos = drawn(3000, width=40, classes=9)
    half = Photos(photos.features.astype(np.float16), photos.targets, 9)
    one, other = (fitted(half, tolerance=1e-8, device=each) for each in ("cpu", "cuda"))
    assert_same(other, one.weights, one.bias, 1e-2)
    assert other.loss == pytest.approx(one.loss, rel=1e-6)
