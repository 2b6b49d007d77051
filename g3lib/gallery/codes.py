"""Vectors in fewer bytes: their principal dimensions, the last of which are dropped, evenly mixed, 8 bits for each.

The directions are those of the second moment, not of the covariance: nothing is subtracted, so a turned query's inner
product with a turned vector is the one they had, less what the dropped directions held. They are mixed by a random
rotation before they are rounded, since steps as wide as the first few need would cost most of the precision.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from g3lib.gallery.arrays import mapped
from g3lib.gallery.layout import Layout
from g3lib.gallery.vectors import Sample, Vectors

LEVELS = 255
MARGIN = 0.05  # by which ranges exceed the sample's: later vectors may lie a little outside
BASIS, LEADING, RANGES = "basis.npy", "leading.npy", "ranges.npy"

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Coder:
    """basis: (width, kept) orthonormal columns, or None to keep all dimensions as they are.

    leading: (kept, coarse), what leads from turned vectors on to their first principal dimensions; None without basis.
    low, step: (kept,), a value being low + step x code.
    """

    basis: Vectors | None
    leading: Vectors | None
    low: Vectors
    step: Vectors

    def turned(self, vectors: Vectors) -> Vectors:
        """(n, width) to (n, kept)."""
        return vectors if self.basis is None else vectors @ self.basis

    def principal(self, turned: Vectors) -> Vectors:
        """(n, kept) to the first principal dimensions (n, coarse)."""
        assert self.leading is not None
        found: Vectors = turned @ self.leading
        return found

    def encoded(self, turned: Vectors) -> Codes:
        """(n, kept) to the nearest levels."""
        levels = np.clip(np.rint((turned - self.low) / self.step), 0, LEVELS)
        codes: Codes = levels.astype(np.uint8)
        return codes

    def asked(self, turned: Vectors) -> tuple[Vectors, Vectors]:
        """Turned queries, scaled for products with bare codes, and a constant (q, 1) to add to these."""
        return turned * self.step, (turned @ self.low)[:, None]

    def write(self, folder: Path) -> None:
        """Into the folder of the index."""
        np.save(folder / RANGES, np.stack([self.low, self.step]))
        if self.basis is not None and self.leading is not None:
            np.save(folder / BASIS, self.basis)
            np.save(folder / LEADING, self.leading)


def read_coder(folder: Path, width: int, layout: Layout) -> Coder:
    """As written; DamagedIndex where a file does not fit."""
    kept, basis, leading = layout.kept or width, None, None
    low, step = np.array(mapped(folder / RANGES, (2, kept), np.float32))
    if layout.kept is not None:
        basis = np.array(mapped(folder / BASIS, (width, kept), np.float32))
        leading = np.array(mapped(folder / LEADING, (kept, layout.coarse), np.float32))
    return Coder(basis, leading, low, step)


def train_coder(sample: Sample, layout: Layout, seed: int) -> Coder:
    """Directions and ranges from a sample."""
    basis, leading = None, None
    if layout.kept is not None:
        mixing = np.linalg.qr(np.random.default_rng(seed).standard_normal((layout.kept, layout.kept)))[0]
        basis = _directions(sample, layout.kept) @ mixing.astype(np.float32)
        leading = np.ascontiguousarray(mixing[: layout.coarse].T, dtype=np.float32)
    low, high = np.inf, -np.inf
    for chunk in sample.chunks():
        turned = chunk if basis is None else chunk @ basis
        low, high = np.minimum(low, turned.min(axis=0)), np.maximum(high, turned.max(axis=0))
    spread = np.asarray(high - low, dtype=np.float32)
    step = np.where(spread > 0, spread * (1 + 2 * MARGIN) / LEVELS, 1.0).astype(np.float32)
    return Coder(basis, leading, np.asarray(low - MARGIN * spread, dtype=np.float32), step)


def _directions(sample: Sample, kept: int) -> Vectors:
    """The `kept` leading eigenvectors of the second moment, as columns."""
    moment: NDArray[np.float64] | None = None
    for chunk in sample.chunks():
        product = (chunk.T @ chunk).astype(np.float64)
        moment = product if moment is None else moment + product
    assert moment is not None
    _, vectors = np.linalg.eigh(moment)
    return np.ascontiguousarray(vectors[:, : -kept - 1 : -1], dtype=np.float32)
