"""Features of the methods G3 is compared with that are not CLIP's."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from g3lib.images import upright

BINS = 4


def colour_histogram(data: bytes) -> NDArray[np.float32]:
    """Square roots of a photo's joint 4 x 4 x 4 RGB histogram: (64,), a unit vector.

    The inner product of two is the Bhattacharyya coefficient, so the index that serves CLIP serves them.
    """
    pixels = np.asarray(upright(data), dtype=np.uint8).reshape(-1, 3)
    levels = (pixels // (256 // BINS)).astype(np.int64)
    cells = (levels[:, 0] * BINS + levels[:, 1]) * BINS + levels[:, 2]
    counts = np.bincount(cells, minlength=BINS**3)
    histogram: NDArray[np.float32] = np.sqrt(counts / counts.sum()).astype(np.float32)
    return histogram


def colour_histograms(photos: Iterable[bytes]) -> NDArray[np.float16]:
    """(n, 64) float16, one row per encoded photo."""
    rows = [colour_histogram(each) for each in photos]
    return np.stack(rows).astype(np.float16) if rows else np.zeros((0, BINS**3), np.float16)
