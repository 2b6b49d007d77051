"""Projections of the Earth that feed the GPS encoder: degrees in, two or three numbers near [-1, 1] out.

- `mercator`: the paper's (section 3.1; the released code projects to EPSG:3857 and divides by pi * 6378137);
- `equal-earth`: the ablation of paper table 3, and what GeoCLIP's released encoder was trained on;
- `unit-sphere`: (x, y, z), of ours: the only one without a seam at the antimeridian or a hole at the poles.

All are closed forms on the device of the coordinates, computed in float64 and given as float32: at
sigma = 256 a float32 rounding of the projected coordinate grows some 5,000 times. The released code goes
through the CPU and pyproj, point by point.

A longitude means its place: it is brought into [-180, 180) first, so 200 is -160 and 180 is -180, the western edge
of the plane (PROJ leaves exactly 180 at the eastern one, and agrees everywhere else). A latitude that is not on
Earth, or a coordinate that is no finite number, gives NaN and never a place: check it before (g3lib.geo.is_on_earth).
"""

import math
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor

from g3lib.experiments.alignment import AlignmentSettings
from g3lib.experiments.alignment import Projection as ProjectionName

AxisOrder = Literal["yx", "xy"]

MERCATOR_LATITUDE = 85.05112877980659  # where Mercator's square ends: |y| = 1

# source: Savric, Patterson and Jenny, "The Equal Earth map projection" (2018), eq. 3 and table 1
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796
ROOT_3 = math.sqrt(3.0)
EQUAL_EARTH_SCALE = 66.50336 / 180.0  # GeoCLIP's (location_encoder.py): |x| <= 1, |y| <= 0.487


@dataclass(frozen=True)
class Projection:
    """A projection and what is chosen about it.

    name:       one of g3lib.experiments.alignment.Projection.
    axis_order: `yx` (latitude first, as in G3's released code) or `xy` (as GeoCLIP's); planes only.
    clamp:      whether Mercator ends at 85.05 degrees. Without it |y| passes 1 beyond that latitude and is 12.10
                at the poles, finite and what the released code feeds its network, far from all it has seen.
    """

    name: ProjectionName = "mercator"
    axis_order: AxisOrder = "yx"
    clamp: bool = True

    @classmethod
    def of(cls, settings: AlignmentSettings) -> Self:
        """The one that these settings name."""
        return cls(settings.projection, settings.axis_order, settings.mercator_clamp)

    @property
    def inputs(self) -> int:
        """How many numbers a place becomes."""
        return 3 if self.name == "unit-sphere" else 2

    @property
    def described(self) -> str:
        """Everything that determines what it computes, and nothing else: `mercator yx clamped`."""
        if self.name == "unit-sphere":
            return self.name
        clamped = ["clamped" if self.clamp else "unclamped"] if self.name == "mercator" else []
        return " ".join([self.name, self.axis_order, *clamped])

    def __call__(self, coordinates: Tensor) -> Tensor:
        """(n, 2) degrees (lat, lon) of any dtype to (n, inputs) float32 on the same device."""
        lat, lon = coordinates.double().unbind(-1)
        lat, lon = lat.masked_fill(lat.abs() > 90.0, math.nan), _wrapped(lon)
        if self.name == "unit-sphere":
            return torch.stack(unit_sphere(lat, lon), dim=-1).float()
        plane = mercator(lat, lon, self.clamp) if self.name == "mercator" else equal_earth(lat, lon)
        return torch.stack(plane if self.axis_order == "xy" else plane[::-1], dim=-1).float()


def mercator(lat: Tensor, lon: Tensor, clamp: bool = True) -> tuple[Tensor, Tensor]:
    """(x, y) of float64 degrees: EPSG:3857 over pi * 6378137, so that |x| <= 1.

    Source: paper section 3.1; official code, utils/G3.py. At exactly 90 degrees the tangent of float64's pi / 2
    is finite, and y is 12.1037 as pyproj has it.
    """
    if clamp:
        lat = lat.clamp(-MERCATOR_LATITUDE, MERCATOR_LATITUDE)
    return lon / 180.0, torch.asinh(torch.tan(torch.deg2rad(lat))) / math.pi


def equal_earth(lat: Tensor, lon: Tensor) -> tuple[Tensor, Tensor]:
    """(x, y) of float64 degrees: Equal Earth on the unit sphere times GeoCLIP's 66.50336 / 180."""
    theta = torch.asin(torch.sin(torch.deg2rad(lat)) * (ROOT_3 / 2))
    square = theta * theta
    sixth = square * square * square
    slope = 9 * A4 * sixth * square + 7 * A3 * sixth + 3 * A2 * square + A1  # dy / dtheta
    x = torch.deg2rad(lon) * theta.cos() / slope * (2 * ROOT_3 / 3 * EQUAL_EARTH_SCALE)
    y = theta * (A4 * sixth * square + A3 * sixth + A2 * square + A1) * EQUAL_EARTH_SCALE
    return x, y


def unit_sphere(lat: Tensor, lon: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(x, y, z) of float64 degrees: x through (0, 0), y through (0, 90 east), z through the north pole."""
    phi, lam = torch.deg2rad(lat), torch.deg2rad(lon)
    return phi.cos() * lam.cos(), phi.cos() * lam.sin(), phi.sin()


def _wrapped(lon: Tensor) -> Tensor:
    """Float64 longitudes brought into [-180, 180), where they stay as they are to the last bit."""
    near = torch.sub(lon, torch.round(lon / 360.0), alpha=360.0)
    return near.masked_fill(near >= 180.0, -180.0)
