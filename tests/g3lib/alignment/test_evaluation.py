"""Held-out authors: who they are, and what is said of their photos."""

import math

import numpy as np
import pytest
import torch
from toy_alignment import SETTINGS, WIDTH, toy, trained

from g3lib.alignment.data import AlignmentData, held_out
from g3lib.alignment.evaluation import MOST, evaluate, load_held_out
from g3lib.alignment.model import GeoAlignment
from g3lib.alignment.training import train
from g3lib.geo import geodesic_km

CPU = torch.device("cpu")
METRICS = {
    *("held_out_loss_image_text", "held_out_loss_image_gps", "image_to_text_top_1"),
    *("image_to_gps_top_1", "image_to_gps_top_10", "image_to_gps_median_km"),
}


# --- who


def test_about_the_fraction_of_authors_is_held_out_with_all_their_photos() -> None:
    authors = [f"author-{n % 5000}" for n in range(20_000)]
    chosen = held_out(authors, 0.1, seed=0)
    sides = {
        author: {bool(c) for a, c in zip(authors, chosen, strict=True) if a == author}
        for author in authors[:50]
    }
    assert all(len(side) == 1 for side in sides.values())
    assert chosen.mean() == pytest.approx(0.1, abs=0.02)


def test_an_author_keeps_their_side_whatever_else_there_is() -> None:
    authors = [f"author-{n}" for n in range(300)]
    whole, half = held_out(authors, 0.3, seed=1), held_out(authors[::-2], 0.3, seed=1)
    assert half.tolist() == whole[::-2].tolist()
    assert held_out(authors, 0.3, seed=2).tolist() != whole.tolist()
    assert held_out(authors, 0.5, seed=1)[whole].all()  # a larger fraction adds authors


def test_unknown_authors_are_never_held_out() -> None:
    assert not held_out([None, "unknown", "Unknown", ""] * 10, 0.5, seed=0).any()
    assert not held_out([f"author-{n}" for n in range(100)], 0.0, seed=0).any()
    assert held_out([], 0.5, seed=0).shape == (0,)


# --- what


def loaded(data: AlignmentData) -> tuple[GeoAlignment, dict[str, float]]:
    torch.manual_seed(0)
    model, photos = GeoAlignment(WIDTH, SETTINGS), load_held_out(data, 0, CPU)
    assert photos is not None
    return model, evaluate(model, photos, SETTINGS, with_text=True)


def test_metrics_against_a_plain_computation() -> None:
    data = toy(photos=60, held_out=40)
    model, found = loaded(data)
    photos = data.part(data.held_out)
    image = torch.from_numpy(photos.image.rows(photos.photos)).float()
    with torch.inference_mode():
        similarity = (model.image_gps(image) @ model.gps(torch.from_numpy(photos.coordinates)).T).numpy()
        texts = (model.image_text(image) @ model.text(torch.from_numpy(photos.text).float()).T).numpy()
    order = np.argsort(-similarity, axis=1)
    first = photos.coordinates[order[:, 0]]
    km = [float(geodesic_km(*a, *b)) for a, b in zip(photos.coordinates, first, strict=True)]
    rank = np.argmax(order == np.arange(40)[:, None], axis=1)
    assert found["image_to_gps_top_1"] == pytest.approx((rank == 0).mean())
    assert found["image_to_gps_top_10"] == pytest.approx((rank < 10).mean())
    assert found["image_to_gps_median_km"] == pytest.approx(np.median(km))
    assert found["image_to_text_top_1"] == pytest.approx((texts.argmax(axis=1) == photos.text_rows).mean())
    assert set(found) == METRICS


def test_photos_of_one_place_share_its_position() -> None:
    """Whichever of the equal positions is found, it is the photo's own: with one place only, always."""
    data = toy(photos=30, held_out=20)
    data.coordinates[:] = (48.0, 2.0)
    _, found = loaded(data)
    assert found["image_to_gps_top_1"] == found["image_to_gps_top_10"] == 1.0
    assert found["image_to_gps_median_km"] == 0.0


def test_at_most_so_many_photos_are_evaluated() -> None:
    photos = load_held_out(toy(photos=MOST + 500, held_out=MOST + 400), 0, CPU)
    again = load_held_out(toy(photos=MOST + 500, held_out=MOST + 400), 0, CPU)
    assert photos is not None and again is not None and len(photos.image) == MOST
    assert torch.equal(photos.image, again.image)


def test_every_epoch_is_evaluated_and_learning_shows() -> None:
    """Evaluated on photos like those trained on (the same ones twice), training halves the loss."""
    data = toy(photos=20)
    twice = data.part(np.tile(np.arange(20), 2))
    twice.held_out[20:] = True
    course: list[dict[str, float]] = []
    trained(twice, course=course, epochs=40)
    assert all(set(each) > METRICS for each in course)
    assert course[-1]["held_out_loss_image_gps"] < 0.6 * course[0]["held_out_loss_image_gps"]
    assert course[-1]["image_to_gps_top_10"] > course[0]["image_to_gps_top_10"]


def test_without_text_nothing_is_said_of_captions() -> None:
    course: list[dict[str, float]] = []
    trained(toy(photos=30, held_out=10), with_text=False, course=course)
    assert not any("text" in name for each in course for name in each)


def test_too_few_held_out_photos_are_told() -> None:
    remarks: list[str] = []
    settings = SETTINGS.model_copy(update={"held_out_authors": 0.01})
    found = train(toy(held_out=1), settings, True, lambda *_: None, remark=remarks.append)
    assert not METRICS & set(found.history[0])
    assert len(remarks) == 1 and "no evaluation: 1 photos are of held-out authors" in remarks[0]


def test_an_evaluation_does_not_change_the_training() -> None:
    data = toy(photos=30, held_out=10)
    with_it, without = trained(data), trained(data.part(~data.held_out))
    name = "loss_image_gps"
    assert [each[name] for each in with_it.history] == [each[name] for each in without.history]
    assert math.isfinite(with_it.history[0]["held_out_loss_image_gps"])
