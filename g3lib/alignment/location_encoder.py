"""G3's GPS encoder: a projection, random Fourier features at three scales, three summed MLPs.

Paper section 3.1, with the released code's dimensions; attribute names are its state dict's, which are GeoCLIP's.
"""

import math

import torch
from torch import Tensor, nn

from g3lib.alignment.projections import Projection
from g3lib.experiments.alignment import AlignmentSettings


class RandomFourierFeatures(nn.Module):
    """[cos(2 pi B v), sin(2 pi B v)] with B ~ N(0, sigma^2), fixed at birth (paper eq. for gamma)."""

    def __init__(
        self, sigma: float, frequencies: int, inputs: int = 2, generator: torch.Generator | None = None
    ):
        super().__init__()
        b = torch.randn((frequencies, inputs), generator=generator) * sigma
        self.b = nn.Parameter(b, requires_grad=False)

    def forward(self, projected: Tensor) -> Tensor:
        """(n, inputs) to (n, 2 * frequencies)."""
        angles = 2 * math.pi * projected @ self.b.T
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class LocationEncoderCapsule(nn.Module):
    """One scale: Fourier features, three ReLU layers, a linear head."""

    def __init__(self, sigma: float, inputs: int, settings: AlignmentSettings):
        super().__init__()
        frequencies, hidden = settings.rff_frequencies, settings.hidden
        self.capsule = nn.Sequential(
            RandomFourierFeatures(sigma, frequencies, inputs),
            nn.Linear(2 * frequencies, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(hidden, settings.location))

    def forward(self, projected: Tensor) -> Tensor:
        """(n, inputs) to (n, location)."""
        output: Tensor = self.head(self.capsule(projected))
        return output


class LocationEncoder(nn.Module):
    """The sum of one capsule per sigma; (lat, lon) in degrees in, (n, location) out.

    The capsules run one after the other: as one batched product they are no faster, since their weights would
    have to be stacked for every batch.
    """

    def __init__(self, settings: AlignmentSettings):
        super().__init__()
        self.projection = Projection.of(settings)
        self.scales = len(settings.sigmas)
        for number, sigma in enumerate(settings.sigmas):
            capsule = LocationEncoderCapsule(sigma, self.projection.inputs, settings)
            self.add_module(f"LocEnc{number}", capsule)

    def forward(self, coordinates: Tensor) -> Tensor:
        """(n, 2) degrees of any dtype to (n, location) float32 on the encoder's device.

        Coordinates are projected where they are: on the CPU they may be float64 for a device that has none.
        """
        capsules = [self.get_submodule(f"LocEnc{number}") for number in range(self.scales)]
        projected = self.projection(coordinates).to(next(self.parameters()).device)
        total: Tensor = capsules[0](projected)
        for capsule in capsules[1:]:
            total = total + capsule(projected)
        return total
