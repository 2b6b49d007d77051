"""CLIP under Hugging Face's names, as in the official G3's g3.pth, and under open_clip's: one set of weights.

Both libraries compute the same; they name things differently, and open_clip keeps query, key and value in one tensor
and the projections transposed.
"""

import math
import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from g3lib.features.weights import CheckpointError

HUGGING_FACE, G3 = "visual_projection", "vision_projection"  # who calls the projection of photos what

_TOWERS = {"vision_model": "visual.transformer", "text_model": "transformer"}
_PLAIN = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",  # the misspelling is theirs
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "logit_scale": "logit_scale",
}
_TRANSPOSED = {
    f"{HUGGING_FACE}.weight": "visual.proj",
    f"{G3}.weight": "visual.proj",
    "text_projection.weight": "text_projection",
}
_IN_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_FUSED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")  # in open_clip's order
_LAYER = re.compile(r"(vision_model|text_model)\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_BLOCK = re.compile(r"(visual\.transformer|transformer)\.resblocks\.(\d+)\.(.+?)[._](weight|bias)")
_BUFFERS = ("position_ids",)  # 0, 1, 2, …: weights of nothing, stored by older versions
_OPENAI_SCALE = math.log(100.0)  # where OpenAI's training ended, at its ceiling


def is_huggingface(state: Mapping[str, Tensor]) -> bool:
    """Whether these are CLIP's weights under Hugging Face's or G3's names."""
    return any(name.startswith(tuple(f"{tower}.encoder." for tower in _TOWERS)) for name in state)


def open_clip_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """CLIP's weights under open_clip's names, of a state dict under Hugging Face's or G3's.

    G3's own heads are passed over, and so are buffers. G3 stores no `logit_scale`: it gets OpenAI's, whose CLIP it is.
    Raises CheckpointError naming a tensor of the towers that CLIP does not have, or lacks one of three that are fused.
    """
    converted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer = _LAYER.fullmatch(name)
        if name in _PLAIN:
            converted[_PLAIN[name]] = tensor
        elif name in _TRANSPOSED:
            converted[_TRANSPOSED[name]] = _transposed(tensor)
        elif layer is not None and layer[3] in _IN_LAYER:
            converted[f"{_block(layer)}.{_IN_LAYER[layer[3]]}.{layer[4]}"] = tensor
        elif layer is not None and layer[3] in _FUSED:
            parts = _parts(state, layer)
            converted[f"{_block(layer)}.attn.in_proj_{layer[4]}"] = torch.cat(parts) if parts else tensor
        elif name.startswith(tuple(_TOWERS)) and not name.endswith(_BUFFERS):
            raise CheckpointError(
                f"{name!r} is no tensor of CLIP's towers; the checkpoint is of another architecture"
            )
    converted.setdefault("logit_scale", torch.tensor(_OPENAI_SCALE))
    return converted


def huggingface_state(state: Mapping[str, Tensor], projection: str = HUGGING_FACE) -> dict[str, Tensor]:
    """The reverse: open_clip's CLIP weights under Hugging Face's names, bit for bit.

    With projection=G3, as in g3.pth: `vision_projection`, and without the `logit_scale` that G3 does not use.
    """
    plain = {ours: theirs for theirs, ours in _PLAIN.items() if projection != G3 or ours != "logit_scale"}
    transposed = {"visual.proj": f"{projection}.weight", "text_projection": "text_projection.weight"}
    converted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        block = _BLOCK.fullmatch(name)
        if name in plain:
            converted[plain[name]] = tensor
        elif name in transposed:
            converted[transposed[name]] = _transposed(tensor)
        elif block is not None:
            converted.update(_unfused(block, tensor))
        elif name not in _PLAIN.values():
            raise CheckpointError(f"{name!r} has no counterpart in Hugging Face's CLIP")
    return converted


def _transposed(tensor: Tensor) -> Tensor:
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor  # what is none does not fit later, by name


def _block(layer: re.Match[str]) -> str:
    return f"{_TOWERS[layer[1]]}.resblocks.{layer[2]}"


def _parts(state: Mapping[str, Tensor], layer: re.Match[str]) -> list[Tensor]:
    names = [f"{layer[1]}.encoder.layers.{layer[2]}.{part}.{layer[4]}" for part in _FUSED]
    missing = [name for name in names if name not in state]
    if missing:
        raise CheckpointError(
            f"{missing[0]!r} is missing, though its neighbours are there; fetch the file again"
        )
    if len({state[name].shape for name in names}) > 1:
        raise CheckpointError(f"{names[0]!r} is of another shape than its neighbours; fetch the file again")
    return [state[name] for name in names]


def _unfused(block: re.Match[str], tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """A block's tensor under their name, or three of them."""
    tower = next(theirs for theirs, ours in _TOWERS.items() if ours == block[1])
    layer = f"{tower}.encoder.layers.{block[2]}"
    if block[3] == "attn.in_proj":
        parts = zip(_FUSED, tensor.chunk(3), strict=True)
        yield from ((f"{layer}.{name}.{block[4]}", part.contiguous()) for name, part in parts)
        return
    theirs = {ours: name for name, ours in _IN_LAYER.items()}.get(block[3])
    if theirs is None:
        raise CheckpointError(f"{block[0]!r} has no counterpart in Hugging Face's CLIP")
    yield f"{layer}.{theirs}.{block[4]}", tensor
