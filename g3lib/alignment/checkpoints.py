"""Weights in the formats of others: G3's released `g3.pth`, and GeoCLIP's released GPS encoder.

`g3.pth` is a state dict of CLIP by Hugging Face's names and the heads by G3's own, which are ours.
Files from outside are read by g3lib.features.weights, which never runs what a pickle says and names a file that is
damaged or holds code (CheckpointError).
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from g3lib.alignment.model import GeoAlignment, OtherArchitecture, fit
from g3lib.experiments.alignment import GEOCLIP_FILE, AlignmentSettings
from g3lib.features.huggingface import G3, huggingface_state
from g3lib.features.weights import read_weights
from g3lib.store.files import replacing

CLIP_PARTS = ("vision_model.", "text_model.", "vision_projection.", "text_projection.")
WIDTH_FROM = "vision_projection_else_1.0.weight"  # (d, d): the width of CLIP's features
SUFFIXES = (".pth", ".safetensors")


class UnknownFormat(ValueError):
    """A file name whose ending is no format of weights that can be written."""


class MissingWeights(FileNotFoundError):
    """GeoCLIP's GPS encoder is nowhere on this machine."""


def load_official(path: Path, settings: AlignmentSettings) -> GeoAlignment:
    """The heads of a `g3.pth` (or the same names as .safetensors), in evaluation mode; CLIP's part is left out.

    CLIP's width is the weights' own. Raises OtherArchitecture when the other widths are not the settings', and
    CheckpointError for a file that is absent, cut short or a pickle with code in it; both are ValueErrors. The
    format says nothing of the projection: the settings', which for G3's own file are the defaults.
    """
    state = read_weights(path)
    heads = {name: each for name, each in state.items() if not name.startswith(CLIP_PARTS)}
    if WIDTH_FROM not in heads or heads[WIDTH_FROM].ndim != 2:
        found = ", ".join(sorted(heads)[:3]) or "none"
        raise OtherArchitecture(
            f"{path}: no G3 checkpoint: it has no matrix {WIDTH_FROM}; beside CLIP's there are {len(heads)} tensors "
            f"({found}); expected is the g3.pth of huggingface.co/Jia-py/G3-checkpoint, or what `g3 export` writes"
        )
    model = GeoAlignment(heads[WIDTH_FROM].shape[1], settings)
    fit(model, heads, str(path))
    return model.eval().requires_grad_(False)


def export_official(model: GeoAlignment, clip_state: Mapping[str, Tensor] | None, path: Path) -> int:
    """Write heads, and CLIP from an open_clip state dict, by the official names; how many tensors that are.

    Whole or not at all; `.pth` is a plain dict of tensors as torch saves it, `.safetensors` the same without pickle.
    Raises UnknownFormat for another ending, CheckpointError for CLIP weights that are no OpenAI-style ViT's.
    """
    if path.suffix not in SUFFIXES:
        raise UnknownFormat(f"{path}: weights are written as {' or '.join(SUFFIXES)}, not {path.suffix!r}")
    clip = {} if clip_state is None else huggingface_state(clip_state, G3)
    state = {**model.state_dict(), **clip}
    weights = {name: each.detach().cpu().contiguous() for name, each in sorted(state.items())}
    with replacing(path) as scratch:
        if path.suffix == ".pth":
            torch.save(weights, scratch)
        else:
            save_file(weights, scratch)
    return len(weights)


def initialise_location_encoder(model: GeoAlignment, path: Path) -> None:
    """Give the GPS encoder GeoCLIP's weights, frequencies included, as G3's released code does (run_G3.py).

    GeoCLIP trained them on `equal-earth` with axis order `xy`; G3 goes on from them with Mercator, latitude first.
    Raises OtherArchitecture when the settings' widths are not GeoCLIP's, CheckpointError for a file that cannot
    be read.
    """
    fit(model.location_encoder, read_weights(path), str(path))


def find_geoclip_weights(incoming: Path) -> Path:
    """GeoCLIP's GPS encoder: the file in `incoming`, else in the installed package `geoclip`, which is not imported.

    Raises MissingWeights, which says how to get it.
    """
    given = incoming / GEOCLIP_FILE
    if given.is_file():
        return given
    package = find_spec("geoclip")
    for folder in (package.submodule_search_locations or []) if package else []:
        packed = Path(folder) / "model" / "weights" / GEOCLIP_FILE
        if packed.is_file():
            return packed
    raise MissingWeights(
        f"GeoCLIP's GPS encoder is neither {given} nor in an installed package geoclip: `pip install --no-deps "
        f"geoclip==1.3.0` (MIT, 40 MB) or put its file model/weights/{GEOCLIP_FILE} into {incoming}; or set "
        "alignment.location_init to random"
    )
