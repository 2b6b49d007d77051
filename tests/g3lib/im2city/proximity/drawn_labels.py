"""Labels at drawn places, and embeddings that know so much of them."""

import numpy as np
from numpy.typing import NDArray

from g3lib.geo import coordinates_of, unit_vectors
from g3lib.im2city.proximity import label_distances, label_similarities

Matrix = NDArray[np.float64]


def positions(labels: int, seed: int = 0) -> tuple[Matrix, Matrix]:
    """Anywhere on Earth: (lat, lon)."""
    return coordinates_of(np.random.default_rng(seed).normal(size=(labels, 3)))


def embeddings(lat: Matrix, lon: Matrix, noise: float, seed: int = 0) -> Matrix:
    """(k, 32): a linear image of where labels are, and noise so many times as large."""
    generator = np.random.default_rng(seed)
    signal = unit_vectors(lat, lon) @ generator.normal(size=(3, 32))
    return signal + noise * generator.normal(size=signal.shape)


def world(labels: int, noise: float, seed: int = 0) -> tuple[Matrix, Matrix]:
    """(similarity, distance) of such labels."""
    lat, lon = positions(labels, seed)
    return label_similarities(embeddings(lat, lon, noise, seed)), label_distances(lat, lon)
