"""What a probe is fitted to, checked once and used for every strength of the ridge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.im2city.probing.errors import BadFeatures, BadTargets, EmptyClass, ProbeError
from g3lib.im2city.probing.objective import Objective
from g3lib.im2city.probing.rows import Rows, rows_of


@dataclass(frozen=True)
class Problem:
    """Photos and what they are to be called.

    targets: (n,) int64. shares: (k, k) distributions of the classes. frequency: (k,) float64 that of the labels.
    """

    rows: Rows
    targets: Tensor
    shares: Tensor
    frequency: Tensor

    def objective(self, c: float) -> Objective:
        """With a ridge of inverse strength c; raises ProbeError if it is not a number above 0."""
        if not (np.isfinite(c) and c > 0):
            raise ProbeError(
                f"c={c}; the inverse strength of the ridge is a number above 0, CLIP's recipe has 0.316"
            )
        return Objective(self.rows, self.targets, self.shares, c)


def problem_of(
    features: NDArray[np.floating],
    targets: NDArray[np.integer],
    classes: int,
    soft: NDArray[np.floating] | None,
    device: str,
    names: Sequence[str] | None,
) -> Problem:
    """Features (n, d) of photos with targets (n,) in 0 ... classes - 1; soft (k, k) shares or None for one-hot.

    Raises BadFeatures, BadTargets, and EmptyClass with the `names` of labels without a photo.
    """
    counts = counted(targets, classes, names)
    if len(features) != len(targets):
        raise BadFeatures(
            f"features of {len(features)} photos and targets of {len(targets)}; they must be as many"
        )
    empty = np.flatnonzero(counts == 0).tolist()
    if empty:
        raise EmptyClass(empty, names)
    shares = _shares(soft, classes)
    rows = rows_of(features, device)
    return Problem(
        rows,
        torch.from_numpy(np.ascontiguousarray(targets, dtype=np.int64)).to(rows.device),
        torch.from_numpy(shares).to(rows.device, rows.dtype),
        torch.from_numpy(counts @ shares / len(targets)).to(rows.device),
    )


def counted(
    targets: NDArray[np.integer], classes: int, names: Sequence[str] | None = None, least: int = 0
) -> NDArray[np.int64]:
    """(k,) photos of each class, those below 0 left out.

    Raises BadTargets if a target is none of least ... classes - 1, and ProbeError for fewer than two classes or as many
    names as are not classes.
    """
    if classes < 2 or (names is not None and len(names) != classes):
        raise ProbeError(
            f"{classes} classes, {'no' if names is None else len(names)} names; 2 or more, each with one"
        )
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
        raise BadTargets(
            f"targets are {targets.shape} {targets.dtype}; whole numbers of shape (photos,) are needed"
        )
    outside = np.flatnonzero((targets < least) | (targets >= classes))
    if len(outside):
        raise BadTargets(
            f"{len(outside)} of {len(targets)} targets are none of {least} ... {classes - 1}, the first is "
            f"{targets[outside[0]]} in row {outside[0]}; leave out photos of none of the labels"
        )
    return np.bincount(targets[targets >= 0], minlength=classes)


def _shares(soft: NDArray[np.floating] | None, classes: int) -> NDArray[np.float64]:
    """(k, k) rows that sum to 1, in float64."""
    if soft is None:
        return np.eye(classes)
    shares = np.asarray(soft, dtype=np.float64)
    if shares.shape != (classes, classes):
        raise BadTargets(
            f"soft targets are {shares.shape} for {classes} classes; a row and a column for each needed"
        )
    sums = shares.sum(axis=1, keepdims=True)
    if not (shares >= 0).all() or not np.allclose(sums, 1, rtol=0, atol=1e-4):
        raise BadTargets(
            f"soft targets from {shares.min():g}, rows sum to {sums.min():g} ... {sums.max():g}; each row must be "
            "shares of at least 0 that sum to 1"
        )
    normed: NDArray[np.float64] = shares / sums
    return normed
