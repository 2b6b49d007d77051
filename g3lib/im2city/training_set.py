"""Which photos a GEM learns from, and which are held out to choose C, calibrate, and judge it by.

Held out are whole cells of the Earth, so that no validation photo was taken beside a training one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g3lib.im2city.labels import NONE

Features = NDArray[np.float16]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingSet:
    """Labelled photos: features (n, d), labels (n,) rows of a label set; and the same of those held out."""

    features: Features
    labels: Rows
    held_out_features: Features
    held_out_labels: Rows


def training_set(features: Features, labels: Rows, held_out: NDArray[np.bool_]) -> TrainingSet:
    """The photos (n, d) that have a label, in two parts; labels (n,) are rows of the label set, NONE without one."""
    kept, apart = (labels != NONE) & ~held_out, (labels != NONE) & held_out
    return TrainingSet(features[kept], labels[kept], features[apart], labels[apart])
