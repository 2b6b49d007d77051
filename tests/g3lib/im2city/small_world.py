"""A small world for tests: a few cities, and features that know where they are."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.cities import CITY_SCHEMA
from g3lib.features.shards import Stamp

CITIES = pl.DataFrame(
    [
        ("Paris", "France", "fr", 48.85, 2.35, "Lutetia;Ville de Paris"),
        ("Lyon", "France", "fr", 45.76, 4.84, None),
        ("Rome", "Italy", "it", 41.89, 12.51, "Roma"),
        ("Tokyo", "Japan", "jp", 35.69, 139.69, None),
        ("Kyoto", "Japan", "jp", 35.02, 135.75, None),
        ("Sydney", "Australia", "au", -33.87, 151.21, None),
    ],
    schema=CITY_SCHEMA,
    orient="row",
)
STAMP = Stamp("small", "0" * 64, "none", "float32", 16)


def drawn_features(
    labels: NDArray[np.int64], width: int = 16, noise: float = 1.0, seed: int = 0
) -> NDArray[np.float16]:
    """(n, width): each label's own direction, with noise; and an offset that all share, as CLIP's features have."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(int(labels.max(initial=0)) + 7, width)) * 2
    return (centres[labels] + 3 + noise * generator.normal(size=(len(labels), width))).astype(np.float16)
