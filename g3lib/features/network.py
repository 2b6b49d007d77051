"""What turns photos into features, whichever network it is: all that extraction needs to know of it."""

from collections.abc import Callable
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from g3lib.features.shards import Stamp


class Backbone(Protocol):
    """A frozen network of photos with its preprocessing: CLIP's `Encoder`, or an `ImageNetwork`."""

    @property
    def dimension(self) -> int:
        """Numbers in a feature."""

    @property
    def device(self) -> str:
        """Where the network is."""

    @property
    def preprocess(self) -> Callable[[Image.Image], Tensor]:
        """An RGB photo to uint8 or float32 (3, size, size)."""

    @property
    def stamp(self) -> Stamp:
        """What its features are marked with."""

    def encode_images(self, batch: Tensor) -> Tensor:
        """Features of preprocessed photos: (n, 3, size, size) to float32 (n, dimension) on the CPU."""


class Placed(Protocol):
    """How a network wants its photos."""

    @property
    def device(self) -> str:
        """Where the network is."""

    @property
    def precision(self) -> str:
        """The torch dtype of its input."""

    @property
    def memory_format(self) -> torch.memory_format:
        """The order of a photo's numbers."""

    @property
    def normalise(self) -> Callable[[Tensor], Tensor]:
        """uint8 photos to float32."""


def image_features_of(network: Placed, encode: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Float32 (n, d) on the CPU: what `encode` makes of photos, moved and normalised as the network wants them.

    Photos that are uint8 are normalised on the device.
    """
    with torch.inference_mode():
        photos = batch.to(network.device, non_blocking=True)
        photos = network.normalise(photos) if photos.dtype == torch.uint8 else photos
        photos = photos.to(getattr(torch, network.precision), memory_format=network.memory_format)
        return encode(photos).float().cpu()


def memory_format_for(tower: nn.Module, device: str) -> torch.memory_format:
    """Channels last for networks of convolutions on a GPU, whose tensor cores want it; patches alone do not profit."""
    convolutions = sum(isinstance(each, nn.Conv2d) for each in tower.modules())
    return torch.channels_last if convolutions > 1 and device.startswith("cuda") else torch.contiguous_format
