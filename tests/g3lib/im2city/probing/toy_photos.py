"""Photos of labels, drawn small and awkward: features like CLIP's, with a long common mean and a decaying spectrum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Photos:
    features: NDArray[np.floating]
    targets: NDArray[np.int64]
    classes: int


def drawn(count: int = 240, width: int = 12, classes: int = 4, seed: int = 0, apart: float = 0.6) -> Photos:
    """Every class has photos, of unequal numbers; float32, variances from 1 to 1e-4."""
    numbers = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), numbers.choice(classes, count - classes)])
    targets = np.minimum(targets, numbers.choice(classes, count) + (np.arange(count) < classes) * classes)
    spread = np.logspace(0, -2, width)
    centres = apart * numbers.normal(size=(classes, width)) * spread
    features = 6 + centres[targets] + numbers.normal(size=(count, width)) * spread
    return Photos(features.astype(np.float32), targets.astype(np.int64), classes)
