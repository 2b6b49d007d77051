"""ImageNet's networks as backbones, by timm's names: pooled features, before the classifier, no text tower.

They go through the same cache as CLIP's. Photos are resized and cropped as CLIP's are, to the network's own size, and
normalised by its own mean and deviation: our choice, so that backbones differ in nothing but the network. (IM2City's
authors' template for ResNet-152 left the normalisation out, and its batch norms in training mode.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from PIL import Image
from torch import Tensor, nn

from g3lib.features.architectures import Precision, UnknownEncoder
from g3lib.features.network import image_features_of, memory_format_for
from g3lib.features.preprocessing import preprocessing_as
from g3lib.features.shards import Stamp
from g3lib.features.timm_models import IMAGENET, PREFIX, timm_model, weights_of
from g3lib.features.torchvision_pairing import open_clip
from g3lib.features.weights import weights_digest


@dataclass(frozen=True)
class ImageNetwork:
    """A frozen network of photos with the preprocessing that belongs to it."""

    name: str
    model: Any  # a timm model without its classifier
    preprocess: Callable[[Image.Image], Tensor]  # an RGB photo to uint8 (3, size, size)
    dimension: int  # of its pooled features: ResNet-152 has 2048
    device: str
    precision: Precision
    normalise: Callable[[Tensor], Tensor]  # uint8 photos to float32
    memory_format: torch.memory_format
    weights: str  # hex SHA-256 of the weights, before any cast
    preprocessing: str  # in words

    @property
    def stamp(self) -> Stamp:
        """What its features are marked with."""
        return Stamp(self.name, self.weights, self.preprocessing, self.precision, self.dimension)

    def encode_images(self, batch: Tensor) -> Tensor:
        """Pooled, un-normalised features: (n, 3, size, size) to float32 (n, dimension) on the CPU."""
        return image_features_of(self, self.model, batch)


def load_image_network(
    architecture: str,
    pretrained: str | Path,
    device: str = "cpu",
    precision: Precision = "float32",
    image_size: int | None = None,
    compile: bool = False,
) -> ImageNetwork:
    """The network `timm/<name>`, e.g. timm/resnet152.tv_in1k (torchvision's first ImageNet weights), in eval mode.

    `pretrained` is `imagenet` (timm's weights of the name's tag, from its hub), a file of weights under timm's or
    torchvision's names (.safetensors, .pth, .pt, .bin; a classifier in it is left out), or `random`: untrained, the
    same in every run. `image_size` in pixels replaces the network's own. In bfloat16 and float16, batch norms stay in
    float32.

    Raises UnknownEncoder for a name, tag, size or precision that there is not; CheckpointError for a file that is
    missing, damaged, carries code, or is of another architecture.
    """
    if precision not in get_args(Precision):
        raise UnknownEncoder(f"no precision {precision!r}; there are {', '.join(get_args(Precision))}")
    model = timm_model(architecture.removeprefix(PREFIX), pretrained)
    model.eval().requires_grad_(False)
    config = _input(model, image_size)
    preprocess = preprocessing_as(config)
    # a trial tells the width, and whether it takes photos of this size
    with torch.inference_mode():
        dimension = model(torch.zeros(1, 3, *preprocess.size)).shape[1]
    weights = weights_digest(weights_of(model))
    memory_format = memory_format_for(model, device)
    _cast(model, getattr(torch, precision))
    model.to(device=device, memory_format=memory_format)
    if compile:
        model.compile()
    return ImageNetwork(
        name=_precise(architecture, model) if pretrained == IMAGENET else architecture,
        model=model,
        preprocess=preprocess,
        dimension=dimension,
        device=device,
        precision=precision,
        normalise=preprocess.normalised,
        memory_format=memory_format,
        weights=weights,
        preprocessing=preprocess.description,
    )


def _input(model: Any, image_size: int | None) -> Any:
    """open_clip's words for what the network wants to see."""
    own = model.pretrained_cfg
    size = image_size or own["input_size"][-1]
    if own.get("fixed_input_size") and size != own["input_size"][-1]:
        raise UnknownEncoder(
            f"{own['architecture']} takes photos of {own['input_size'][-1]} pixels only, not {size}"
        )
    return open_clip.transform.PreprocessCfg(
        size=size, mean=own["mean"], std=own["std"], interpolation="bicubic", resize_mode="shortest"
    )


def _precise(architecture: str, model: Any) -> str:
    """The name with the tag of the weights that timm chose, if it did not say."""
    tag = model.pretrained_cfg["tag"]
    return architecture if "." in architecture or not tag else f"{architecture}.{tag}"


def _cast(model: nn.Module, dtype: torch.dtype) -> None:
    """All but batch norms, whose running means would lose digits that features need."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.to(dtype)
