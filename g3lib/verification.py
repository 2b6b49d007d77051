"""Geo-verification: score candidates by image-GPS similarity and choose one per photo (paper section 3.2).

Also the choices without it: the first candidate, or a seeded random one. A candidate that is missing or
not on Earth gets no score and is never chosen.
"""

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.alignment.model import GeoAlignment
from g3lib.experiments.experiment import Selection
from g3lib.geo import is_on_earth

BATCH = 65_536


def similarities(
    model: GeoAlignment, features: Tensor, queries: NDArray[np.int64], coordinates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cosine of f_gps(image) and the GPS embedding for m (query row, position) pairs: (m,) float64."""
    images = model.image_gps(features)
    scores = [
        (images[torch.from_numpy(rows)] * model.gps(torch.from_numpy(places))).sum(-1)
        for rows, places in zip(
            np.split(queries, range(BATCH, len(queries), BATCH)),
            np.split(coordinates, range(BATCH, len(queries), BATCH)),
            strict=True,
        )
    ]
    return torch.cat(scores).double().cpu().numpy()


def score(
    candidates: pl.DataFrame, photo_ids: pl.Series, features: Tensor, model: GeoAlignment
) -> pl.DataFrame:
    """`candidates` with a `score` column (null where there is no usable position).

    `photo_ids` names the rows of `features` (un-normalised CLIP image features). Raises ValueError for a
    candidate of a photo without features.
    """
    rows = dict(zip(photo_ids, range(len(photo_ids)), strict=True))
    unknown = set(candidates["photo_id"].unique()) - rows.keys()
    if unknown:
        raise ValueError(f"{len(unknown)} photos have candidates but no features, e.g. {min(unknown)}")
    usable = _on_earth(candidates)
    scores = np.full(candidates.height, np.nan)
    if usable.any():
        queries = np.array([rows[each] for each in candidates["photo_id"].filter(pl.Series(usable))])
        places = candidates.select("lat", "lon").filter(pl.Series(usable)).to_numpy()
        with torch.inference_mode():
            scores[usable] = similarities(model, features, queries, places)
    return candidates.with_columns(score=pl.Series(scores).fill_nan(None))


def _on_earth(candidates: pl.DataFrame) -> NDArray[np.bool_]:
    """Which candidates have a position that exists."""
    lat, lon = (candidates[name].cast(pl.Float64).fill_null(np.nan) for name in ("lat", "lon"))
    return is_on_earth(lat.to_numpy(), lon.to_numpy())


def choose(scored: pl.DataFrame, selection: Selection, seed: int) -> pl.DataFrame:
    """`scored` with a boolean `chosen`: at most one per photo; ties go to the earliest candidate."""
    usable = pl.lit(pl.Series(_on_earth(scored)))
    if selection == "verifier":
        usable &= pl.col("score").is_not_null()
        preference = pl.col("score")
    elif selection == "first":
        preference = -pl.int_range(pl.len()).cast(pl.Float64)
    else:
        draws = np.random.default_rng(seed).random(scored.height)
        preference = pl.lit(pl.Series(draws))
    ranked = scored.with_columns(_usable=usable, _preference=preference, _row=pl.int_range(pl.len()))
    best = (
        ranked.filter("_usable")
        .sort("_preference", "_row", descending=[True, False])
        .unique("photo_id", keep="first", maintain_order=True)["_row"]
    )
    chosen = pl.col("_row").is_in(best.implode())
    return ranked.with_columns(chosen=chosen).drop("_usable", "_preference", "_row")
