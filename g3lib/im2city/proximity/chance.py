"""What would be measured if labels had nothing to do with places: permutations, and where they put a measurement."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Tail = Literal["lower", "higher"]
PERMUTATIONS = 9_999

AGAINST_CHANCE = pl.Schema(
    {
        "measure": pl.String(),
        "n": pl.Int64(),  # what the measure is a mean or share of
        **dict.fromkeys(("measured", "chance", "chance_low", "chance_high", "p"), pl.Float64()),
        "permutations": pl.Int64(),
    }
)
_EQUAL = 1e-9  # relative: sums in another order are the same number


@dataclass(frozen=True)
class Chance:
    """The mean and the middle 95 % of what permutations gave, and the p of what was measured."""

    mean: float
    low: float
    high: float
    p: float


def permuted(size: int, permutations: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """So many random orders of `size` things; the first n of a seed are the same however many are asked for.

    Raises ValueError if not even one is asked for.
    """
    if permutations < 1:
        raise ValueError(f"permutations={permutations}; at least 1 is needed, {PERMUTATIONS:,} are usual")
    generator = np.random.default_rng(seed)
    return (generator.permutation(size) for _ in range(permutations))


def against(null: ArrayLike, measured: float, tail: Tail) -> Chance:
    """Where `measured` lies among the permutations' numbers (r,).

    p = (1 + permutations at least as extreme) / (1 + r), so the order that was measured counts as one of them and no p
    is 0 (Phipson & Smyth 2010). Extreme is so low, or so high, as `tail` says. NaN is a permutation that
    says nothing: it counts as extreme, and not towards the mean.
    """
    drawn = np.asarray(null, dtype=np.float64)
    slack = _EQUAL * max(1.0, abs(measured))
    less_extreme = drawn > measured + slack if tail == "lower" else drawn < measured - slack
    known = drawn[~np.isnan(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    mean = float(known.mean()) if len(known) else np.nan
    return Chance(mean, float(low), float(high), (1 + int((~less_extreme).sum())) / (1 + len(drawn)))


def chance_row(measure: str, n: int, measured: float, null: ArrayLike, tail: Tail) -> dict[str, object]:
    """A row of AGAINST_CHANCE; all but its name and n are null if nothing was there to measure."""
    if not n:
        return {**dict.fromkeys(AGAINST_CHANCE), "measure": measure, "n": 0}
    found = against(null, measured, tail)
    numbers = (measure, n, measured, found.mean, found.low, found.high, found.p, len(np.asarray(null)))
    return dict(zip(AGAINST_CHANCE, numbers, strict=True))
