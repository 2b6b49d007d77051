"""Geo-alignment's trainable part: three heads, the GPS encoder and the temperatures.

Dimensions and state-dict names are those of G3's released code, so its checkpoints fit; CLIP itself is
frozen and lives in g3lib.features. With ViT-L/14's width of 768 there are 13,648,131 trainable parameters
(paper table 6).
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from g3lib.alignment.location_encoder import LocationEncoder, RandomFourierFeatures
from g3lib.experiments.alignment import HEADS, AlignmentSettings
from g3lib.experiments.experiment import Gallery
from g3lib.features.weights import misfits
from g3lib.store.files import replacing

INITIAL_LOGIT_SCALE = 3.99
HEADER = (
    "projection"  # one key: safetensors writes several in any order, and files are compared by their bytes
)


class OtherArchitecture(ValueError):
    """Weights of other names, widths or another projection than the settings ask for."""


class DamagedAlignment(ValueError):
    """A file of trained heads that is absent, cut short, or not safetensors at all."""


def _head(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, inputs), nn.ReLU(), nn.Linear(inputs, outputs))


class GeoAlignment(nn.Module):
    """f_text, f_gps and f of the paper, and the GPS encoder with its projection to CLIP's width."""

    def __init__(self, dimension: int, settings: AlignmentSettings):
        super().__init__()
        self.dimension = dimension
        self.logit_scale1 = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))  # image-text
        self.logit_scale2 = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))  # image-GPS
        self.logit_scale3 = nn.Parameter(torch.tensor(INITIAL_LOGIT_SCALE))  # unused there too
        self.vision_projection_else_1 = _head(dimension, dimension)
        self.vision_projection_else_2 = _head(dimension, dimension)
        self.text_projection_else = _head(dimension, dimension)
        self.location_encoder = LocationEncoder(settings)
        self.location_projection_else = _head(settings.location, dimension)

    def image_text(self, features: Tensor) -> Tensor:
        """f_text: (n, d) CLIP image features to unit vectors beside the place names."""
        return normalize(self.vision_projection_else_1(features), dim=-1)

    def image_gps(self, features: Tensor) -> Tensor:
        """f_gps: (n, d) CLIP image features to unit vectors beside the positions."""
        return normalize(self.vision_projection_else_2(features), dim=-1)

    def text(self, features: Tensor) -> Tensor:
        """f: (n, d) CLIP text features to unit vectors."""
        return normalize(self.text_projection_else(features), dim=-1)

    def gps(self, coordinates: Tensor) -> Tensor:
        """(n, 2) degrees to unit vectors in CLIP's width."""
        location = self.location_encoder(coordinates)
        return normalize(self.location_projection_else(location), dim=-1)

    def gallery_vectors(self, features: Tensor, gallery: Gallery) -> Tensor:
        """Joined unit vectors (paper section 3.1): CLIP's own, f_text's, f_gps's, as `gallery` names.

        (n, d) un-normalised CLIP image features to (n, d times 1, 2 or 3). Raises ValueError for a gallery that
        is not made of these heads.
        """
        parts = [normalize(features, dim=-1)]
        if gallery == "image":
            return parts[0]
        if gallery not in HEADS:
            raise ValueError(f"no heads make gallery {gallery!r}; there are: image, {', '.join(HEADS)}")
        if HEADS[gallery].text:
            parts.append(self.image_text(features))
        parts.append(self.image_gps(features))
        return torch.cat(parts, dim=-1)

    def trainable_parameters(self) -> int:
        """How many numbers training moves, or moved: all but the Fourier features' frequencies."""
        fixed = sum(each.b.numel() for each in self.modules() if isinstance(each, RandomFourierFeatures))
        return sum(each.numel() for each in self.parameters()) - fixed


def save_alignment(model: GeoAlignment, path: Path) -> None:
    """Write the weights as safetensors, whole or not at all; the projection travels in the header."""
    weights = {name: each.detach().cpu().contiguous() for name, each in model.state_dict().items()}
    with replacing(path) as scratch:
        save_file(weights, scratch, metadata={HEADER: model.location_encoder.projection.described})


def load_alignment(path: Path, dimension: int, settings: AlignmentSettings) -> GeoAlignment:
    """A trained model in evaluation mode, of `dimension` CLIP features.

    Raises DamagedAlignment for a file that is absent, truncated or no safetensors, OtherArchitecture for one that
    was trained with other widths or another projection; both are ValueErrors.
    """
    model = GeoAlignment(dimension, settings)
    try:
        with safe_open(path, framework="pt") as file:
            projection = (file.metadata() or {}).get(HEADER)  # older files do not say
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
    except (SafetensorError, OSError) as problem:
        raise DamagedAlignment(
            f"{path}: no trained heads can be read: {problem} (safetensors are read, pickles never); train "
            "them again, or restore the file"
        ) from problem
    expected = model.location_encoder.projection.described
    if projection not in (None, expected):
        raise OtherArchitecture(
            f"{path}: trained on {projection}, expected {expected}; set alignment.projection, axis_order and "
            "mercator_clamp as they were, or train again"
        )
    fit(model, state, str(path))
    return model.eval().requires_grad_(False)


def fit(module: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Give a module these weights; OtherArchitecture names the first tensors of `source` that do not fit."""
    if wrong := misfits(module.state_dict(), state):
        raise OtherArchitecture(
            f"{source}: {len(state)} tensors of another architecture: {wrong}; use the settings it was trained with "
            "(alignment.rff_frequencies, hidden, location, sigmas, projection, and the encoder's width), or train again"
        )
    module.load_state_dict(dict(state))
