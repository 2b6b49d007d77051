"""ImageNet's networks go through the same door and the same cache as CLIP's, and say why when the door stays shut."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from g3lib.features.architectures import Precision, UnknownEncoder
from g3lib.features.backbone import load_backbone
from g3lib.features.encoder import Encoder, save_checkpoint
from g3lib.features.extraction import extract_images
from g3lib.features.imagenet import ImageNetwork
from g3lib.features.shards import FeaturesMismatch, load_features, same_stamp, save_features
from g3lib.features.torchvision_pairing import timm
from g3lib.features.weights import CheckpointError

NAME = "timm/test_resnet"  # the smallest there is: 96 numbers


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights as timm and torchvision store them: with the classifier, batch norms that have seen something."""
    torch.manual_seed(3)
    model = timm.create_model("test_resnet", pretrained=False)
    model.train()(torch.randn(16, 3, 64, 64))
    path = tmp_path_factory.mktemp("models") / "trained.safetensors"
    save_checkpoint(model, path)
    return path


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    numbers, found = np.random.default_rng(0), []
    for height, width in ((64, 64), (48, 90), (130, 70)):
        buffer = io.BytesIO()
        Image.fromarray(numbers.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
        found.append(buffer.getvalue())
    return found


def network_of(*given: object, **more: object) -> ImageNetwork:
    found = load_backbone(*given, **more)  # type: ignore[arg-type]
    assert isinstance(found, ImageNetwork)
    return found


def test_features_are_what_timm_pools_before_its_classifier(trained: Path, photos: list[bytes]) -> None:
    """Own arithmetic for normalising; the state dict that timm itself loads, in its own eval mode."""
    network = network_of(NAME, trained, image_size=64)
    theirs = timm.create_model("test_resnet", pretrained=False)
    theirs.load_state_dict(torch.load(_as_pth(trained), weights_only=True))
    pixels = torch.stack([network.preprocess(Image.open(io.BytesIO(each)).convert("RGB")) for each in photos])
    assert pixels.dtype == torch.uint8 and pixels.shape == (3, 3, 64, 64)
    with torch.no_grad():
        maps = theirs.eval().forward_features((pixels.double() / 255 - 0.5).float() / 0.5)
    features = network.encode_images(pixels)
    assert torch.allclose(features, maps.mean(dim=(2, 3)), atol=1e-5)
    assert features.shape == (3, network.dimension) and not features.requires_grad


def _as_pth(path: Path) -> Path:
    copy = path.with_suffix(".pth")
    torch.save(load_file(path), copy)
    return copy


def test_photos_go_through_the_same_cache(trained: Path, photos: list[bytes], tmp_path: Path) -> None:
    network = network_of(NAME, trained, image_size=32)
    made = extract_images(photos, network, 2)
    assert made.features.shape == (3, 96) and made.features.dtype == np.float16
    alone = extract_images(photos[2:], network, 2).features
    assert np.allclose(made.features[2:], alone, atol=1e-3)
    save_features(tmp_path, made.features, network.stamp)
    assert np.array_equal(load_features(tmp_path), made.features)
    assert same_stamp([tmp_path]) == network.stamp
    assert network.stamp.preprocessing.startswith("32 x 32, bicubic, centre crop, mean 0.5, 0.5, 0.5")


def test_features_of_two_backbones_are_told_apart(trained: Path, photos: list[bytes], tmp_path: Path) -> None:
    for name, backbone in (
        ("trained", network_of(NAME, trained, image_size=32)),
        ("random", network_of(NAME, "random", image_size=32)),
        ("larger", network_of(NAME, trained, image_size=64)),
    ):
        save_features(tmp_path / name, extract_images(photos, backbone, 2).features, backbone.stamp)
    for other, what in (("random", "weights"), ("larger", "preprocessing")):
        with pytest.raises(FeaturesMismatch, match=f"another encoder or preprocessing.* differ in {what}"):
            same_stamp([tmp_path / "trained", tmp_path / other])


def test_what_is_saved_is_the_same_network_again(trained: Path, tmp_path: Path) -> None:
    """From whatever kind of file, with or without a classifier, or the counters that old files lack."""
    network = network_of(NAME, trained)
    save_checkpoint(network.model, tmp_path / "stored.safetensors")
    state = torch.load(_as_pth(trained), weights_only=True)
    old = {name: each for name, each in state.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "old.pth")
    for path in (tmp_path / "stored.safetensors", tmp_path / "old.pth", _as_pth(trained)):
        assert network_of(NAME, str(path)).stamp == network.stamp


def test_weights_of_the_hub_are_asked_for_without_classifier_and_named_precisely(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[tuple[str, bool]]()
    create = timm.create_model

    def offline(name: str, pretrained: bool, num_classes: int) -> torch.nn.Module:
        asked.append((name, pretrained))
        return create(name, pretrained=False, num_classes=num_classes)

    monkeypatch.setattr(timm, "create_model", offline)
    assert network_of(NAME, "imagenet", image_size=32).name == "timm/test_resnet.r160_in1k"
    assert network_of(f"{NAME}.r160_in1k", "imagenet", image_size=32).name == "timm/test_resnet.r160_in1k"
    assert asked == [("test_resnet", True), ("test_resnet.r160_in1k", True)]


def test_large_resnets_have_2048_numbers_and_imagenets_normalisation() -> None:
    network = network_of("timm/resnet50.tv_in1k", "random")  # as resnet152, in a third of the time
    assert network.dimension == 2048 and not network.model.training
    assert network.stamp.preprocessing == (
        "224 x 224, bicubic, centre crop, mean 0.485, 0.456, 0.406, deviation 0.229, 0.224, 0.225"
    )
    features = network.encode_images(torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8))
    assert torch.isfinite(features.half()).all() and features.norm() > 0


@pytest.mark.parametrize("name", [NAME, "blue-marble"])
def test_random_weights_are_the_same_in_every_run_and_leave_the_callers_state(name: str) -> None:
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    first = load_backbone(name, "random")
    assert torch.equal(torch.rand(1), expected)
    assert load_backbone(name, "random").stamp == first.stamp


def test_other_names_are_clip_models() -> None:
    backbone = load_backbone("blue-marble", "random")
    assert isinstance(backbone, Encoder) and backbone.encode_texts(["Rome"]).shape == (1, 128)
    with pytest.raises(UnknownEncoder, match="leave image_size out"):
        load_backbone("blue-marble", "random", image_size=64)
    with pytest.raises(UnknownEncoder, match="did you mean"):
        load_backbone("ViT-L14", "openai")


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precisions_give_nearly_the_same_direction(trained: Path, precision: Precision) -> None:
    exact = network_of(NAME, trained, image_size=64)
    lower = network_of(NAME, trained, precision=precision, image_size=64)
    pixels = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    found, expected = lower.encode_images(pixels), exact.encode_images(pixels)
    assert torch.nn.functional.cosine_similarity(found, expected).min() > 0.995
    assert not torch.equal(found, expected) and lower.stamp.weights == exact.stamp.weights
    norms = [each for each in lower.model.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    assert norms and all(
        each.running_mean.dtype == torch.float32 for each in norms if each.running_mean is not None
    )


def test_what_there_is_not_is_named(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownEncoder, match=r"no model 'resnet_152'; did you mean .*resnet152"):
        load_backbone("timm/resnet_152", "imagenet")
    with pytest.raises(UnknownEncoder, match=r"no pretrained weights 'tv'.* there are .*tv_in1k"):
        load_backbone("timm/resnet152.tv", "random")
    with pytest.raises(UnknownEncoder, match=r"no weights 'openai'.* give 'imagenet', 'random' or a file"):
        load_backbone(NAME, "openai")
    with pytest.raises(UnknownEncoder, match="float32, bfloat16, float16"):
        load_backbone(NAME, "random", precision="float8")  # type: ignore[arg-type]
    with pytest.raises(UnknownEncoder, match="takes photos of 160 pixels only, not 64"):
        load_backbone("timm/test_vit", "random", image_size=64)
    with pytest.raises(CheckpointError, match=r"no checkpoint .*gone\.pth"):
        load_backbone(NAME, tmp_path / "gone.pth")
    with pytest.raises(
        CheckpointError, match=r"another architecture than timm/resnet18: .* is 32 where 64 is expected"
    ):
        load_backbone("timm/resnet18", trained)
    save_file({"extra": torch.zeros(2)}, tmp_path / "extra.safetensors")
    with pytest.raises(CheckpointError, match="another architecture than timm/test_resnet"):
        load_backbone(NAME, tmp_path / "extra.safetensors")


def test_a_model_that_nobody_trained_has_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "list_pretrained", lambda _: [])
    with pytest.raises(
        UnknownEncoder, match="no pretrained weights for timm/test_resnet; give a file, or 'random'"
    ):
        load_backbone(NAME, "imagenet")


def test_compilation_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = list[torch.nn.Module]()
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled.append(module))
    assert compiled == [network_of(NAME, "random", image_size=32, compile=True).model]
