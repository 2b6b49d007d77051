"""A model's answers for the photos of a test set: the label, how sure it is, and where the truth stood.

Who learned from what, and how good the answers are on the whole, does not belong here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.geo import geodesic_km
from g3lib.im2city.labels import NONE, rows_among
from g3lib.im2city.two_stage import Answers, TwoStage

TOP = 5  # labels of each photo that become candidates
PREDICTIONS = pl.Schema(
    {
        "experiment": pl.String,
        "test_set": pl.String,
        "photo_id": pl.String,
        "author": pl.String,
        "scale": pl.String,  # what the labels are: city or country
        "truth": pl.String,  # the city or country that the photo shows; null: it has no label
        "true_country": pl.String,  # country code
        "label": pl.String,
        "country": pl.String,  # its country code
        "probability": pl.Float64,  # calibrated
        "raw_probability": pl.Float64,
        "truth_rank": pl.Int64,  # of the true label, from 1; null where it is none of the labels
        "country_rank": pl.Int64,  # of the best label in the true country, from 1
        "in_country": pl.Int64,  # labels that lie in the true country
        "labels": pl.Int64,  # in the set
        "km": pl.Float64,  # geodesic, from the predicted label to the true city
        "set_size": pl.Int64,  # labels in the prediction set
        "in_set": pl.Boolean,  # whether the truth is among them
    }
)
TOPS = pl.Schema(
    {
        "test_set": pl.String,
        "photo_id": pl.String,
        "rank": pl.Int32,  # from 0
        "label": pl.String,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "probability": pl.Float64,
    }
)


@dataclass(frozen=True)
class TestPhotos:
    """Photos of a test set: ids and authors, and the row in the cities of each (NONE: of none)."""

    name: str
    photos: pl.DataFrame  # photo_id, author
    cities: NDArray[np.int64]


def ranked(probabilities: NDArray[np.float32], top: int = TOP) -> NDArray[np.int64]:
    """(n, min(top, k)) labels of (n, k) probabilities, the likeliest first; ties go to the lower row."""
    top = min(top, probabilities.shape[1])
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :top]


def rank_of(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the rank, from 1, of one label of each photo, as `ranked` orders them; 0 where it is NONE."""
    rows = np.arange(len(labels))
    own = probabilities[rows, np.maximum(labels, 0)][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & before)
    return np.where(labels == NONE, 0, 1 + ahead.sum(axis=1))


def predictions(
    experiment: str,
    test: TestPhotos,
    cities: pl.DataFrame,
    labels: pl.DataFrame,
    probabilities: NDArray[np.float32],
    raw: NDArray[np.float32],
    sets: NDArray[np.bool_],
) -> pl.DataFrame:
    """One row per photo, schema PREDICTIONS.

    cities: what photos truly show (schema LABELS); labels: what the model names, cities or countries (schema LABELS).
    probabilities: (n, k) calibrated; raw: before. sets: (n, k) the prediction set of each photo.
    """
    known = test.cities != NONE
    scale = "country" if labels["city"].null_count() else "city"
    truth = rows_among(test.cities, cities, labels)
    best = ranked(probabilities, 1)[:, 0]
    rows = np.arange(len(best))
    codes = _taken(cities["country_code"], test.cities)
    same = labels["country_code"].to_numpy()[None, :] == codes.to_numpy()[:, None]
    found = test.photos.select("photo_id", "author").with_columns(
        pl.lit(experiment).alias("experiment"),
        pl.lit(test.name).alias("test_set"),
        pl.lit(scale).alias("scale"),
        _taken(cities["country" if scale == "country" else "label"], test.cities).alias("truth"),
        codes.alias("true_country"),
        labels["label"][best].alias("label"),
        labels["country_code"][best].alias("country"),
        pl.Series("probability", probabilities[rows, best], pl.Float64),
        pl.Series("raw_probability", raw[rows, best], pl.Float64),
        _ranks("truth_rank", rank_of(probabilities, truth)),
        _ranks("country_rank", _country_rank(probabilities, same)),
        pl.Series("in_country", same.sum(axis=1), pl.Int64),
        pl.lit(labels.height, pl.Int64).alias("labels"),
        pl.Series("km", _kilometres(labels, best, cities, test.cities)).fill_nan(None),
        pl.Series("set_size", sets.sum(axis=1), pl.Int64),
        pl.Series("in_set", sets[rows, np.maximum(truth, 0)] & (truth != NONE)),
    )
    return found.with_columns(pl.when(pl.Series(known)).then(pl.col("in_country", "in_set"))).select(
        PREDICTIONS.names()
    )


