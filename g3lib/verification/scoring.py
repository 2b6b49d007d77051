"""Scores of candidates: the cosine of a photo's and a position's embedding (paper section 3.2).

All photos of a benchmark at once, from the features that were stored when CLIP saw them; the released code runs the
vision tower again and goes through the photos one by one. A position that several candidates share, of one photo or
of many, is encoded once, so equal positions of a photo have equal scores to the last bit. Positions are encoded in the
order of their degrees: what stands in which row of the table changes no score.
"""

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.alignment.model import GeoAlignment
from g3lib.geo import is_on_earth

BATCH = 4096  # positions encoded at once; more are slower, since a layer's output no longer fits the cache


def score(
    candidates: pl.DataFrame, photo_ids: pl.Series, features: Tensor, model: GeoAlignment
) -> pl.DataFrame:
    """`candidates` (photo_id, lat, lon in degrees, …) with a `score` float64: null without a usable position.

    `photo_ids` names the n rows of `features` (n, d) float32, un-normalised CLIP image features. Computed on the
    model's device. Raises ValueError for a candidate of a photo without features.
    """
    rows = _rows(candidates["photo_id"], photo_ids, len(features))
    known = usable(candidates)
    places = candidates.select("lat", "lon").filter(pl.Series(known)).cast(pl.Float64).to_numpy()
    scores = np.full(candidates.height, np.nan)
    if known.any():
        with torch.inference_mode():
            scores[known] = similarities(model, features, rows[known], places)
    return candidates.with_columns(score=pl.Series(scores, dtype=pl.Float64).fill_nan(None))


def similarities(
    model: GeoAlignment, features: Tensor, photos: NDArray[np.int64], positions: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Cosines (m,) of f_gps(image) and the GPS embedding, for m pairs of a row of `features` and a position.

    features (n, d) float32; photos (m,); positions (m, 2) degrees (lat, lon).
    """
    images = model.image_gps(features.to(model.logit_scale2.device))
    places, place = _distinct(positions)
    pairs = np.argsort(place, kind="stable")  # so that each batch of places has a run of them
    ends = np.searchsorted(place[pairs], np.arange(BATCH, len(places), BATCH))
    scores = np.empty(len(photos), np.float32)
    for number, of_batch in enumerate(np.split(pairs, ends)):
        start = number * BATCH
        encoded = model.gps(
            torch.from_numpy(places[start : start + BATCH])
        )  # projected on the CPU, in float64
        beside = encoded[torch.from_numpy(place[of_batch] - start)]
        scores[of_batch] = (images[torch.from_numpy(photos[of_batch])] * beside).sum(-1).cpu().numpy()
    return scores


def usable(candidates: pl.DataFrame) -> NDArray[np.bool_]:
    """(m,) bool: which candidates have a position, and one that exists on Earth."""
    lat, lon = (candidates[name].cast(pl.Float64).fill_null(np.nan) for name in ("lat", "lon"))
    return is_on_earth(lat.to_numpy(), lon.to_numpy())


def _rows(asked: pl.Series, photo_ids: pl.Series, count: int) -> NDArray[np.int64]:
    """The row of each candidate's photo among the features."""
    if len(photo_ids) != count:
        raise ValueError(f"{len(photo_ids)} photos with {count} features; materialize their features again")
    numbers = pl.Series(np.arange(count), dtype=pl.Int64)
    rows = asked.replace_strict(photo_ids, numbers, default=None, return_dtype=pl.Int64)
    if rows.null_count():
        unknown = asked.filter(rows.is_null()).unique().sort()
        raise ValueError(f"{len(unknown)} photos have candidates but no features, e.g. {unknown[0]}")
    return rows.to_numpy()


def _distinct(positions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The k different positions (k, 2), ascending, and which of them each of the m is, (m,)."""
    joined = np.ascontiguousarray(positions).view(np.complex128).ravel()  # sorts ten times faster than rows
    places, place = np.unique(joined, return_inverse=True)
    return places.view(np.float64).reshape(-1, 2), place.astype(np.int64)
