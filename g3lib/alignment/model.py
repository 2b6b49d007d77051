"""Geo-alignment's trainable part: three heads, the GPS encoder and the temperatures.

Dimensions and state-dict names are those of G3's released code, so its checkpoints fit; CLIP itself is
frozen and lives in g3lib.features. With ViT-L/14's width of 768 there are 13,648,131 trainable parameters
(paper table 6).
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import normalize

from g3lib.alignment.location_encoder import LocationEncoder
from g3lib.experiments.alignment import AlignmentSettings
from g3lib.experiments.experiment import Gallery

INITIAL_LOGIT_SCALE = 3.99


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
        self.location_encoder = LocationEncoder(
            settings.sigmas, settings.rff_frequencies, settings.hidden, settings.location
        )
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
        """Joined unit vectors (paper section 3.1): CLIP's own, f_text's, f_gps's, as `gallery` names."""
        parts = [normalize(features, dim=-1)]
        if gallery == "image-gps-text":
            parts.append(self.image_text(features))
        if gallery in ("image-gps", "image-gps-text"):
            parts.append(self.image_gps(features))
        return torch.cat(parts, dim=-1)

    def trainable_parameters(self) -> int:
        """How many numbers training moves."""
        return sum(each.numel() for each in self.parameters() if each.requires_grad)


def save_alignment(model: GeoAlignment, path: Path) -> None:
    """Write the state dict as safetensors."""
    save_file(model.state_dict(), path)


def load_alignment(path: Path, dimension: int, settings: AlignmentSettings) -> GeoAlignment:
    """A trained model in evaluation mode; ValueError names a file that does not fit or is damaged."""
    model = GeoAlignment(dimension, settings)
    try:
        model.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as problem:
        raise ValueError(
            f"{path}: not a Geo-alignment checkpoint of width {dimension}: {problem}; train it again"
        ) from problem
    return model.eval().requires_grad_(False)
