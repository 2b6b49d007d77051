"""What each query's candidates, references and gallery held: where the misses of an experiment come from.

The best of the first K candidates is what a perfect choice among them would reach (oracle@K); the nearest retrieved
reference, what a perfect use of the retrieval; the nearest gallery photo, what a perfect retrieval. The views of the
warehouse compare them with each threshold.
"""

import numpy as np
import polars as pl

from g3lib.geo import geodesic_km, is_on_earth
from g3lib.results.calibration import cross_fitted
from g3lib.results.intervals import author_clusters
from g3lib.results.metrics import THRESHOLDS_KM, hits

ORACLES = (1, 5, 10, 20)
PROBABILITIES = tuple(f"probability_{km}_km" for km in THRESHOLDS_KM)
DIAGNOSIS_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("benchmark", "experiment", "gallery_policy", "photo_id", "author"), pl.String()),
        **dict.fromkeys(("error_km", "score"), pl.Float64()),
        "candidates": pl.Int64(),
        **dict.fromkeys((f"oracle_{k}_km" for k in ORACLES), pl.Float64()),
        **dict.fromkeys(("oracle_km", "reference_km", "gallery_km", *PROBABILITIES), pl.Float64()),
    }
)


def diagnose(
    predictions: pl.DataFrame,
    scored: pl.DataFrame,
    references: pl.DataFrame,
    gallery_km: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row per prediction of *one* benchmark and experiment, in their order; distances in geodesic km.

    predictions: as in results.prediction. scored: the experiment's candidates (photo_id, lat, lon, score); those
    without a position on Earth are none. They stand by descending score, equals and what has none by the table's
    order. references: photo_id, lat, lon of what was retrieved for it, maybe nothing. gallery_km: photo_id and
    gallery_km, None if the experiment searches no gallery. What there is none of has no distance (null).
    Raises ValueError if predictions are of several experiments, repeat a photo, or have none for a candidate.
    """
    _check(predictions, scored)
    truth = predictions.select("photo_id", "true_lat", "true_lon")
    if gallery_km is None:
        gallery_km = pl.DataFrame(schema={"photo_id": pl.String, "gallery_km": pl.Float64})
    joined = predictions.with_columns(_probabilities(predictions))
    for other in (
        _oracles(scored, truth),
        _nearest(references, truth, "reference_km"),
        gallery_km.select("photo_id", "gallery_km"),
    ):
        joined = joined.join(other, on="photo_id", how="left", maintain_order="left", validate="1:1")
    filled = joined.with_columns(pl.col("candidates").fill_null(0))
    return filled.select(DIAGNOSIS_SCHEMA.names()).cast(DIAGNOSIS_SCHEMA)


def _probabilities(predictions: pl.DataFrame) -> list[pl.Series]:
    scores = predictions["score"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    outcomes = hits(predictions["error_km"].cast(pl.Float64).to_numpy())
    chances = cross_fitted(scores, outcomes, author_clusters(predictions).to_list())
    return [
        pl.Series(name, column).fill_nan(None) for name, column in zip(PROBABILITIES, chances.T, strict=True)
    ]


def _oracles(scored: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """photo_id, candidates, and the nearest of the first K and of all."""
    score = pl.col("score").cast(pl.Float64)
    measured = _measured(scored.with_row_index("_row"), truth)
    ordered = measured.with_columns(_score=pl.when(score.is_finite()).then(score)).sort(
        "_score", "_row", descending=[True, False], nulls_last=True
    )
    km = pl.col("_km")
    first = {f"oracle_{k}_km": km.head(k).min() for k in ORACLES}
    grouped = ordered.group_by("photo_id", maintain_order=True)
    return grouped.agg(pl.len().alias("candidates"), **first, oracle_km=km.min())


def _nearest(positions: pl.DataFrame, truth: pl.DataFrame, name: str) -> pl.DataFrame:
    return _measured(positions, truth).group_by("photo_id").agg(pl.col("_km").min().alias(name))


def _measured(positions: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Rows (photo_id, lat, lon, …) with a position on Earth and their distance `_km` from the truth."""
    lat, lon = (positions[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("lat", "lon"))
    usable = positions.filter(pl.Series(is_on_earth(lat, lon), dtype=pl.Boolean))
    joined = usable.join(truth, on="photo_id")
    columns = (joined[name].cast(pl.Float64).to_numpy() for name in ("lat", "lon", "true_lat", "true_lon"))
    return joined.with_columns(_km=pl.Series(geodesic_km(*columns), dtype=pl.Float64).fill_nan(None))


def _check(predictions: pl.DataFrame, scored: pl.DataFrame) -> None:
    names = predictions.select("benchmark", "experiment").unique()
    if names.height > 1:
        raise ValueError(
            f"predictions of {names.height} experiments; give one benchmark and experiment at once"
        )
    photos = predictions["photo_id"]
    if photos.is_duplicated().any():
        first = photos.filter(photos.is_duplicated())[0]
        raise ValueError(f"photo {first!r} has several predictions; one per query is needed")
    strangers = scored.join(predictions, on="photo_id", how="anti")["photo_id"]
    if len(strangers):
        raise ValueError(
            f"photo {strangers[0]!r} has candidates but no prediction; give those of one experiment"
        )
