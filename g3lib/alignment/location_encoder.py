"""G3's GPS encoder: Mercator projection, random Fourier features at three scales, three summed MLPs.

Paper section 3.1, with the released code's dimensions; attribute names are its state dict's.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

MERCATOR_LATITUDE = 85.05112877980659  # where Mercator's square ends: |y| = 1


def mercator(coordinates: Tensor) -> Tensor:
    """(n, 2) degrees (lat, lon) to (n, 2) float32 (y, x), each in [-1, 1].

    Closed form of EPSG:3857 over pi * 6378137, latitude first as in the released code. Computed in
    float64: at sigma = 256 a float32 rounding grows some 5,000 times. Latitudes are clamped to the
    square, which G3's code leaves out: at the poles it feeds the network values it never saw.
    """
    lat, lon = coordinates.double().unbind(-1)
    phi = torch.deg2rad(lat.clamp(-MERCATOR_LATITUDE, MERCATOR_LATITUDE))
    return torch.stack([torch.asinh(torch.tan(phi)) / math.pi, lon / 180.0], dim=-1).float()


class RandomFourierFeatures(nn.Module):
    """[cos(2 pi B v), sin(2 pi B v)] with B ~ N(0, sigma^2), fixed at birth (paper eq. for gamma)."""

    def __init__(self, sigma: float, frequencies: int, generator: torch.Generator | None = None):
        super().__init__()
        b = torch.randn((frequencies, 2), generator=generator) * sigma
        self.b = nn.Parameter(b, requires_grad=False)

    def forward(self, projected: Tensor) -> Tensor:
        """(n, 2) to (n, 2 * frequencies)."""
        angles = 2 * math.pi * projected @ self.b.T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class LocationEncoderCapsule(nn.Module):
    """One scale: Fourier features, three ReLU layers, a linear head."""

    def __init__(self, sigma: float, frequencies: int, hidden: int, output: int):
        super().__init__()
        self.capsule = nn.Sequential(
            RandomFourierFeatures(sigma, frequencies),
            nn.Linear(2 * frequencies, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(hidden, output))

    def forward(self, projected: Tensor) -> Tensor:
        """(n, 2) to (n, output)."""
        output: Tensor = self.head(self.capsule(projected))
        return output


class LocationEncoder(nn.Module):
    """The sum of one capsule per sigma; (lat, lon) in degrees in, (n, output) out."""

    def __init__(self, sigmas: Sequence[float], frequencies: int, hidden: int, output: int):
        super().__init__()
        self.scales = len(sigmas)
        for number, sigma in enumerate(sigmas):
            capsule = LocationEncoderCapsule(sigma, frequencies, hidden, output)
            self.add_module(f"LocEnc{number}", capsule)

    def forward(self, coordinates: Tensor) -> Tensor:
        """(n, 2) degrees to (n, output) float32."""
        projected = mercator(coordinates)
        return torch.stack(
            [self.get_submodule(f"LocEnc{number}")(projected) for number in range(self.scales)]
        ).sum(0)
