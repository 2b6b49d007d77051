"""A probe's image features as its solver wants them: checked, centred, and gone through in blocks.

The bias carries no penalty, so that a probe on centred features is the same probe with another bias. CLIP's features
have a common mean as long as all that varies: centred, they lose fewer digits and the solver needs fewer passes.
Fewer photos than half the numbers of a feature span a small space, which holds the solution; the features are then
written in that space, and few-shot probes take milliseconds.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.im2city.probing.errors import BadFeatures

ROWS_ON_CPU, ROWS_ON_GPU = (
    2_048,
    131_072,
)  # of features at once: 6 MB of 768 stay near the core, 400 MB fill a GPU
EXACT = 1 << 20  # numbers in features up to which float64 costs nothing that anybody would notice
SHARE_OF_GPU = 0.6  # of free memory that features may take; beyond, blocks travel from the host in every pass


@dataclass(frozen=True)
class Rows:
    """Features (n, d) as they were given, and what turns a block of them into numbers to compute with.

    centre: the mean of the features as given. basis: None, or orthonormal columns (given d, d): `features` are then
    the coordinates of centred features in it, and d is the number of photos.
    dtype: of the products: float64 for few numbers, else float32. device: where they are made.
    """

    features: Tensor
    centre: Tensor
    basis: Tensor | None
    dtype: torch.dtype
    device: torch.device

    def __len__(self) -> int:
        return len(self.features)

    @property
    def width(self) -> int:
        """The d of `block`."""
        return int(self.features.shape[1])

    def block(self, rows: slice | Tensor) -> Tensor:
        """(m, d) centred, of `dtype`, on `device`."""
        block = self.features[rows].to(self.device, self.dtype)
        return block - self.centre if self.basis is None else block

    def spans(self) -> Iterator[slice]:
        """All rows in order, so many at a time."""
        return spans(len(self), self.device)


def rows_of(features: NDArray[np.floating], device: str) -> Rows:
    """Features (n, d), any float, as `Rows` on a torch device, `cpu` or `cuda`.

    Raises BadFeatures if they are no such table, or not finite.
    """
    if features.ndim != 2 or not features.size or not np.issubdtype(features.dtype, np.floating):
        raise BadFeatures(
            f"features are {features.shape} {features.dtype}; floats of shape (photos, numbers) needed"
        )
    place = torch.device(device)
    given = _placed(_tensor(features), place)
    few = 2 * features.shape[0] <= features.shape[1]
    dtype = torch.float64 if few or features.size <= EXACT else torch.float32
    centre = _mean(given, place, dtype)
    if not torch.isfinite(centre).all():
        raise _not_finite(features)
    if not few:
        return Rows(given, centre, None, dtype, place)
    basis, coordinates = torch.linalg.qr((given.to(place, dtype) - centre).T)
    return Rows(coordinates.T.contiguous(), centre, basis, dtype, place)


def spans(count: int, device: torch.device) -> Iterator[slice]:
    """0 to `count` in steps that suit the device."""
    size = ROWS_ON_GPU if device.type == "cuda" else ROWS_ON_CPU
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _tensor(features: NDArray[np.floating]) -> Tensor:
    """Without a copy where torch can; memory that may not be written to, as of mapped files, is only read here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.from_numpy(np.ascontiguousarray(features))


def _placed(features: Tensor, device: torch.device) -> Tensor:
    """On the device if there is room, as the floats they are."""
    if device.type != "cuda":
        return features
    free, _ = torch.cuda.mem_get_info(device)
    fits = features.numel() * features.element_size() <= SHARE_OF_GPU * free
    return features.to(device) if fits else features


def _mean(features: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    total = torch.zeros(features.shape[1], dtype=torch.float64, device=device)
    for rows in spans(len(features), device):
        total += features[rows].to(device, dtype).sum(0)
    return (total / len(features)).to(dtype)


def _not_finite(features: NDArray[np.floating]) -> BadFeatures:
    wrong = [row for row, each in enumerate(features) if not np.isfinite(each).all()]
    if not wrong:
        return BadFeatures(f"features reach {np.abs(features).max():g}, too large to add up; divide them")
    return BadFeatures(
        f"{len(wrong)} of {len(features)} photos have features that are not finite, the first is row {wrong[0]}; "
        "leave these photos out, or compute their features again"
    )
