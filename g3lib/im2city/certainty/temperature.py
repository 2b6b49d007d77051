"""One number that makes a model as sure as it is right: the temperature its logits are divided by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from g3lib.im2city.certainty.arrays import Scores, Truth, check, check_answerable

LEAST, MOST = 0.01, 100.0  # of the temperature


@dataclass(frozen=True)
class Temperature:
    """What logits are to be divided by, fitted on n photos; losses are their mean cross-entropies in nats."""

    value: float
    loss_before: float
    loss_after: float
    n: int


def fit_temperature(logits: Scores, truth: Truth) -> Temperature:
    """The temperature of maximum likelihood (Guo et al. 2017, section 4.2), for logits (n, k) and labels (n,).

    Logits are those of temperature 1; `dataclasses.replace(model, temperature=found.value)` calibrates a CityModel. No
    answer changes by it, only how sure they are. Where ever sharper or ever flatter is ever better (all answers right,
    or worse than chance), it ends at LEAST or MOST; where none is better than 1, it is 1. Raises ValueError for no
    photos, photos of no label, and shapes that do not agree or logits that are not finite.
    """
    from scipy.optimize import minimize_scalar

    check(logits, truth, "logits")
    check_answerable(truth, "to calibrate on")
    if not len(truth):
        raise ValueError("no photos to calibrate on; at least 1 is needed")
    above = logits - logits.max(axis=1, keepdims=True)
    own = above[np.arange(len(truth)), truth].astype(np.float64)

    def loss(logarithm: float) -> float:
        return _loss(above, own, float(np.exp(logarithm)))

    ends = np.log([LEAST, MOST])
    inside = minimize_scalar(loss, bounds=tuple(ends), method="bounded", options={"xatol": 1e-6})
    # convex in 1 / T, so the only rivals of what was found are the ends, which the search never tries
    after, best = min((loss(each), float(each)) for each in (inside.x, *ends))
    before = loss(0.0)
    after, best = (after, best) if after < before else (before, 0.0)
    return Temperature(float(np.exp(best)), before, after, len(truth))


def _loss(above: Scores, own: NDArray[np.float64], temperature: float) -> float:
    """The mean cross-entropy, from logits less the row's largest and the true labels' among them."""
    powers = np.exp(above / above.dtype.type(temperature))
    sums = np.log(powers.sum(axis=1, dtype=np.float64))
    return float((sums - own / temperature).mean())
