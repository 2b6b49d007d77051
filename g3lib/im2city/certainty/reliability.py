"""How often answers of which a model is so sure are right: what a reliability diagram draws."""

import numpy as np
import polars as pl

from g3lib.im2city.certainty.arrays import Scores, Truth, check_probabilities, wilson

RELIABILITY = pl.Schema(
    {
        **dict.fromkeys(("bin", "n"), pl.Int64()),
        **dict.fromkeys(("predicted", "measured", "low", "high"), pl.Float64()),
    }
)


def reliability(probabilities: Scores, truth: Truth, bins: int = 10) -> pl.DataFrame:
    """Photos in the order of their answers' probability, in bins of equally many: schema RELIABILITY.

    probabilities (n, k), truth (n,); the answer is the label of the highest one, the first if several are. predicted:
    its mean probability; measured: the share of right answers, with Wilson's 95 % interval. Equally many, not equally
    wide: no bin is empty or hangs on two photos, and a sure model's answers do not all fall into one (our choice).
    Equal probabilities share a bin, so the order of photos does not matter, but there may be fewer bins. Photos of no
    label (truth -1) count as wrong, as they are. Raises ValueError for no bins and what is no probabilities.
    """
    from scipy.stats import rankdata

    check_probabilities(probabilities, truth)
    if bins < 1:
        raise ValueError(f"bins={bins}; at least 1 is needed")
    sure = probabilities.max(axis=1, initial=0.0).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    place = (rankdata(sure, method="min").astype(np.int64) - 1) * bins // max(len(truth), 1)
    rows = []
    for number, each in enumerate(np.unique(place)):
        own = place == each
        low, high = wilson(int(right[own].sum()), int(own.sum()))
        rows.append((number, int(own.sum()), sure[own].mean(), right[own].mean(), low, high))
    return pl.DataFrame(rows, schema=RELIABILITY, orient="row")


def calibration_error(bins: pl.DataFrame) -> float:
    """The expected calibration error of `reliability`'s bins: |predicted - measured|, over photos; NaN without any."""
    if bins.is_empty():
        return float("nan")
    apart = (bins["predicted"] - bins["measured"]).abs().to_numpy()
    return float(np.average(apart, weights=bins["n"].to_numpy()))
