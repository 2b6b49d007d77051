"""As many cities as it takes: sets of labels that hold the truth with a stated probability (split conformal).

A label is in the set if its probability reaches a threshold, which photos with known labels give: least ambiguous sets
(Sadinle, Lei & Wasserman 2019), the smallest on average of all with that coverage. They promise coverage over *all*
photos together: hard cities may get less and easy ones more, where adaptive sets (APS) would be larger and more even.
The promise holds if calibration photos and new ones are exchangeable: drawn alike. Another camera, source or share of
cities breaks it, and photos by one author resemble one another, hence the cross-fitting by groups.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from g3lib.experiments.datasets import UNKNOWN
from g3lib.im2city.certainty.arrays import Scores, Truth, check_answerable, check_probabilities, wilson

FOLDS = 10


@dataclass(frozen=True)
class SetStatistics:
    """n sets: the share that hold the truth with Wilson's 95 % interval, sizes, and the share of single labels."""

    n: int
    coverage: float
    low: float
    high: float
    mean_size: float
    median_size: float
    singletons: float


def conformal_threshold(probabilities: Scores, truth: Truth, coverage: float) -> float:
    """The least probability that puts a label in the set, from n calibration photos: (n, k) and labels (n,).

    The floor((n + 1)(1 - coverage))-th smallest probability of a true label: a new photo's then reaches it with at
    least the stated probability. Fewer than 1 / (1 - coverage) - 1 photos cannot promise so much, and the threshold is
    0: every label is in the set. Raises ValueError for a coverage outside (0, 1), photos of no label, and what is no
    probabilities.
    """
    _check_coverage(coverage)
    check_probabilities(probabilities, truth)
    check_answerable(truth, "to calibrate on")
    # exact: (9 + 1) * (1 - 0.9) is just below 1 in floating point
    rank = math.floor((len(truth) + 1) * (1 - Fraction(str(coverage))))
    if not rank:
        return 0.0
    return float(np.partition(probabilities[np.arange(len(truth)), truth], rank - 1)[rank - 1])


def cross_fitted_thresholds(
    probabilities: Scores, truth: Truth, coverage: float, groups: ArrayLike, folds: int = FOLDS
) -> NDArray[np.float64]:
    """(n,): for each photo the threshold of the photos in other folds, which hold whole groups (n,): authors.

    So that one set of photos can both calibrate and be judged, no photo by its own author's. Groups that are null or
    `unknown` are each their own. With one group there is nobody to learn from, and thresholds are 0. Raises as
    `conformal_threshold`, and for fewer than 2 folds or another number of groups than of photos.
    """
    from sklearn.model_selection import GroupKFold

    _check_coverage(coverage)
    check_probabilities(probabilities, truth)
    check_answerable(truth, "to calibrate on")
    labels = _own_groups(groups)
    if len(labels) != len(truth) or folds < 2:
        raise ValueError(
            f"{len(labels)} groups for {len(truth)} photos in {folds} folds; as many, and 2 folds, needed"
        )
    found = np.zeros(len(truth))
    if (several := min(folds, len(set(labels)))) < 2:
        return found
    for others, own in GroupKFold(several).split(truth, groups=labels):
        found[own] = conformal_threshold(probabilities[others], truth[others], coverage)
    return found


def prediction_sets(probabilities: Scores, threshold: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n, k): the labels whose probability reaches the threshold, one for all or one for each photo (n,).

    The answer itself is always in it (our choice; it can only raise coverage), so no set is empty.
    """
    sets: NDArray[np.bool_] = probabilities >= np.reshape(threshold, (-1, 1))
    sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True
    return sets


def set_statistics(sets: NDArray[np.bool_], truth: Truth) -> SetStatistics:
    """What sets (n, k) are worth beside the truth (n,); -1, none of the labels, is in no set.

    Raises ValueError without photos, and if shapes do not agree.
    """
    if sets.ndim != 2 or truth.shape != sets.shape[:1] or not len(sets):
        raise ValueError(f"sets {sets.shape} and truth {truth.shape}; (n, k) and (n,) with n > 0 are needed")
    held = int((sets[np.arange(len(truth)), truth] & (truth >= 0)).sum())
    sizes = sets.sum(axis=1)
    low, high = wilson(held, len(truth))
    return SetStatistics(
        n=len(truth),
        coverage=held / len(truth),
        low=low,
        high=high,
        mean_size=float(sizes.mean()),
        median_size=float(np.median(sizes)),
        singletons=float((sizes == 1).mean()),
    )


def _check_coverage(coverage: float) -> None:
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage}; above 0 and below 1 is needed, such as 0.9")


def _own_groups(groups: ArrayLike) -> list[str]:
    """Names of groups; a photo by nobody in particular is its own."""
    return [
        f"\0{row}" if group is None or group == UNKNOWN else str(group)
        for row, group in enumerate(np.asarray(groups, dtype=object).tolist())
    ]
