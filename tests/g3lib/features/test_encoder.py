"""The door to CLIP models opens for right names and files, and says why when it stays shut."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from g3lib.features.encoder import (
    CheckpointError,
    UnknownEncoder,
    architecture_of,
    build_model,
    load_encoder,
    save_checkpoint,
)

NAME = "blue-marble"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "encoder.safetensors"
    torch.manual_seed(5)
    save_checkpoint(build_model(NAME), path)
    return path


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (3, 80, 64, 3), dtype=np.uint8)
    return [Image.fromarray(photo) for photo in noise]


def test_features_have_the_models_dimension_and_are_not_normalised(
    checkpoint: Path, photos: list[Image.Image]
) -> None:
    encoder = load_encoder(NAME, checkpoint)
    images = encoder.encode_images(torch.stack([encoder.preprocess(photo) for photo in photos]))
    texts = encoder.encode_texts(["A satellite photo taken in Chur, Switzerland", "", "x" * 999])
    for features in (images, texts):
        assert features.shape == (3, encoder.dimension)
        assert features.dtype == torch.float32 and not features.requires_grad
        assert torch.isfinite(features).all()
        assert (features.norm(dim=1) - 1).abs().min() > 1e-3
    assert encoder.encode_texts([]).shape == (0, encoder.dimension)


def test_a_checkpoint_gives_the_same_features_again(checkpoint: Path, photos: list[Image.Image]) -> None:
    first, second = load_encoder(NAME, checkpoint), load_encoder(NAME, str(checkpoint))
    batch = torch.stack([first.preprocess(photo) for photo in photos])
    assert torch.equal(first.encode_images(batch), second.encode_images(batch))
    assert torch.equal(first.encode_texts(["Rome"]), second.encode_texts(["Rome"]))
    untrained = load_encoder(NAME, None)
    assert not torch.allclose(first.encode_images(batch), untrained.encode_images(batch))


def test_a_photo_has_the_same_features_in_any_batch(checkpoint: Path, photos: list[Image.Image]) -> None:
    encoder = load_encoder(NAME, checkpoint)
    batch = torch.stack([encoder.preprocess(photo) for photo in photos])
    alone = encoder.encode_images(batch[:1])
    assert torch.allclose(encoder.encode_images(batch)[:1], alone, atol=1e-4)


def test_unknown_names_bring_near_ones() -> None:
    with pytest.raises(UnknownEncoder, match=r"did you mean .*ViT-L-14"):
        load_encoder("ViT-L14", "openai")
    with pytest.raises(UnknownEncoder, match="blue-marble"):
        load_encoder("blue-marbles", None)


def test_unknown_weights_bring_the_known_ones() -> None:
    with pytest.raises(UnknownEncoder, match="openai"):
        load_encoder("ViT-L-14", "openia")
    with pytest.raises(UnknownEncoder, match="there are none"):
        load_encoder(NAME, "openai")


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint .*gone\.safetensors"):
        load_encoder(NAME, tmp_path / "gone.safetensors")


def test_a_damaged_checkpoint_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(checkpoint.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_encoder(NAME, damaged)
    damaged.write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        load_encoder(NAME, damaged)


def test_another_architectures_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_checkpoint(torch.nn.Linear(3, 4), path)
    with pytest.raises(CheckpointError, match="another architecture"):
        load_encoder(NAME, path)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(CheckpointError, match="safetensors"):
        load_encoder(NAME, path)


def test_openai_weights_come_with_their_own_gelu() -> None:
    assert architecture_of("ViT-L-14", "openai") == "ViT-L-14-quickgelu"
    assert architecture_of("ViT-L-14", "laion2b_s32b_b82k") == "ViT-L-14"
