"""C chosen on a validation split: against fits of each C alone, ties, ends of the grid, and bad input."""

from typing import Any

import numpy as np
import pytest

from g3lib.experiments.gem import PROBE_C
from g3lib.im2city.probing import GRID, BadFeatures, BadTargets, ProbeError, choose_c, fit_probe
from tests.g3lib.im2city.probing.toy_photos import Photos, drawn


@pytest.fixture
def validation() -> Photos:
    photos = drawn(640)
    return Photos(photos.features[400:], photos.targets[400:], photos.classes)


@pytest.fixture
def photos() -> Photos:
    photos = drawn(640)
    return Photos(photos.features[:80], photos.targets[:80], photos.classes)


def chosen(photos: Photos, validation: Photos, **options: Any) -> Any:
    both = (photos.features, photos.targets, photos.classes, validation.features, validation.targets)
    return choose_c(*both, **options)


@pytest.mark.parametrize("soft", [None, np.full((4, 4), 0.05) + 0.8 * np.eye(4)])
def test_it_finds_what_fits_of_each_c_alone_find(photos: Photos, validation: Photos, soft: Any) -> None:
    found = chosen(photos, validation, soft=soft, tolerance=1e-12, patience=len(GRID))
    assert [each.c for each in found] == sorted(GRID)
    alone = []
    for each in found:
        probe = fit_probe(photos.features, photos.targets, 4, each.c, soft=soft, tolerance=1e-12)
        named = probe.model().logits(validation.features).argmax(axis=1)
        alone.append(int((named == validation.targets).sum()))
        assert (
            each.probe.loss == pytest.approx(probe.loss, rel=1e-9)
            and each.iterations == each.probe.iterations
        )
        assert each.accuracy == each.correct / 240 and each.seconds >= each.probe.seconds > 0
    assert [each.correct for each in found] == alone and len(set(alone)) > 3
    assert [each.chosen for each in found] == [number == np.argmax(alone) for number in range(len(GRID))]


def test_it_stops_where_nothing_gets_better(photos: Photos, validation: Photos) -> None:
    found = chosen(photos, validation, patience=2, tolerance=1e-10)
    (best,) = (each for each in found if each.chosen)
    assert len(found) == found.index(best) + 3 < len(GRID)
    assert best.correct == max(each.correct for each in found)


def test_the_chosen_one_is_finished(photos: Photos, validation: Photos) -> None:
    (best,) = (each for each in chosen(photos, validation) if each.chosen)
    alone = fit_probe(photos.features, photos.targets, 4, best.c)
    assert best.probe.loss == pytest.approx(alone.loss, rel=1e-6)
    named = best.probe.model().logits(validation.features).argmax(axis=1)
    assert best.correct == (named == validation.targets).sum()


def test_the_recipes_c_is_in_the_grid() -> None:
    assert PROBE_C in GRID


def test_of_equals_the_strongest_ridge_in_whatever_order() -> None:
    photos = drawn(apart=30)
    found = chosen(photos, photos, grid=(10.0, 1.0, 100.0, 1.0))
    assert [each.c for each in found] == [1.0, 10.0, 100.0] and {each.correct for each in found} == {240}
    assert [each.chosen for each in found] == [True, False, False]


def test_an_end_of_the_grid_is_said_to_be_one(photos: Photos, validation: Photos) -> None:
    said: list[str] = []
    best = next(each.c for each in chosen(photos, validation) if each.chosen)
    for grid, word in (((1e-6, best), "largest"), ((best, 1e6), "smallest")):
        found = chosen(photos, validation, grid=grid, report=said.append)
        assert next(each.c for each in found if each.chosen) == best
        assert f"C={best:g} is the best and the {word} of the grid" in said[-1]
    chosen(photos, validation, grid=(1e-6, best, 1e6), report=said.append)
    assert "validation photos right" in said[-1]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"grid": ()}, ProbeError, "0 values of C and 240 validation photos"),
        ({"grid": (1.0, -1.0)}, ProbeError, r"the grid of C is \(-1.0, 1.0\)"),
        ({"validation_targets": np.zeros(0, np.int64)}, ProbeError, "15 values of C and 0 validation photos"),
        ({"validation_targets": np.full(240, 4)}, BadTargets, "240 of 240 targets are none of 0 ... 3"),
        ({"validation_targets": np.full(240, -1)}, BadTargets, "the first is -1"),
        ({"validation_features": np.zeros((240, 11))}, BadFeatures, r"\(240, 11\) for 240 targets"),
        ({"validation_features": np.zeros((239, 12))}, BadFeatures, r"\(239, 12\) for 240 targets"),
        ({"validation_features": np.full((240, 12), np.nan)}, BadFeatures, "not finite"),
        ({"classes": 1}, ProbeError, "1 classes"),
    ],
)
def test_bad_inputs(
    photos: Photos, validation: Photos, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    asked = {
        "features": photos.features,
        "targets": photos.targets,
        "classes": 4,
        "validation_features": validation.features,
        "validation_targets": validation.targets,
        **change,
    }
    with pytest.raises(error, match=message):
        choose_c(**asked)
