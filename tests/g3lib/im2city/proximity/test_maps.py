"""Labels in the plane: maps that are known, and what leaves a map as it is."""

import numpy as np
import pytest
from drawn_labels import embeddings, positions, world

from g3lib.im2city.proximity import EMBEDDING_MAP, embedding_map, label_similarities


def flat(labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(lon, lat), and products of centred positions: embeddings that are nothing but the map."""
    places = np.random.default_rng(0).uniform(-50, 50, (labels, 2))
    middle = places - places.mean(axis=0)
    return places[:, 0], places[:, 1], middle @ middle.T


def test_embeddings_that_are_positions_lie_as_on_the_map() -> None:
    lon, lat, products = flat(15)
    found = embedding_map(products, lat, lon)
    assert found.points.schema == EMBEDDING_MAP and found.points["label"].to_list() == list(range(15))
    assert found.explained == pytest.approx(1.0) and found.disparity == pytest.approx(0.0, abs=1e-12)
    assert found.points["x"].to_numpy() == pytest.approx(found.points["east"].to_numpy())
    assert found.points["y"].to_numpy() == pytest.approx(found.points["north"].to_numpy())


def test_east_is_to_the_right_and_north_is_up() -> None:
    lat, lon = positions(20)
    found = embedding_map(world(20, 1.0)[0], lat, lon).points
    assert np.corrcoef(found["east"], lon)[0, 1] == pytest.approx(1.0)
    assert np.corrcoef(found["north"], lat)[0, 1] == pytest.approx(1.0)


def test_what_turns_embeddings_does_not_turn_the_map() -> None:
    lat, lon = positions(12)
    rows = np.random.default_rng(0).normal(size=(12, 8))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    here, there = (embedding_map(each @ each.T, lat, lon) for each in (rows, 3 * rows @ turn + 5))
    assert there.points["x"].to_numpy() == pytest.approx(here.points["x"].to_numpy())
    assert there.points["y"].to_numpy() == pytest.approx(here.points["y"].to_numpy())
    assert (there.explained, there.disparity) == pytest.approx((here.explained, here.disparity))


def test_the_more_a_model_knows_the_less_is_left() -> None:
    lon, lat, _ = flat(30)
    left = [
        embedding_map(label_similarities(embeddings(lat, lon, noise)), lat, lon).disparity
        for noise in (0.01, 0.2, 5.0)
    ]
    assert left == sorted(left) and left[0] < 0.1 and left[2] > 0.7


def test_what_has_no_map_is_refused() -> None:
    with pytest.raises(ValueError, match="2 labels; a map needs at least 3"):
        embedding_map(np.eye(2), [0.0, 1.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="there is no map"):
        embedding_map(np.ones((4, 4)), *positions(4))
