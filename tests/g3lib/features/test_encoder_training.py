"""The demo's encoder learns, is decided by its seed, and stops loudly when it cannot learn."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from g3lib.features.augmentation import Augmentation, augmented
from g3lib.features.encoder_training import EncoderTraining, TrainingDiverged, train_encoder
from g3lib.images.blue_marble import land_coordinates, tiles

SHORT = EncoderTraining(epochs=6, batch_size=32, learning_rate=2e-3)
Metrics = list[tuple[int, dict[str, float]]]


@pytest.fixture(scope="module")
def photos() -> NDArray[np.uint8]:
    return tiles(land_coordinates(64, seed=1))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Batches this small only lose time to threads waiting for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def captions(count: int) -> list[str]:
    return [f"A satellite photo taken in Town {place // 2}" for place in range(count)]


def trained(photos: NDArray[np.uint8], settings: EncoderTraining) -> tuple[torch.nn.Module, Metrics]:
    metrics: Metrics = []
    model = train_encoder(
        photos, captions(len(photos)), settings, lambda epoch, each: metrics.append((epoch, each))
    )
    return model, metrics


def test_the_loss_falls_and_every_epoch_is_reported(photos: NDArray[np.uint8]) -> None:
    model, metrics = trained(photos, SHORT)
    assert [epoch for epoch, _ in metrics] == [1, 2, 3, 4, 5, 6]
    first, last = metrics[0][1], metrics[-1][1]
    assert last["loss"] < first["loss"] - 0.3
    assert last["image_image_accuracy"] > first["image_image_accuracy"]
    assert set(last) == {
        "loss",
        "image_text_accuracy",
        "image_image_accuracy",
        "images_per_second",
        "learning_rate",
    }
    assert last["images_per_second"] > 0 and 0 <= last["image_text_accuracy"] <= 1
    assert not model.training


def test_a_seed_decides_the_weights(photos: NDArray[np.uint8]) -> None:
    once = replace(SHORT, epochs=1)
    torch.manual_seed(1)
    first, _ = trained(photos, once)
    torch.manual_seed(2)  # whatever the caller's own generator is at
    again, _ = trained(photos, once)
    other, _ = trained(photos, replace(once, seed=1))
    for name, weights in first.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name
    key = "visual.head.proj.weight"
    assert not torch.equal(first.state_dict()[key], other.state_dict()[key])


def test_the_callers_generator_is_left_alone(photos: NDArray[np.uint8]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    trained(photos, replace(SHORT, epochs=1))
    assert torch.equal(torch.rand(1), expected)


def test_a_diverging_loss_has_a_name(photos: NDArray[np.uint8]) -> None:
    with pytest.raises(TrainingDiverged, match="learning rate"):
        trained(photos, replace(SHORT, image_image_temperature=1e-45))


@pytest.mark.parametrize(
    ("shape", "count", "reason"),
    [
        ((64, 32, 32, 3), 63, "63 captions"),
        ((64, 32, 32, 4), 64, "uint8"),
        ((64, 32, 48, 3), 64, "square"),
        ((8, 32, 32, 3), 8, "batches of 32"),
    ],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], count: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        train_encoder(np.zeros(shape, np.uint8), captions(count), SHORT, lambda *_: None)


def test_a_view_stays_a_photo_and_no_strength_changes_nothing(photos: NDArray[np.uint8]) -> None:
    batch = torch.from_numpy(photos).permute(0, 3, 1, 2)
    calm = Augmentation(rotation=0, scale=0, shift=0, light=0, contrast=0, gain=0, noise=0, blur=0)
    assert torch.allclose(augmented(batch, calm) * 255, batch.float(), atol=0.02)
    view = augmented(batch, Augmentation())
    assert view.shape == batch.shape and view.dtype == torch.float32
    assert view.min() >= 0 and view.max() <= 1
    assert not torch.allclose(view * 255, batch.float(), atol=8)
