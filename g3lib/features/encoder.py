"""One door to a CLIP model: photos and captions in, projected features out.

Whether it is OpenAI's ViT-L/14, the one in the official g3.pth or the demo's own small model, the rest of G3 sees an
`Encoder`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from g3lib.features.architectures import (
    Precision,
    UnknownEncoder,
    architecture_of,
    build_model,
    check_name,
    pretrained_model,
    tokenizer_of,
)
from g3lib.features.files import is_weights_file
from g3lib.features.huggingface import is_huggingface, open_clip_state
from g3lib.features.network import image_features_of, memory_format_for
from g3lib.features.preprocessing import preprocessing_of
from g3lib.features.shards import Stamp
from g3lib.features.torchvision_pairing import open_clip
from g3lib.features.weights import CheckpointError, misfits, read_weights, weights_digest
from g3lib.store.files import replacing

__all__ = [
    "CheckpointError",
    "Encoder",
    "UnknownEncoder",
    "architecture_of",
    "build_model",
    "load_encoder",
    "save_checkpoint",
    "tokenizer_of",
]


@dataclass(frozen=True)
class Encoder:
    """A frozen CLIP model with the preprocessing and the tokenizer that belong to it."""

    name: str
    model: Any  # an open_clip model, whose modules carry no types
    preprocess: Callable[[Image.Image], Tensor]  # an RGB photo to uint8 or float32 (3, size, size)
    tokenizer: Callable[[list[str]], Tensor]  # n captions to int64 (n, context length)
    dimension: int  # of the space that photos and captions share
    device: str = "cpu"
    precision: Precision = "float32"
    normalise: Callable[[Tensor], Tensor] = torch.Tensor.float  # uint8 photos to the model's input
    memory_format: torch.memory_format = torch.contiguous_format
    weights: str = ""  # hex SHA-256 of the state dict, before any cast
    preprocessing: str = ""  # in words

    @property
    def stamp(self) -> Stamp:
        """What its features are marked with."""
        return Stamp(self.name, self.weights, self.preprocessing, self.precision, self.dimension)

    def encode_images(self, batch: Tensor) -> Tensor:
        """Features of preprocessed photos: (n, 3, size, size) to float32 (n, dimension) on the CPU.

        Photos that are uint8 are normalised on the device. Features are CLIP's projected ones as they are: G3 trains
        on the un-normalised ones.
        """
        return image_features_of(self, self.model.encode_image, batch)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Features of captions, not normalised: n strings to float32 (n, dimension) on the CPU.

        A caption longer than the model's context is cut at its end, as CLIP does.
        """
        if not texts:
            return torch.empty((0, self.dimension))
        with torch.inference_mode():
            tokens = self.tokenizer(list(texts)).to(self.device)
            features: Tensor = self.model.encode_text(tokens)
            return features.float().cpu()


def load_encoder(
    name: str,
    pretrained: str | Path | None,
    device: str = "cpu",
    precision: Precision = "float32",
    compile: bool = False,
) -> Encoder:
    """The encoder of an open_clip model name, in eval mode and without gradients.

    `pretrained` is an open_clip tag such as 'openai'; the path of a checkpoint (.safetensors, .pth, .pt, .bin) under
    open_clip's names or, as the official g3.pth, under Hugging Face's; or None for random weights. Hugging Face's
    files do not tell their GELU: those of an architecture that OpenAI published are taken for OpenAI's. In bfloat16
    and float16, layer norms stay in float32, as in OpenAI's own inference. `compile` costs minutes at first.

    Raises UnknownEncoder for a name, tag or precision that there is not, CheckpointError for a file that is missing,
    damaged, carries code, or is of another architecture.
    """
    name, model = _float32_model(name, pretrained)
    weights = weights_digest(model.state_dict())
    if precision != "float32":
        lower = build_model(name, precision)
        lower.load_state_dict(model.state_dict())
        model = lower
    memory_format = memory_format_for(model.visual, device)
    model.eval().requires_grad_(False).to(device=device, memory_format=memory_format)
    if compile:
        for tower in (model.visual, getattr(model, "transformer", None) or model.text):
            tower.compile()
    preprocess = preprocessing_of(model)
    return Encoder(
        name=name,
        model=model,
        preprocess=preprocess,
        tokenizer=tokenizer_of(name),
        dimension=int(open_clip.get_model_config(name)["embed_dim"]),
        device=device,
        precision=precision,
        normalise=preprocess.normalised,
        memory_format=memory_format,
        weights=weights,
        preprocessing=preprocess.description,
    )


def save_checkpoint(model: nn.Module, path: Path) -> None:
    """Write a model's weights as safetensors: whole or not at all, and without pickle."""
    weights = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    with replacing(path) as scratch:
        save_file(weights, scratch)


def _float32_model(name: str, pretrained: str | Path | None) -> tuple[str, Any]:
    """The model with its weights, and the name of its architecture, which a tag or file may have made precise."""
    check_name(name)
    if pretrained is None:
        return name, build_model(name)
    if not is_weights_file(pretrained):
        name = architecture_of(name, str(pretrained))
        return name, pretrained_model(name, str(pretrained))
    path = Path(pretrained)
    state = read_weights(path)
    try:
        if is_huggingface(state):
            name, state = architecture_of(name, "openai"), open_clip_state(state)
    except CheckpointError as problem:
        raise CheckpointError(f"{path}: {problem}") from problem
    model = build_model(name)
    if wrong := misfits(model.state_dict(), state):
        raise CheckpointError(
            f"{path} is of another architecture than {name}: {wrong}; correct `encoder.architecture`, or the file"
        )
    model.load_state_dict(state)
    return name, model
