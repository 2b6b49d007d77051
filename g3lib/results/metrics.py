"""What an error in kilometres is worth: threshold accuracy, GeoScore, median, 90th percentile and mean.

Every function takes the errors of all queries, a failure being None or NaN, and counts it as the
house does: every average divides by all queries. Intervals and tables are next door.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

THRESHOLDS_KM = (1, 25, 200, 750, 2500)  # street, city, region, country, continent
GEOSCORE_MAX = 5000.0
GEOSCORE_KM = 1492.7  # GeoGuessr's scale for the world map, as OSV-5M and PLONK use it


def hits(errors_km: ArrayLike) -> NDArray[np.bool_]:
    """Errors of shape (n,) to hits of shape (n, 5), one column per threshold; strict, as in G3.

    Raises ValueError if an error is negative.
    """
    below: NDArray[np.bool_] = _checked(errors_km)[:, np.newaxis] < np.array(THRESHOLDS_KM)
    return below


def geoscore(errors_km: ArrayLike) -> float:
    """Mean of 5000 exp(-d / 1492.7 km) over all queries, a failure scoring 0; NaN for none."""
    errors = _checked(errors_km)
    scores = np.nan_to_num(GEOSCORE_MAX * np.exp(-errors / GEOSCORE_KM), nan=0.0)
    return float(scores.mean()) if len(scores) else float("nan")


def median_km(errors_km: ArrayLike) -> float:
    """Median over all queries, failures lying infinitely far: inf if most failed, NaN for none."""
    errors = _checked(errors_km)
    return float(np.median(np.nan_to_num(errors, nan=np.inf))) if len(errors) else float("nan")


def p90_km(errors_km: ArrayLike) -> float:
    """The least error that 90 % of all queries do not exceed, failures lying infinitely far; NaN for none.

    One of the errors itself, never a value between two: beside infinity there is no such value.
    """
    errors = np.nan_to_num(_checked(errors_km), nan=np.inf)
    place = -(-9 * len(errors) // 10) - 1  # whole numbers: 0.9 n may fall beside what it should be
    return float(np.partition(errors, place)[place]) if len(errors) else float("nan")


def mean_km(errors_km: ArrayLike) -> float:
    """Mean over the *answered* queries only, since a failure has no distance; NaN if none is."""
    errors = _checked(errors_km)
    answered = errors[~np.isnan(errors)]
    return float(answered.mean()) if len(answered) else float("nan")


def parse_failure_rate(failures: Sequence[str | None]) -> float:
    """Share of LMM answers with a recorded failure (None is a good answer); NaN for no answers."""
    failed = sum(failure is not None for failure in failures)
    return failed / len(failures) if failures else float("nan")


def _checked(errors_km: ArrayLike) -> NDArray[np.float64]:
    """Errors as float64 of shape (n,); what is negative cannot be a distance."""
    errors = np.asarray(errors_km, dtype=np.float64)
    if errors.ndim != 1:
        raise ValueError(f"errors_km has shape {errors.shape}; one error per query is needed")
    if (errors < 0).any():
        raise ValueError(f"errors_km holds {int((errors < 0).sum())} negative distances")
    return errors
