"""The door to CLIP models opens for right names and files, and says why when it stays shut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from g3lib.features.architectures import ClipSizes, Precision, Tower, build_clip
from g3lib.features.encoder import (
    CheckpointError,
    UnknownEncoder,
    architecture_of,
    build_model,
    load_encoder,
    save_checkpoint,
)
from g3lib.features.huggingface import G3, HUGGING_FACE, huggingface_state
from g3lib.features.preprocessing import preprocessing_of
from g3lib.features.torchvision_pairing import open_clip
from g3lib.features.weights import read_weights, weights_digest

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


def test_features_are_those_after_open_clips_own_preprocessing(
    checkpoint: Path, photos: list[Image.Image]
) -> None:
    encoder = load_encoder(NAME, checkpoint)
    theirs = torch.stack([preprocessing_of(encoder.model).transform(photo) for photo in photos])
    ours = torch.stack([encoder.preprocess(photo) for photo in photos])
    assert theirs.dtype == torch.float32 and ours.dtype == torch.uint8
    assert torch.equal(encoder.encode_images(ours), encoder.encode_images(theirs))


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


def test_another_architectures_checkpoint_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_checkpoint(torch.nn.Linear(3, 4), path)
    with pytest.raises(CheckpointError, match=r"another architecture than blue-marble: .* is missing"):
        load_encoder(NAME, path)
    state = read_weights(checkpoint)
    save_file(state | {"text_projection": torch.zeros(64, 99)}, path)
    found = r"text_projection is 64 x 99 where 64 x 128 is expected; correct `encoder.architecture`"
    with pytest.raises(CheckpointError, match=found):
        load_encoder(NAME, path)
    save_file(state | {"extra": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"extra \(2\) is unknown"):
        load_encoder(NAME, path)


def test_pickled_code_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(build_model(NAME), path)
    with pytest.raises(CheckpointError, match="carries pickled code"):
        load_encoder(NAME, path)


def test_a_plain_state_dict_is_as_good_as_safetensors(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(read_weights(checkpoint), path)
    first, second = load_encoder(NAME, checkpoint), load_encoder(NAME, str(path))
    assert first.stamp == second.stamp
    assert first.stamp.weights == weights_digest(read_weights(checkpoint))
    assert first.stamp != load_encoder(NAME, None).stamp


# --- checkpoints under Hugging Face's names


@pytest.fixture
def small_openai(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenAI's ViT-B-32, an eighth as wide: open_clip's configuration is asked for by its name."""
    small = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 64, "patch_size": 32, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
    }
    for name, quick in (("ViT-B-32", False), ("ViT-B-32-quickgelu", True)):
        config = small | ({"quick_gelu": True} if quick else {})
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)


@pytest.mark.parametrize("naming", [HUGGING_FACE, G3])
@pytest.mark.usefixtures("small_openai")
def test_hugging_faces_names_are_known_and_mean_openais_gelu(naming: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model, path = build_model("ViT-B-32-quickgelu").eval(), tmp_path / "g3.pth"
    torch.save(huggingface_state(model.state_dict(), naming), path)
    encoder = load_encoder("ViT-B-32", path)
    assert encoder.name == "ViT-B-32-quickgelu"
    pixels = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    with torch.inference_mode():
        expected = model.encode_image(encoder.normalise(pixels))
    torch.testing.assert_close(encoder.encode_images(pixels), expected)


def test_another_size_of_clip_is_told_by_its_widths(tmp_path: Path) -> None:
    tower = Tower(width=64, layers=1, heads=1, mlp=256)
    small = build_clip(ClipSizes(32, tower, tower, image=224, patch=32))
    save_file(huggingface_state(small.state_dict()), tmp_path / "small.safetensors")
    with pytest.raises(CheckpointError, match=r"than ViT-B-32-quickgelu: .* 64 .* where .* 512") as refusal:
        load_encoder("ViT-B-32", tmp_path / "small.safetensors")
    assert "small.safetensors" in str(refusal.value)


# --- precision and compilation


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.usefixtures("small_openai")
def test_half_precision_gives_nearly_the_same_features(precision: Precision, tmp_path: Path) -> None:
    torch.manual_seed(4)
    path = tmp_path / "weights.safetensors"
    save_checkpoint(build_model("ViT-B-32"), path)
    exact, half = load_encoder("ViT-B-32", path), load_encoder("ViT-B-32", path, precision=precision)
    pixels = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    captions = ["A street view photo taken in Bern, Switzerland", "Rome"]
    for found, expected in (
        (half.encode_images(pixels), exact.encode_images(pixels)),
        (half.encode_texts(captions), exact.encode_texts(captions)),
    ):
        assert found.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(found, expected).min() > 0.999
        assert not torch.equal(found, expected)
    assert half.stamp == replace(exact.stamp, precision=precision)  # the weights are the same


def test_unknown_precisions_bring_the_known_ones() -> None:
    with pytest.raises(UnknownEncoder, match="float32, bfloat16, float16"):
        load_encoder(NAME, None, precision="float8")  # type: ignore[arg-type]


def test_compilation_is_asked_for_by_tower(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling itself takes minutes; the towers keep their names, so weights are saved as before."""
    compiled = list[torch.nn.Module]()
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled.append(module))
    encoder = load_encoder(NAME, checkpoint, compile=True)
    assert compiled == [encoder.model.visual, encoder.model.transformer]
    assert encoder.model.state_dict().keys() == read_weights(checkpoint).keys()


def test_openai_weights_come_with_their_own_gelu() -> None:
    assert architecture_of("ViT-L-14", "openai") == "ViT-L-14-quickgelu"
    assert architecture_of("ViT-L-14", "laion2b_s32b_b82k") == "ViT-L-14"
