"""One door to a CLIP model: photos and captions in, projected features out.

Whether it is OpenAI's ViT-L/14 or the demo's own small model, the rest of G3 sees an `Encoder`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from g3lib.features.torchvision_pairing import open_clip
from g3lib.store.files import replacing

CONFIGS = Path(__file__).parent / "configs"  # the models of our own, one JSON file each


class UnknownEncoder(ValueError):
    """No such open_clip model, or no such pretrained weights for it."""


class CheckpointError(ValueError):
    """A checkpoint that is missing, is no safetensors file, or is of another architecture."""


@dataclass(frozen=True)
class Encoder:
    """A frozen CLIP model with the preprocessing and the tokenizer that belong to it."""

    name: str
    model: Any  # an open_clip model, whose modules carry no types
    preprocess: Callable[[Image.Image], Tensor]  # any photo to float32 (3, size, size)
    tokenizer: Callable[[list[str]], Tensor]  # n captions to int64 (n, context length)
    dimension: int  # of the space that photos and captions share
    device: str = "cpu"

    def encode_images(self, batch: Tensor) -> Tensor:
        """Features of preprocessed photos: (n, 3, size, size) to float32 (n, dimension) on the CPU.

        They are CLIP's projected features as they are: G3 trains on the un-normalised ones.
        """
        with torch.inference_mode():
            features: Tensor = self.model.encode_image(batch.to(self.device))
            return features.float().cpu()

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


def load_encoder(name: str, pretrained: str | Path | None, device: str = "cpu") -> Encoder:
    """The encoder of an open_clip model name, in eval mode and without gradients.

    `pretrained` is an open_clip tag such as 'openai', the path of a .safetensors checkpoint, or
    None for random weights. Raises UnknownEncoder for a name or tag that open_clip does not have,
    CheckpointError for a file that is missing, damaged or of another architecture.
    """
    _check_name(name)
    checkpoint = _checkpoint_path(pretrained)
    if checkpoint is not None:
        model = _with_weights(build_model(name), checkpoint)
    elif pretrained is not None:
        name = architecture_of(name, str(pretrained))
        model = _pretrained_model(name, str(pretrained))
    else:
        model = build_model(name)
    model.eval().requires_grad_(False).to(device)
    dimension = int(open_clip.get_model_config(name)["embed_dim"])
    return Encoder(name, model, _preprocessing(model), tokenizer_of(name), dimension, device)


def architecture_of(name: str, tag: str) -> str:
    """The open_clip model that pretrained weights need: OpenAI's were trained with another GELU.

    With the usual one their features would be quietly off, now or when the stored weights are loaded by name.
    """
    _check_name(name)
    quick = bool(open_clip.get_pretrained_cfg(name, tag).get("quick_gelu", False))
    with_it = f"{name}-quickgelu"
    return with_it if quick and with_it in open_clip.list_models() else name


def build_model(name: str) -> Any:
    """The open_clip model of this name with random weights, or UnknownEncoder."""
    _check_name(name)
    with _random_weights_unremarked():
        return open_clip.create_model(name, pretrained=None)


def tokenizer_of(name: str) -> Callable[[list[str]], Tensor]:
    """The tokenizer of an open_clip model, cut to its context length, or UnknownEncoder."""
    _check_name(name)
    tokenizer: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(name)
    return tokenizer


def save_checkpoint(model: nn.Module, path: Path) -> None:
    """Write a model's weights as safetensors: whole or not at all, and without pickle."""
    weights = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    with replacing(path) as scratch:
        save_file(weights, scratch)


def _preprocessing(model: Any) -> Callable[[Image.Image], Tensor]:
    """CLIP's own: short side bicubic, centre crop, mean and deviation of the model's weights."""
    config = open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg)
    transform: Callable[[Image.Image], Tensor] = open_clip.transform.image_transform_v2(
        config, is_train=False
    )
    return transform


@cache
def _register_our_configs() -> None:
    open_clip.add_model_config(CONFIGS)


def _check_name(name: str) -> None:
    _register_our_configs()
    known: list[str] = open_clip.list_models()
    if name not in known:
        near = get_close_matches(name, known, n=5, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
        raise UnknownEncoder(f"open_clip has no model {name!r}; {hint}")


@contextmanager
def _random_weights_unremarked() -> Iterator[None]:
    """open_clip warns on the root logger that weights are random, which is asked for here."""
    root, silent = logging.getLogger(), logging.NullHandler()

    def is_news(record: logging.LogRecord) -> bool:
        return "initialized randomly" not in record.getMessage()

    root.addFilter(is_news)
    root.addHandler(silent)  # with none, logging would set up its own for good
    try:
        yield
    finally:
        root.removeFilter(is_news)
        root.removeHandler(silent)


def _checkpoint_path(pretrained: str | Path | None) -> Path | None:
    """The file meant, if a file is meant: a Path always is one, a string when it ends like one."""
    if not isinstance(pretrained, Path) and not (pretrained or "").endswith(".safetensors"):
        return None
    path = Path(str(pretrained))
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path}: only .safetensors checkpoints are read, pickles never")
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    return path


def _pretrained_model(name: str, tag: str) -> Any:
    tags: list[str] = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        known = f"there are {', '.join(tags)}" if tags else "there are none, give a checkpoint file"
        raise UnknownEncoder(f"no pretrained weights {tag!r} for {name}: {known}")
    return open_clip.create_model(name, pretrained=tag)


def _with_weights(model: Any, path: Path) -> Any:
    try:
        model.load_state_dict(load_file(path))
    except SafetensorError as damage:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {damage}") from damage
    except RuntimeError as mismatch:
        raise CheckpointError(f"{path} is of another architecture: {mismatch}") from mismatch
    return model
