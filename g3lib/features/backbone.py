"""One door to every network of photos: CLIP models by open_clip's names, ImageNet's by timm's."""

from pathlib import Path

import torch

from g3lib.features.architectures import Precision, UnknownEncoder
from g3lib.features.encoder import Encoder, load_encoder
from g3lib.features.imagenet import ImageNetwork, load_image_network
from g3lib.features.network import Backbone
from g3lib.features.timm_models import PREFIX, RANDOM, SEED

__all__ = ["Backbone", "load_backbone"]


def load_backbone(
    architecture: str,
    pretrained: str | Path,
    device: str = "cpu",
    precision: Precision = "float32",
    image_size: int | None = None,
    compile: bool = False,
) -> Encoder | ImageNetwork:
    """`timm/<name>` as `load_image_network` has it; any other name is open_clip's, as `load_encoder` has it.

    For both, `pretrained` is a file of weights or `random` (untrained, the same in every run); else `imagenet` for the
    one, an open_clip tag for the other. Only the first kind can be given another `image_size` (pixels).

    Raises UnknownEncoder for a name, tag, size or precision that there is not; CheckpointError for a bad file.
    """
    if architecture.startswith(PREFIX):
        return load_image_network(architecture, pretrained, device, precision, image_size, compile)
    if image_size is not None:
        raise UnknownEncoder(f"{architecture} was trained for photos of its own size; leave image_size out")
    if pretrained != RANDOM:
        return load_encoder(architecture, pretrained, device, precision, compile)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return load_encoder(architecture, None, device, precision, compile)
