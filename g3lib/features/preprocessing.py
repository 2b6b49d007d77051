"""What CLIP sees of a photo: open_clip's own preprocessing, number for number, with less work.

open_clip resizes the whole photo, crops its middle, and makes floats of it on the CPU. Here what the crop throws away
is not computed where that changes no number, and photos stay uint8 until they are on the model's device.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from g3lib.features.torchvision_pairing import open_clip

_BICUBIC_REACH = 2.0  # source pixels either side, times the scale when shrinking
_STRIP = 100  # times as long as wide: no camera's photo


@dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes a model's input; called with an RGB photo, it gives (3, height, width).

    For CLIP's usual kind (square, short side resized bicubic, centre crop) that is uint8, for `normalised` to finish;
    for any other kind, open_clip's own transform finishes it in float32.
    """

    size: tuple[int, int]  # pixels: height, width
    interpolation: str
    resize_mode: str
    mean: tuple[float, ...]  # of red, green and blue, white being 1
    deviation: tuple[float, ...]
    transform: Callable[[Image.Image], Tensor]  # open_clip's own

    def __call__(self, image: Image.Image) -> Tensor:
        """(3, height, width): uint8 for CLIP's usual kind, else float32."""
        if not self.is_usual:
            return self.transform(image)
        pixels = np.asarray(resized_crop(image, self.size[0]))
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1)

    def normalised(self, pixels: Tensor) -> Tensor:
        """uint8 (n, 3, height, width) to float32, on their device, as torchvision computes it."""
        shape = (1, len(self.mean), 1, 1)
        mean = torch.tensor(self.mean, device=pixels.device).view(shape)
        deviation = torch.tensor(self.deviation, device=pixels.device).view(shape)
        return pixels.float().div_(255).sub_(mean).div_(deviation)

    @property
    def is_usual(self) -> bool:
        """Whether `resized_crop` computes what the transform does."""
        square = self.size[0] == self.size[1]
        return square and (self.resize_mode, self.interpolation) == ("shortest", "bicubic")

    @property
    def description(self) -> str:
        """In words, for the stamp of features."""
        height, width = self.size
        mean, deviation = (", ".join(f"{each:g}" for each in three) for three in (self.mean, self.deviation))
        how = "centre crop" if self.resize_mode == "shortest" else self.resize_mode
        return f"{width} x {height}, {self.interpolation}, {how}, mean {mean}, deviation {deviation}"


def preprocessing_of(model: Any) -> Preprocessing:
    """What an open_clip model's weights were trained with."""
    return preprocessing_as(open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg))


def preprocessing_as(config: Any) -> Preprocessing:
    """What open_clip's PreprocessCfg asks for."""
    size = (config.size, config.size) if isinstance(config.size, int) else tuple(config.size)
    return Preprocessing(
        size=size,
        interpolation=config.interpolation,
        resize_mode=config.resize_mode,
        mean=tuple(config.mean),
        deviation=tuple(config.std),
        transform=open_clip.transform.image_transform_v2(config, is_train=False),
    )


def resized_crop(image: Image.Image, size: int) -> Image.Image:
    """The central size x size pixels of an RGB photo whose short side was resized, bicubic, to `size`.

    Pixel for pixel what torchvision's Resize and CenterCrop give: Pillow resizes rows first, rounds, then columns, and
    so do we, the crop in between. (Pillow's own `box` is faster still, but rounds its corners to float32: one value in
    100,000 is off by one. It is used for strips that would fill the memory when resized whole.)
    """
    width, height = image.size
    short, long = min(width, height), max(width, height)
    stretched = int(size * long / short)
    start = round((stretched - size) / 2)
    if long > _STRIP * short:
        from_, to = start * long / stretched, (start + size) * long / stretched
        box = (from_, 0.0, to, height) if width > height else (0.0, from_, width, to)
        return image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    if width >= height:
        rows = image.resize((stretched, height), Image.Resampling.BICUBIC)
        return rows.crop((start, 0, start + size, height)).resize((size, size), Image.Resampling.BICUBIC)
    if height <= 2 * width:
        image = _rows_resized(image, size, stretched, start)
    return image.resize((size, stretched), Image.Resampling.BICUBIC).crop((0, start, size, start + size))


def _rows_resized(image: Image.Image, size: int, tall: int, top: int) -> Image.Image:
    """An upright photo with rows of `size` pixels, less the rows that the crop from `top` does not depend on: black.

    Of photos more than twice as tall as wide, Pillow may resize the columns first.
    """
    width, height = image.size
    scale = height / tall
    reach = _BICUBIC_REACH * max(scale, 1.0) + 1
    first = max(0, math.floor(top * scale - reach))
    last = min(height, math.ceil((top + size) * scale + reach))
    rows = image.crop((0, first, width, last)).resize((size, last - first), Image.Resampling.BICUBIC)
    padded = Image.new("RGB", (size, height))
    padded.paste(rows, (0, first))
    return padded
