"""Our preprocessing is open_clip's, pixel for pixel, on photos of any size and shape."""

import numpy as np
import pytest
import torch
from PIL import Image

from g3lib.features.architectures import ClipSizes, Tower, build_clip, build_model
from g3lib.features.preprocessing import preprocessing_of, resized_crop
from g3lib.features.torchvision_pairing import open_clip

SIZES = [
    *((500, 375), (375, 500), (500, 333), (333, 500), (640, 481), (499, 500), (500, 499), (1024, 681)),
    *((224, 224), (225, 224), (224, 225), (223, 301), (301, 223), (56, 56), (512, 512), (77, 77)),
    *((1, 1), (1, 9), (9, 1), (2, 40), (40, 2), (5, 500), (500, 5), (31, 977), (977, 31), (1600, 233)),
]
TINY = Tower(width=8, layers=1, heads=1, mlp=8)


def as_open_clip(image: Image.Image, edge: int) -> Image.Image:
    """The first half of its transform, which torchvision computes."""
    t = open_clip.transform
    resized: Image.Image = t.CenterCrop(edge)(t.Resize(edge, t.InterpolationMode.BICUBIC)(image))
    return resized


def photo(width: int, height: int) -> Image.Image:
    """Noise, whose every pixel shows where it lies and how it is rounded."""
    noise = np.random.default_rng(width * 10_000 + height).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.mark.parametrize("edge", [32, 56, 224, 336])
def test_pixels_are_torchvisions(edge: int) -> None:
    for size in SIZES:
        expected, found = as_open_clip(photo(*size), edge), resized_crop(photo(*size), edge)
        assert np.array_equal(np.asarray(found), np.asarray(expected)), size


def test_pixels_are_torchvisions_for_random_sizes() -> None:
    draw = np.random.default_rng(3)
    for width, height in draw.integers(4, 400, (300, 2)).tolist():
        expected, found = as_open_clip(photo(width, height), 56), resized_crop(photo(width, height), 56)
        assert np.array_equal(np.asarray(found), np.asarray(expected)), (width, height)


@pytest.mark.parametrize("size", [(1, 900), (900, 1), (3, 400), (400, 3)])
def test_strips_differ_in_roundings_alone(size: tuple[int, int]) -> None:
    expected = as_open_clip(photo(*size), 56)
    off = np.asarray(resized_crop(photo(*size), 56)).astype(int) - np.asarray(expected)
    assert np.abs(off).mean() < 1  # of 255; the passes round, and clip noise, in another order


def test_a_hostile_strip_takes_no_memory_to_speak_of() -> None:
    """Resized whole it would have 2.5 billion pixels."""
    assert resized_crop(Image.new("RGB", (1, 50_000)), 224).size == (224, 224)


def test_numbers_are_open_clips() -> None:
    preprocess = preprocessing_of(build_clip(ClipSizes(8, TINY, TINY, image=224, patch=56)))
    photos = [photo(*size) for size in ((500, 375), (375, 500), (224, 224), (90, 61))]
    pixels = torch.stack([preprocess(each) for each in photos])
    assert pixels.dtype == torch.uint8 and pixels.shape == (4, 3, 224, 224)
    expected = torch.stack([preprocess.transform(each) for each in photos])
    assert torch.equal(preprocess.normalised(pixels), expected)
    assert preprocess.description.startswith("224 x 224, bicubic, centre crop, mean 0.481455, 0.457827")


@pytest.mark.parametrize(
    "other", [{"resize_mode": "squash"}, {"interpolation": "bilinear"}, {"size": (24, 32)}], ids=str
)
def test_another_kind_is_left_to_open_clip(other: dict[str, object]) -> None:
    model = build_model("blue-marble")
    model.visual.preprocess_cfg = {**model.visual.preprocess_cfg, **other}
    preprocess, image = preprocessing_of(model), photo(70, 50)
    assert not preprocess.is_usual
    found = preprocess(image)
    assert found.dtype == torch.float32 and torch.equal(found, preprocess.transform(image))
