"""The measures of anybody's predictions, by the functions that measure ours: equal predictions, equal numbers."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from g3lib.geo import geodesic_km, haversine_km
from g3lib.places import names_by_level
from g3lib.results.accuracy import accuracy_table, continent_table, place_table, summary_table
from g3lib.results.outside.judging import Judged

VARIANT = "outside"  # what tables say of predictions that are not ours
SEED = 0  # as for ours: the same resamples
_NO_CANDIDATES = pl.DataFrame(
    schema={
        **dict.fromkeys(("benchmark", "experiment", "source", "failure"), pl.String),
        **dict.fromkeys(("tokens_in", "tokens_out"), pl.Int64),
    }
)


@dataclass(frozen=True)
class Scored:
    """Everything measured; the tables have the columns of results.prediction, accuracy, and so on, but for run_id."""

    name: str
    judged: Judged
    predictions: pl.DataFrame
    accuracy: pl.DataFrame
    continents: pl.DataFrame
    places: pl.DataFrame
    summary: pl.DataFrame

    @property
    def benchmark(self) -> str:
        """Whose photos they are."""
        return self.judged.truth.benchmark


def measure(judged: Judged, name: str, resamples: int, near_km: float) -> Scored:
    """Score what was judged; `near_km` as `g3lib.places.geocode` has it. Seconds for thousands of photos."""
    predictions = _predictions(judged, name, near_km)
    truth = judged.predictions.select("photo_id", lat="true_lat", lon="true_lon")
    queries = truth.hstack(names_by_level(truth, near_km)).with_columns(
        benchmark=pl.lit(judged.truth.benchmark)
    )
    return Scored(
        name=name,
        judged=judged,
        predictions=predictions,
        accuracy=accuracy_table(predictions, judged.truth.photos.height, resamples, SEED),
        continents=continent_table(predictions, queries, resamples, SEED),
        places=place_table(predictions, queries, resamples, SEED),
        summary=summary_table(predictions, _NO_CANDIDATES),
    )


def _predictions(judged: Judged, name: str, near_km: float) -> pl.DataFrame:
    """The columns of results.prediction, but for run_id."""
    own = judged.predictions
    columns = ("lat", "lon", "true_lat", "true_lon")
    positions = [own[each].fill_null(np.nan).to_numpy() for each in columns]
    nothing = pl.lit(None, pl.String)
    return own.select(
        benchmark=pl.lit(judged.truth.benchmark),
        experiment=pl.lit(name),
        method=pl.lit(name),
        variant=pl.lit(VARIANT),
        gallery_policy=nothing,
        photo_id="photo_id",
        author="author",
        **{each: pl.col(each) for each in columns},
        error_km=pl.Series(geodesic_km(*positions)).fill_nan(None),
        error_haversine_km=pl.Series(haversine_km(*positions)).fill_nan(None),
        **{each.name: each for each in names_by_level(own, near_km)},
        source=pl.lit(VARIANT),
        score=pl.lit(None, pl.Float64),
        lmm=nothing,
    )
