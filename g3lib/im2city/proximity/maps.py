"""A model's labels laid out in the plane, as they are alike, and turned the way the Earth's map lies."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from g3lib.im2city.proximity.matrices import Matrix

EMBEDDING_MAP = pl.Schema({"label": pl.Int64(), **dict.fromkeys(("x", "y", "east", "north"), pl.Float64())})


@dataclass(frozen=True)
class EmbeddingMap:
    """Where labels lie in the plane.

    points: schema EMBEDDING_MAP; (x, y) from the embedding, (east, north) from geography, both standardised.
    explained: the share of the embedding's variance that two axes hold. disparity: what is left of geography's
    variance, from 0 (the same map) to 1.
    """

    points: pl.DataFrame
    explained: float
    disparity: float


def embedding_map(similarity: Matrix, lat: ArrayLike, lon: ArrayLike) -> EmbeddingMap:
    """Classical scaling (Torgerson) of cosines (k, k), aligned to (lon, lat) in degrees by scipy's Procrustes analysis.

    An eigendecomposition, not an iteration: the same input is the same map. Raises ValueError for fewer than 3 labels,
    labels that all lie in one place, and similarities that are all alike.
    """
    from scipy.spatial import procrustes

    if len(similarity) < 3:
        raise ValueError(f"{len(similarity)} labels; a map needs at least 3")
    # chords between unit vectors are 2 - 2 cos; doubly centred and halved they are the centred cosines
    centred = similarity - similarity.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(centred)
    positive = values.clip(min=0)
    if positive[-1] <= 1e-9:
        raise ValueError(
            "all labels are equally similar to each other as to themselves; there is no map of them"
        )
    plane = vectors[:, :-3:-1] * np.sqrt(positive[:-3:-1])
    geography = np.column_stack([np.asarray(each, dtype=np.float64) for each in (lon, lat)])
    earth, aligned, disparity = procrustes(geography, plane)
    columns = (np.arange(len(similarity)), *aligned.T, *earth.T)
    points = pl.DataFrame(dict(zip(EMBEDDING_MAP, columns, strict=True)), schema=EMBEDDING_MAP)
    return EmbeddingMap(points, float(positive[-2:].sum() / positive.sum()), float(disparity))
