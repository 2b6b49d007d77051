"""Scores of labels beside the truth: what every function here takes, and says when they do not fit together."""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]  # (n, k): logits or probabilities, float32 or float64
Truth = NDArray[np.int64]  # (n,): row numbers of labels; -1 is none of them


def check(scores: Scores, truth: Truth, name: str) -> None:
    """Raise ValueError, calling the scores by `name`, unless they are finite (n, k) beside n row numbers, or -1."""
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or not scores.shape[1]:
        raise ValueError(f"{name} {scores.shape} and truth {truth.shape}; (n, k) and (n,) are needed")
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{name}: {int((~np.isfinite(scores)).sum())} of {scores.size} are not finite numbers"
        )
    if len(truth) and not -1 <= truth.min() <= truth.max() < scores.shape[1]:
        raise ValueError(
            f"truth from {truth.min()} to {truth.max()}; row numbers of {scores.shape[1]} labels, or -1, are needed"
        )


def check_probabilities(probabilities: Scores, truth: Truth) -> None:
    """The same for probabilities, which also lie between 0 and 1 and sum to 1."""
    check(probabilities, truth, "probabilities")
    if len(truth) and (probabilities.min() < 0 or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-3):
        raise ValueError("probabilities: a row has a negative one or does not sum to 1; are these logits?")


def check_answerable(truth: Truth, what: str) -> None:
    """Raise ValueError if some photo shows none of the labels: nothing can be learned from it."""
    if (none := int((truth < 0).sum())) > 0:
        raise ValueError(f"{none} of {len(truth)} photos {what} show none of the labels; leave them out")


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of part / whole (scipy); (0, 1) of nothing."""
    from scipy.stats import binomtest

    if not whole:
        return 0.0, 1.0
    found = binomtest(part, whole).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
