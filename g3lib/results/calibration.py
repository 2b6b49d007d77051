"""The verifier's score as a probability of being right.

Its score is a cosine: higher is better, but 0.3 is no chance of 30 %. How often answers with such a score were within
1, 25, … km of the truth says what it is worth, by isotonic regression, which assumes only that a higher score is never
worse. A photo's own outcome must not enter its probability, nor those of other photos by its author: the
probabilities of results.diagnosis are cross-fitted. For somebody's own photo, of which no outcome is known, `fit`
learns from all.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.experiments.datasets import UNKNOWN

FOLDS = 10


@dataclass(frozen=True)
class Calibrator:
    """Scores in ascending order and the probabilities there, one per threshold; straight lines between them.

    Plain numbers, so that `dataclasses.asdict` is JSON and `Calibrator(**…)` reads it.
    """

    scores: tuple[float, ...]
    chances: tuple[tuple[float, ...], ...]

    def probabilities(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Scores (m,) to the chances (m, 5) of being within each threshold; NaN without a finite score.

        Scores outside what was seen have the chance of the nearest that was. Never falls from a threshold to a wider.
        """
        asked = np.asarray(scores, dtype=np.float64)
        asked = np.where(np.isfinite(asked), asked, np.nan)
        chances = np.asarray(self.chances)
        found = np.column_stack([np.interp(asked, self.scores, column) for column in chances.T])
        return np.maximum.accumulate(found, axis=1)


def fit(scores: ArrayLike, hits: ArrayLike) -> Calibrator:
    """Isotonic regression (scikit-learn) of hits (n, k), 0 or 1, on scores (n,), for each column.

    Rows without a finite score say nothing. Raises ValueError if none has one, or the shapes do not agree.
    """
    from sklearn.isotonic import IsotonicRegression

    known, outcomes = _checked(scores, hits)
    finite = np.isfinite(known)
    if not finite.any():
        raise ValueError(f"none of {len(known)} scores is a number; there is nothing to calibrate")
    fitted = [
        IsotonicRegression(out_of_bounds="clip").fit(known[finite], column) for column in outcomes[finite].T
    ]
    knots = np.unique(np.concatenate([each.X_thresholds_ for each in fitted]))
    chances = [np.interp(knots, each.X_thresholds_, each.y_thresholds_) for each in fitted]
    return Calibrator(tuple(knots.tolist()), tuple(map(tuple, np.column_stack(chances).tolist())))


def cross_fitted(scores: ArrayLike, hits: ArrayLike, groups: ArrayLike) -> NDArray[np.float64]:
    """(n, k) chances of photos with scores (n,), each learned from the photos of other groups: authors.

    hits (n, k) are 0 or 1, columns in the order of widening thresholds. Groups go into FOLDS folds as a hash of their
    names orders them; photos whose group is null or `unknown` are each their own. NaN without a finite score, or
    where no other fold has one. Raises ValueError if the shapes do not agree.
    """
    known, outcomes = _checked(scores, hits)
    fold = _folds(groups, len(known))
    found = np.full(outcomes.shape, np.nan)
    finite = np.isfinite(known)
    for each in range(FOLDS):
        own, others = fold == each, (fold != each) & finite
        if own.any() and others.any():
            found[own] = fit(known[others], outcomes[others]).probabilities(known[own])
    return found


def expected_calibration_error(
    probabilities: ArrayLike, hits: ArrayLike, bins: int = 10
) -> NDArray[np.float64]:
    """How far chances (n, k) lie from how often hits (n, k) happened, (k,): the mean over `bins` equal intervals.

    Bins count by their photos; those without a chance (NaN) are left out, and NaN is what is left of none.
    """
    chances, outcomes = (np.asarray(each, dtype=np.float64) for each in (probabilities, hits))
    if chances.shape != outcomes.shape or chances.ndim != 2:
        raise ValueError(f"probabilities {chances.shape} and hits {outcomes.shape} must both be (n, k)")
    found = np.full(chances.shape[1], np.nan)
    for column in range(chances.shape[1]):
        known = ~np.isnan(chances[:, column])
        chance, outcome = chances[known, column], outcomes[known, column]
        place = np.minimum((chance * bins).astype(np.int64), bins - 1)  # 1 is in the last
        if len(chance):
            found[column] = np.abs(np.bincount(place, chance - outcome)).sum() / len(chance)
    return found


def _checked(scores: ArrayLike, hits: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known, outcomes = np.asarray(scores, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    if outcomes.ndim != 2 or known.shape != outcomes.shape[:1]:
        raise ValueError(f"scores {known.shape} and hits {outcomes.shape}; (n,) and (n, k) are needed")
    return known, outcomes


def _folds(groups: ArrayLike, count: int) -> NDArray[np.int64]:
    """The fold of each photo: groups in the order of their hashes are dealt round, so that no fold is empty."""
    labels = [
        f"\0{row}" if label is None or label == UNKNOWN else str(label)
        for row, label in enumerate(np.asarray(groups, dtype=object).tolist())
    ]
    if len(labels) != count:
        raise ValueError(f"{len(labels)} groups for {count} scores")
    dealt = sorted(set(labels), key=lambda label: (hashlib.sha256(label.encode()).digest(), label))
    fold = {label: number % FOLDS for number, label in enumerate(dealt)}
    return np.array([fold[label] for label in labels], dtype=np.int64)
