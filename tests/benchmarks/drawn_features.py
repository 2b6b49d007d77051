"""Vectors drawn to be spread as the joined features of photos are, for benchmarks that have no photos.

Each is three unit vectors in a row, as in G3's gallery (paper section 3.1): CLIP's, f_text's and f_gps's.

The first is normalize(mean + centre + within + noise), with |mean| as large as the rest together: two photos' features
then have a cosine of some 0.5, CLIP's narrow cone. Photos crowd in thousands of clusters whose sizes fall as a power of
their rank. Centres, and what varies within a cluster, have eigenvalues that fall as 1/(i + 3), so that all 768
dimensions matter; what varies within a cluster does so in its own neighbourhood's directions, not in shared ones, and
isotropic noise lies over all. The other two are functions of the first as trained heads are: a layer, ReLU, a layer,
without CLIP's cone.

`spectrum` measures what came of it; the benchmark prints it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
DIMENSIONS = 768  # of ViT-L/14
CLUSTERS, NEIGHBOURHOODS = 8_000, 32
BETWEEN, SHARED, OWN, NOISE = 0.50, 0.30, 0.16, 0.04  # of the variance; the last three vary within clusters
BLOCK = 16_384
EIGENVALUES = 1.0 / (np.arange(DIMENSIONS, dtype=np.float32) + 4) ** 1.2
EIGENVALUES /= EIGENVALUES.sum()


@dataclass(frozen=True)
class Drawing:
    """A population of photos: the same seed is the same population, block by block."""

    seed: int = 0

    def blocks(self, count: int, stream: int = 0) -> Iterator[Vectors]:
        """`count` joined vectors, (n_i, 2304) float32; another stream is other photos of the same population."""
        for number, start in enumerate(range(0, count, BLOCK)):
            numbers = np.random.default_rng([self.seed, 1 + stream, number])
            yield self._draw(numbers, min(BLOCK, count - start))

    def _draw(self, numbers: np.random.Generator, count: int) -> Vectors:
        clusters = numbers.choice(CLUSTERS, count, p=self._sizes)
        features = numbers.standard_normal((count, DIMENSIONS), dtype=np.float32)
        features *= self._spread[clusters % NEIGHBOURHOODS]
        features += self._centres[clusters]
        features = unit(features + self._mean)
        return np.concatenate([features, *(self._head(features, each) for each in self._heads)], axis=1)

    def _head(self, features: Vectors, layers: tuple[Vectors, Vectors, Vectors]) -> Vectors:
        """A layer, ReLU, a layer; less their mean but for a rest, as contrastive training leaves it."""
        first, mean, second = layers
        hidden = np.maximum((features * 2**0.5 - self._mean) @ first, 0) - mean
        return unit(unit(hidden @ second) + 0.5 / DIMENSIONS**0.5)

    @cached_property
    def _sizes(self) -> NDArray[np.float64]:
        sizes = 1.0 / (np.arange(CLUSTERS) + 20.0) ** 0.8
        return sizes / sizes.sum()

    @cached_property
    def _mean(self) -> Vectors:
        numbers = np.random.default_rng([self.seed, 0, 0])
        return unit(numbers.standard_normal((1, DIMENSIONS), dtype=np.float32))[0]

    @cached_property
    def _centres(self) -> Vectors:
        numbers = np.random.default_rng([self.seed, 0, 1])
        drawn = numbers.standard_normal((CLUSTERS, DIMENSIONS), dtype=np.float32)
        return np.float32(BETWEEN**0.5) * (drawn * np.sqrt(EIGENVALUES)) @ _turn(numbers)

    @cached_property
    def _spread(self) -> Vectors:
        """Standard deviations within a cluster, by neighbourhood: (neighbourhoods, 768)."""
        numbers = np.random.default_rng([self.seed, 0, 2])
        own = np.stack([numbers.permutation(EIGENVALUES) for _ in range(NEIGHBOURHOODS)])
        return np.sqrt(SHARED * EIGENVALUES + OWN * own + NOISE / DIMENSIONS).astype(np.float32)

    @cached_property
    def _heads(self) -> list[tuple[Vectors, Vectors, Vectors]]:
        """Two heads: the first layer, the mean of what ReLU lets through, the second layer."""
        numbers = np.random.default_rng([self.seed, 0, 3])
        heads = []
        for _ in range(2):
            first, second = _turn(numbers), np.sqrt(EIGENVALUES)[:, None] * _turn(numbers)
            typical = unit(self._mean + self._centres) * np.float32(2**0.5) - self._mean
            heads.append((first, np.maximum(typical @ first, 0).mean(axis=0), _turn(numbers) @ second))
        return heads


def unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return (vectors / lengths).astype(np.float32)


def _turn(numbers: np.random.Generator) -> Vectors:
    """A random rotation."""
    return np.linalg.qr(numbers.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)


def spectrum(vectors: Vectors) -> dict[str, float]:
    """How a sample of vectors of one length is spread: its principal components and its cosines."""
    centred = vectors - vectors.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / len(vectors))[::-1].clip(1e-12)
    shares = eigenvalues / eigenvalues.sum()
    cosines = vectors[:500] @ vectors.T / float(vectors[0] @ vectors[0])
    np.fill_diagonal(cosines, -1)
    return {
        "effective rank (entropy)": float(np.exp(-(shares * np.log(shares)).sum())),
        "participation ratio": float(1 / (shares**2).sum()),
        **{f"variance in {count} dimensions": float(shares[:count].sum()) for count in (64, 128, 256, 512)},
        "mean cosine": float(np.median(cosines.mean(axis=1))),
        "cosine with the nearest of the sample": float(np.median(cosines.max(axis=1))),
        "cosine with the 20th": float(np.median(np.sort(cosines, axis=1)[:, -20])),
    }
