"""What another camera, another light and hard compression do to photos, on batches of tensors."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; all draws are uniform but the noise."""

    rotation: float = 18.0  # degrees either way
    scale: float = 0.12  # of the edge, larger or smaller
    shift: float = 0.12  # of the edge, in each direction
    light: float = 0.3  # brightness, a factor common to all channels
    contrast: float = 0.3  # about the photo's own mean
    gain: float = 0.3  # a factor for each channel
    noise: float = 0.02  # standard deviation, white being 1
    blur: float = 0.3  # the part of the photos that is smoothed, as compression does


def augmented(images: Tensor, strength: Augmentation) -> Tensor:
    """One random view of each photo: uint8 (n, 3, h, w) to float32 of the same shape in [0, 1].

    Draws from torch's global generator, so that a seed set by the caller decides everything.
    """
    moved = _moved(images.float().div_(255.0), strength)
    smooth = F.avg_pool2d(moved, 3, 1, 1, count_include_pad=False)
    moved = torch.where(torch.rand(len(images), 1, 1, 1) < strength.blur, smooth, moved)
    light = _around_one(strength.light, len(images), 1)
    contrast = _around_one(strength.contrast, len(images), 1)
    mean = moved.mean(dim=(1, 2, 3), keepdim=True)
    relit = ((moved - mean) * contrast + mean) * light * _around_one(strength.gain, len(images), 3)
    return (relit + strength.noise * torch.randn_like(relit)).clamp_(0.0, 1.0)


def _moved(images: Tensor, strength: Augmentation) -> Tensor:
    """Rotated, scaled and shifted; what lies beyond the edge is the photo's mirror image."""
    count, reach = len(images), 2 * strength.shift  # the sampling grid's edge is 2 long
    turn = torch.empty(count).uniform_(-1, 1) * math.radians(strength.rotation)
    size = 1 + torch.empty(count).uniform_(-strength.scale, strength.scale)
    shift = torch.empty(count, 2).uniform_(-reach, reach)
    cosine, sine = turn.cos() * size, turn.sin() * size
    rows = [cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]]
    affine = torch.stack(rows, dim=1).view(count, 2, 3)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, "bilinear", padding_mode="reflection", align_corners=False)


def _around_one(spread: float, count: int, channels: int) -> Tensor:
    return 1 + torch.empty(count, channels, 1, 1).uniform_(-spread, spread)
