"""What every statistic here starts from: how far labels lie apart, and how alike a model holds them to be."""

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from g3lib.geo import geodesic_km

Matrix = NDArray[np.float64]  # (k, k), symmetric

PAIRS = pl.Schema({"one": pl.Int64(), "other": pl.Int64(), "km": pl.Float64(), "similarity": pl.Float64()})


def label_distances(lat: ArrayLike, lon: ArrayLike) -> Matrix:
    """Kilometres between every two of k labels at `lat`, `lon` in degrees (k,): (k, k) float64, 0 on the diagonal.

    They are WGS 84 geodesics as everywhere in this project, so that they agree with the errors of predictions; the
    sphere's great circles differ by 0.56 % at most. Raises ValueError naming the first label without a position.
    """
    there, along = (np.asarray(each, dtype=np.float64) for each in (lat, lon))
    lost = np.flatnonzero(~(np.isfinite(there) & np.isfinite(along)))
    if len(lost):
        raise ValueError(f"label {lost[0]} has no position; leave it out, or look its coordinates up")
    one, other = np.triu_indices(len(there), 1)
    return _square(geodesic_km(there[one], along[one], there[other], along[other]), len(there))


def label_similarities(weights: NDArray[np.floating], centred: bool = False) -> Matrix:
    """Cosines between every two rows of a model's weights (k, d): (k, k) float64, 1 on the diagonal.

    Plain cosines are the usual reading of `embedding similarity`; IM2City's own statistic is unknown. `centred` takes
    the mean row off first (our choice): a softmax does not notice a vector that all rows share, so cosines of what is
    left depend on what the model answers alone. A probe's ridge has taken it off already; text features share much.
    Raises ValueError naming the first row without a direction.
    """
    rows = np.asarray(weights, dtype=np.float64)
    size = np.linalg.norm(rows, axis=1)
    rows = rows - rows.mean(axis=0) if centred else rows
    lengths = np.linalg.norm(rows, axis=1)
    # written so that NaN fails, too; a row that is the mean itself is left with rounding errors
    lost = np.flatnonzero(~((lengths > 1e-12 * size) & np.isfinite(lengths)))
    if len(lost):
        raise ValueError(
            f"label {lost[0]}: its weights{' less their mean' if centred else ''} are all 0 or not finite, so they "
            "have no direction; leave the label out"
        )
    rows = rows / lengths[:, np.newaxis]
    similarity: Matrix = np.clip(rows @ rows.T, -1.0, 1.0)
    return _square(similarity[np.triu_indices(len(rows), 1)], len(rows), 1.0)


def label_pairs(similarity: Matrix, distance: Matrix) -> pl.DataFrame:
    """Every two of k labels once, the lower row number first: k(k-1)/2 rows, schema PAIRS."""
    check(similarity, distance)
    one, other = np.triu_indices(len(distance), 1)
    columns = {"one": one, "other": other, "km": distance[one, other], "similarity": similarity[one, other]}
    return pl.DataFrame(columns, schema=PAIRS)


def check(similarity: Matrix, distance: Matrix, least: int = 2) -> None:
    """Raise ValueError unless both are symmetric, finite (k, k) matrices of at least so many labels."""
    for name, matrix in (("similarity", similarity), ("distance", distance)):
        if matrix.ndim != 2 or matrix.shape != (len(distance), len(distance)):
            raise ValueError(
                f"{name} is {matrix.shape} beside {len(distance)} labels' distances; (k, k) is needed"
            )
        if not np.isfinite(matrix).all() or not np.array_equal(matrix, matrix.T):
            raise ValueError(
                f"{name} is not symmetric and finite; label_distances and label_similarities make such ones"
            )
    if len(distance) < least:
        raise ValueError(f"{len(distance)} labels; this statistic needs at least {least}")


def _square(pairs: Matrix, labels: int, diagonal: float = 0.0) -> Matrix:
    """The symmetric matrix whose upper triangle is `pairs`."""
    found = np.zeros((labels, labels))
    found[np.triu_indices(labels, 1)] = pairs
    found += found.T
    np.fill_diagonal(found, diagonal)
    return found
