"""The CLIP models that open_clip knows by name, ours among them, and those made from sizes."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from g3lib.features.torchvision_pairing import open_clip

CONFIGS = Path(__file__).parent / "configs"  # the models of our own, one JSON file each

Precision = Literal["float32", "bfloat16", "float16"]
_OPEN_CLIPS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}  # layer norms stay in float32


class UnknownEncoder(ValueError):
    """No such open_clip model, or no such pretrained weights or precision for it."""


@dataclass(frozen=True)
class Tower:
    """A transformer's sizes."""

    width: int
    layers: int
    heads: int
    mlp: int  # width of the hidden layer


@dataclass(frozen=True)
class ClipSizes:
    """All that a CLIP of Hugging Face's architecture is made from; captions end at the highest token id."""

    projection: int  # of the space that photos and captions share
    vision: Tower
    text: Tower
    image: int  # pixels of the square photo's edge
    patch: int  # pixels
    vocabulary: int = 49408
    positions: int = 77
    quick_gelu: bool = True  # as OpenAI's were trained


def build_clip(sizes: ClipSizes) -> Any:
    """The open_clip model (random weights) that computes what Hugging Face's CLIPModel of these sizes does."""
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg(
        layers=sizes.vision.layers,
        width=sizes.vision.width,
        head_width=sizes.vision.width // sizes.vision.heads,
        mlp_ratio=sizes.vision.mlp / sizes.vision.width,
        patch_size=sizes.patch,
        image_size=sizes.image,
    )
    text = CLIPTextCfg(
        context_length=sizes.positions,
        vocab_size=sizes.vocabulary,
        width=sizes.text.width,
        heads=sizes.text.heads,
        layers=sizes.text.layers,
        mlp_ratio=sizes.text.mlp / sizes.text.width,
    )
    model = CLIP(sizes.projection, vision, text, quick_gelu=sizes.quick_gelu)
    model.visual.preprocess_cfg = asdict(open_clip.transform.PreprocessCfg(size=sizes.image))
    return model.eval()


def check_name(name: str) -> None:
    """Raises UnknownEncoder, naming near ones, unless open_clip or we have a model of this name."""
    _register_our_configs()
    known: list[str] = open_clip.list_models()
    if name not in known:
        near = get_close_matches(name, known, n=5, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
        raise UnknownEncoder(f"open_clip has no model {name!r}; {hint}")


def architecture_of(name: str, tag: str) -> str:
    """The open_clip model that pretrained weights need: OpenAI's were trained with another GELU.

    With the usual one their features would be quietly off, now or when the stored weights are loaded by name.
    """
    check_name(name)
    quick = bool(open_clip.get_pretrained_cfg(name, tag).get("quick_gelu", False))
    with_it = f"{name}-quickgelu"
    return with_it if quick and with_it in open_clip.list_models() else name


def build_model(name: str, precision: Precision = "float32") -> Any:
    """The open_clip model of this name with random weights, or UnknownEncoder."""
    check_name(name)
    if precision not in _OPEN_CLIPS:
        raise UnknownEncoder(f"no precision {precision!r}; there are {', '.join(_OPEN_CLIPS)}")
    with _random_weights_unremarked():
        return open_clip.create_model(name, pretrained=None, precision=_OPEN_CLIPS[precision])


def pretrained_model(name: str, tag: str) -> Any:
    """The open_clip model with weights of this tag, in float32; UnknownEncoder lists the tags there are."""
    tags: list[str] = open_clip.list_pretrained_tags_by_model(name)
    if tag not in tags:
        known = f"there are {', '.join(tags)}" if tags else "there are none, give a checkpoint file"
        raise UnknownEncoder(f"no pretrained weights {tag!r} for {name}: {known}")
    return open_clip.create_model(name, pretrained=tag)


def tokenizer_of(name: str) -> Callable[[list[str]], Tensor]:
    """The tokenizer of an open_clip model, cut to its context length, or UnknownEncoder."""
    check_name(name)
    tokenizer: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(name)
    return tokenizer


@cache
def _register_our_configs() -> None:
    open_clip.add_model_config(CONFIGS)


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