def tops(test: TestPhotos, labels: pl.DataFrame, probabilities: NDArray[np.float32]) -> pl.DataFrame:
    """The TOP likeliest labels of each photo with their positions, schema TOPS."""
    chosen = ranked(probabilities)
    return _tops(test, labels, chosen, np.take_along_axis(probabilities, chosen, axis=1))


def _tops(
    test: TestPhotos, labels: pl.DataFrame, chosen: NDArray[np.int64], shares: NDArray[np.float32]
) -> pl.DataFrame:
    """Of rows of labels (n, top), NONE where there are fewer, and their probabilities."""
    width, flat = chosen.shape[1], chosen.ravel()
    named = labels.select("label", "lat", "lon")[np.maximum(flat, 0)]
    ids = test.photos["photo_id"].gather(np.repeat(np.arange(len(chosen)), width))
    found = named.with_columns(
        pl.lit(test.name).alias("test_set"),
        ids.alias("photo_id"),
        pl.Series("rank", np.tile(np.arange(width), len(chosen)), pl.Int32),
        pl.Series("probability", shares.ravel(), pl.Float64),
    )
    return found.filter(pl.Series(flat != NONE)).select(TOPS.names())


def named_cities(
    found: pl.DataFrame,
    test: TestPhotos,
    cities: pl.DataFrame,
    model: TwoStage,
    features: NDArray[np.floating],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions of countries, and TOPS, with the cities that the second stage names within them.

    Ranks and sets stay those of the countries. found: `predictions` by the first stage, in the photos' order.
    """
    answers, labels = model.answers(features, TOP), model.city_labels
    best = answers.cities[:, 0]
    found = found.with_columns(
        labels["label"][best].alias("label"),
        labels["country_code"][best].alias("country"),
        pl.Series("probability", answers.probabilities[:, 0], pl.Float64),
        pl.Series("raw_probability", answers.probabilities[:, 0], pl.Float64),
        pl.Series("km", _kilometres(labels, best, cities, test.cities)).fill_nan(None),
    )
    return found, second_stage(test, labels, answers)


def second_stage(test: TestPhotos, labels: pl.DataFrame, answers: Answers) -> pl.DataFrame:
    """The cities that two stages name, with their positions, schema TOPS."""
    return _tops(test, labels, answers.cities, answers.probabilities)


def _country_rank(probabilities: NDArray[np.float32], same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) rank of the best label in the true country, from 1; 0 where none lies there.

    same: (n, k) which labels lie in the photo's true country.
    """
    best = np.where(same, probabilities, -1.0).argmax(axis=1)
    return rank_of(probabilities, np.where(same.any(axis=1), best, NONE))


def _ranks(name: str, ranks: NDArray[np.int64]) -> pl.Series:
    """Ranks, null for 0."""
    return pl.Series(name, ranks, pl.Int64).replace(0, None)


def _taken(names: pl.Series, rows: NDArray[np.int64]) -> pl.Series:
    """Names by row, null for NONE."""
    return names.gather(pl.Series(rows, dtype=pl.Int64).replace(NONE, None))


def _kilometres(
    labels: pl.DataFrame, best: NDArray[np.int64], cities: pl.DataFrame, truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """From the predicted label to the true city; NaN where there is none."""
    own = np.maximum(truth, 0)
    ends: Sequence[NDArray[np.float64]] = [
        *(labels[axis].to_numpy()[best] for axis in ("lat", "lon")),
        *(cities[axis].to_numpy()[own] for axis in ("lat", "lon")),
    ]
    return np.where(truth == NONE, np.nan, geodesic_km(*ends))
