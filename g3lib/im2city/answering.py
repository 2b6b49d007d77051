"""A saved model's answers for a test set, with all that is judged of them: predictions, certainty, misses."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.certainty import (
    calibration_error,
    cross_fitted_thresholds,
    prediction_sets,
    reliability,
    set_statistics,
)
from g3lib.im2city.labels import NONE, rows_among
from g3lib.im2city.predicting import TOP, TestPhotos, named_cities, predictions, ranked, second_stage, tops
from g3lib.im2city.proximity import label_distances, wrong_answers, wrong_distances
from g3lib.im2city.saving import Trained
from g3lib.im2city.two_stage import TwoStage

SEED = 0
HELD_OUT, CROSS_FITTED = "held-out", "cross-fitted"  # on which photos prediction sets are calibrated
SETS = pl.Schema(
    {
        "calibrated_on": pl.String(),
        **dict.fromkeys(("stated", "measured", "ci_low", "ci_high"), pl.Float64()),
        **dict.fromkeys(("mean_size", "median_size", "singletons"), pl.Float64()),
        "n": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Answered:
    """Of one test set: rows of results.city_prediction and TOPS, and of the tables named here."""

    predictions: pl.DataFrame
    tops: pl.DataFrame
    reliability: pl.DataFrame
    sets: pl.DataFrame
    wrong_answers: pl.DataFrame
    wrong_distances: pl.DataFrame


def answered(
    experiment: str,
    trained: Trained,
    test: TestPhotos,
    features: NDArray[np.floating],
    cities: pl.DataFrame,
    coverage: float,
    permutations: int,
) -> Answered:
    """What the model says of every photo, features (n, d), and how that is to be judged.

    cities: what photos truly show (schema LABELS), in the order of `test.cities`. Two stages are judged by their
    countries; their answer is a city.
    """
    model, labels = trained.first, trained.labels
    raw = replace(model, temperature=1.0).probabilities(features)
    probabilities = raw if model.temperature == 1.0 else model.probabilities(features)
    sets = prediction_sets(probabilities, trained.threshold)
    found = predictions(experiment, test, cities, labels, probabilities, raw, sets)
    best = tops(test, labels, probabilities)
    if isinstance(trained.model, TwoStage):
        found, best = named_cities(found, test, cities, trained.model, features)
    truth = rows_among(test.cities, cities, labels)
    judged = np.flatnonzero(truth != NONE)
    about = {"experiment": experiment, "test_set": test.name}
    certainty = _Judged(probabilities[judged], raw[judged], truth[judged], sets[judged])
    groups = test.photos["author"].gather(judged).to_list()
    return Answered(
        found,
        best,
        _about(certainty.reliability(), about),
        _about(certainty.coverage(coverage, groups), about),
        *(_about(each, about) for each in _misses(certainty, labels, permutations)),
    )


def likeliest(trained: Trained, photos: TestPhotos, features: NDArray[np.floating]) -> pl.DataFrame:
    """The likeliest labels of photos (n, d) and where they lie, schema TOPS."""
    if isinstance(trained.model, TwoStage):
        return second_stage(photos, trained.model.city_labels, trained.model.answers(features, TOP))
    return tops(photos, trained.labels, trained.model.probabilities(features))


@dataclass(frozen=True)
class _Judged:
    """Photos whose truth is a label: probabilities (n, k) calibrated and raw, truth (n,), sets (n, k)."""

    probabilities: NDArray[np.float32]
    raw: NDArray[np.float32]
    truth: NDArray[np.int64]
    sets: NDArray[np.bool_]

    def reliability(self) -> pl.DataFrame:
        """Bins before and after calibration, each with the error over all its bins."""
        frames = []
        for calibrated, chances in ((False, self.raw), (True, self.probabilities)):
            bins = reliability(chances, self.truth)
            told = bins.rename({"low": "ci_low", "high": "ci_high"})
            frames.append(
                told.with_columns(calibrated=pl.lit(calibrated), error=pl.lit(calibration_error(bins)))
            )
        return pl.concat(frames)

    def coverage(self, stated: float, groups: list[str]) -> pl.DataFrame:
        """What sets calibrated on held-out photos cover, and those calibrated on the other folds of authors."""
        if not len(self.truth):
            return SETS.to_frame()
        thresholds = cross_fitted_thresholds(self.probabilities, self.truth, stated, groups)
        rows = []
        for name, sets in (
            (HELD_OUT, self.sets),
            (CROSS_FITTED, prediction_sets(self.probabilities, thresholds)),
        ):
            found = set_statistics(sets, self.truth)
            covered = (stated, found.coverage, found.low, found.high)
            rows.append((name, *covered, found.mean_size, found.median_size, found.singletons, found.n))
        return pl.DataFrame(rows, schema=SETS, orient="row")


def _misses(judged: _Judged, labels: pl.DataFrame, permutations: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Wrong answers against chance, and their distances."""
    distance = label_distances(labels["lat"], labels["lon"])
    best = ranked(judged.probabilities)
    told = wrong_answers(
        judged.truth,
        best[:, 0],
        distance,
        countries=labels["country_code"].to_list(),
        top5=best if best.shape[1] == TOP else None,
        permutations=permutations,
        seed=SEED,
    )
    return told, wrong_distances(judged.truth, best[:, 0], distance, permutations=permutations, seed=SEED)


def _about(frame: pl.DataFrame, about: dict[str, str]) -> pl.DataFrame:
    return frame.select([pl.lit(value).alias(name) for name, value in about.items()] + [pl.all()])
