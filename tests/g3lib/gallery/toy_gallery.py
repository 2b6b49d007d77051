"""A small gallery whose answers are known, for all tests of the gallery."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl

from g3lib.experiments.indexing import IndexKind, IndexSettings
from g3lib.gallery import Index, Rows, Vectors, build, open_index

STAMP = {"encoder": "toy", "weights": "0" * 64}


def vectors(count: int, seed: int, width: int = 16) -> Vectors:
    found = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def clustered(count: int, seed: int, width: int = 96) -> Vectors:
    """Unit vectors in 40 clusters with a falling spectrum: something to compress."""
    centres = np.random.default_rng(0).normal(size=(40, width))
    numbers = np.random.default_rng([1, seed])
    spread = numbers.normal(size=(count, width)) / (1 + np.arange(width)) ** 0.5
    found = (centres[numbers.integers(0, 40, count)] + 3 * spread).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def in_blocks(vectors: Vectors, size: int = 700) -> Callable[[], Iterable[Vectors]]:
    return lambda: (vectors[start : start + size] for start in range(0, len(vectors), size))


def made(folder: Path, vectors: Vectors, kind: IndexKind = "exact", **settings: int) -> Index:
    build(in_blocks(vectors), folder, IndexSettings(kind=kind, **settings), STAMP)
    return open_index(folder)


def brute_force(
    gallery: Vectors, queries: Vectors, depth: int, excluded: list[Rows] | None = None
) -> tuple[Vectors, Rows]:
    products = queries.astype(np.float64) @ gallery.astype(np.float64).T
    for query, rows in enumerate(excluded or []):
        products[query, rows] = -np.inf
    order = np.argsort(-products, axis=1, kind="stable")[:, :depth]
    return np.take_along_axis(products, order, axis=1).astype(np.float32), order


def photos(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "dataset": "toy",
            "photo_id": [f"g{i}" for i in range(count)],
            "author": [None, *(f"a{i}" for i in range(count - 1))],
            "lat": np.arange(float(count)),
            "lon": -np.arange(float(count)),
        }
    )
