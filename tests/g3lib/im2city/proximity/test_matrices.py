"""Distances and likenesses of labels: against loops, and what leaves them as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.geo import geodesic_km
from g3lib.im2city.proximity import PAIRS, label_distances, label_pairs, label_similarities

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 179.9)


@settings(max_examples=30)
@given(st.lists(st.tuples(LATITUDES, LONGITUDES), min_size=1, max_size=8))
def test_distances_are_geodesics_of_every_two(places: list[tuple[float, float]]) -> None:
    lat, lon = np.array(places).T
    found = label_distances(lat, lon)
    for one, here in enumerate(places):
        for other, there in enumerate(places):
            expected = 0.0 if one == other else float(geodesic_km(*here, *there))
            assert found[one, other] == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(found, found.T) and found.dtype == np.float64


def test_similarities_are_cosines_however_long_the_rows_are() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    found = label_similarities(rows)
    for one in range(7):
        for other in range(7):
            a, b = rows[one].astype(float), rows[other].astype(float)
            assert found[one, other] == pytest.approx(a @ b / np.sqrt(a @ a * (b @ b)))
    assert np.array_equal(found, found.T) and np.abs(found).max() <= 1
    stretched = label_similarities(rows * np.arange(1, 8)[:, np.newaxis])
    assert stretched == pytest.approx(found)


def test_only_centred_similarities_do_not_see_what_all_rows_share() -> None:
    """As the model's softmax does not."""
    rows = np.random.default_rng(1).normal(size=(9, 6))
    moved = rows + np.random.default_rng(2).normal(size=6) * 10
    assert label_similarities(moved, centred=True) == pytest.approx(label_similarities(rows, centred=True))
    assert label_similarities(moved).min() > label_similarities(rows).max(
        where=~np.eye(9, dtype=bool), initial=-1
    )


def test_pairs_are_every_two_labels_once() -> None:
    distance = label_distances([0.0, 10.0, 20.0], [0.0, 0.0, 50.0])
    similarity = label_similarities(np.random.default_rng(0).normal(size=(3, 4)))
    found = label_pairs(similarity, distance)
    assert found.schema == PAIRS
    assert found.select("one", "other").rows() == [(0, 1), (0, 2), (1, 2)]
    assert found["km"].to_list() == [distance[0, 1], distance[0, 2], distance[1, 2]]
    assert found["similarity"].to_list() == [similarity[0, 1], similarity[0, 2], similarity[1, 2]]


def test_labels_without_a_place_or_a_direction_are_named() -> None:
    with pytest.raises(ValueError, match="label 1 has no position"):
        label_distances([0.0, np.nan], [0.0, 1.0])
    with pytest.raises(ValueError, match="label 2: its weights are all 0 or not finite"):
        label_similarities(np.array([[1.0, 0], [0, 1], [0, 0]]))
    with pytest.raises(ValueError, match="label 0: its weights less their mean"):
        label_similarities(np.full((3, 4), 0.1), centred=True)
    with pytest.raises(ValueError, match=r"label 1: .* not finite"):
        label_similarities(np.array([[1.0, 0], [np.nan, 1]]))


def test_matrices_that_do_not_fit_are_refused() -> None:
    distance = label_distances([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"similarity is \(2, 2\) beside 3 labels"):
        label_pairs(np.eye(2), distance)
    with pytest.raises(ValueError, match="similarity is not symmetric"):
        label_pairs(np.arange(9.0).reshape(3, 3), distance)
    with pytest.raises(ValueError, match="1 labels; this statistic needs at least 2"):
        label_pairs(np.eye(1), np.zeros((1, 1)))
