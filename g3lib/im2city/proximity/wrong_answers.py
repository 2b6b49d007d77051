"""How far wrong answers lie from the truth, beside wrong answers that know nothing of it.

Chance: the predicted labels of the wrong photos are dealt to the wrong photos anew, so each label is wrongly named as
often as it was. What becomes right by it is left out of that deal's numbers, as right answers are left out of the
measured ones. With 8 labels and more, such a p came out at most 0.05 in 4 to 6 % of worlds without any relation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.proximity.chance import AGAINST_CHANCE, PERMUTATIONS, Tail, chance_row, permuted
from g3lib.im2city.proximity.matrices import Matrix, check
from g3lib.im2city.proximity.nearest import compatriots

Rows = NDArray[np.int64]  # row numbers of labels

WRONG_DISTANCES = pl.Schema(
    {
        **dict.fromkeys(("from_km", "to_km"), pl.Float64()),
        "n": pl.Int64(),
        **dict.fromkeys(("share", "chance", "chance_low", "chance_high"), pl.Float64()),
    }
)
EDGES_KM = tuple(range(0, 22_000, 1_000))  # no two places are further apart than 20,004 km
_MEASURES: tuple[tuple[str, Tail], ...] = (
    ("mean km", "lower"),
    ("median km", "lower"),
    ("same country", "higher"),
    ("same country in the top five", "higher"),
)


@dataclass(frozen=True)
class _Wrong:
    """n photos with a wrong answer.

    same, known (k, k): compatriots, a label itself left out. shared, asked (n, k): how many labels of a photo's top
    five would be compatriots of the truth k, and of how many one can ask, k itself left out.
    """

    truth: Rows
    predicted: Rows
    distance: Matrix
    same: NDArray[np.bool_]
    known: NDArray[np.bool_]
    shared: NDArray[np.int64]
    asked: NDArray[np.int64]

    def measures(self, order: Rows) -> tuple[float, float, float, float]:
        """The four of _MEASURES when photo i has the answers of photo order[i]; NaN where nothing can be asked."""
        named = self.predicted[order]
        right = int(np.count_nonzero(named == self.truth))
        there = self.truth * len(self.distance) + named
        top = order * len(self.distance) + self.truth
        return (
            *_mean_and_median(self.distance.take(there), right),
            _share(int(self.same.take(there).sum()), int(self.known.take(there).sum())),
            _share(int(self.shared.take(top).sum()), int(self.asked.take(top).sum())),
        )


def wrong_answers(
    truth: Rows,
    predicted: Rows,
    distance: Matrix,
    *,
    countries: Sequence[str | None] | None = None,
    top5: Rows | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Wrong answers against chance, schema AGAINST_CHANCE, n being the photos with a wrong answer.

    truth (n,) and predicted (n,) are row numbers of labels, distance is (k, k); photos whose truth is -1, none of the
    labels, are left out. `mean km` and `median km`: from the predicted to the true label. With countries, `same
    country`: the share of wrong answers in the truth's own. With top5 (n, 5), too, the share of the top five other than
    the truth itself that lie in the truth's country. Labels without a country are not asked about. Rows of
    which nothing can be asked have n = 0 and nulls. Raises ValueError for row numbers of no label, and shapes that do
    not agree.
    """
    wrong = _wrong(truth, predicted, distance, countries, top5)
    n = len(wrong.truth)
    measured = wrong.measures(np.arange(n))
    null = np.array([wrong.measures(order) for order in permuted(n, permutations, seed)])
    wanted = 2 if countries is None else 3 if top5 is None else 4
    rows = [
        chance_row(name, 0 if np.isnan(measured[column]) else n, measured[column], null[:, column], tail)
        for column, (name, tail) in enumerate(_MEASURES[:wanted])
    ]
    return pl.DataFrame(rows, schema=AGAINST_CHANCE)


def wrong_distances(
    truth: Rows,
    predicted: Rows,
    distance: Matrix,
    *,
    edges_km: Sequence[float] = EDGES_KM,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """The share of wrong answers from_km <= km < to_km off, beside chance and its middle 95 %: schema WRONG_DISTANCES.

    Arguments and chance as in `wrong_answers`. Nulls without wrong answers.
    """
    wrong = _wrong(truth, predicted, distance, None, None)
    place = np.searchsorted(edges_km, distance, side="right") - 1
    bins, n = len(edges_km) - 1, len(wrong.truth)

    def shares(order: Rows) -> NDArray[np.float64]:
        named = wrong.predicted[order]
        off = named != wrong.truth
        found = place[wrong.truth[off], named[off]]
        return np.bincount(found[(found >= 0) & (found < bins)], minlength=bins) / max(int(off.sum()), 1)

    null = np.array([shares(order) for order in permuted(n, permutations, seed)])
    low, high = np.quantile(null, [0.025, 0.975], axis=0)
    chance = {"chance": null.mean(axis=0), "chance_low": low, "chance_high": high}
    numbers = {"share": shares(np.arange(n)), **chance}
    edges = {"from_km": edges_km[:-1], "to_km": edges_km[1:], "n": [n] * bins}
    frame = pl.DataFrame({**edges, **numbers}, schema_overrides=WRONG_DISTANCES)
    return frame if n else frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in numbers)


def _wrong(
    truth: Rows, predicted: Rows, distance: Matrix, countries: Sequence[str | None] | None, top5: Rows | None
) -> _Wrong:
    """What there is to measure, once everything is known to fit together."""
    check(distance, distance)
    labels = len(distance)
    five = np.empty((len(truth), 0), np.int64) if top5 is None or countries is None else top5
    for name, rows, least in (("truth", truth, -1), ("predicted", predicted, 0), ("top5", five, 0)):
        if rows.shape[:1] != truth.shape or (rows.size and not least <= rows.min() <= rows.max() < labels):
            raise ValueError(
                f"{name} is {rows.shape} for {len(truth)} photos, from {rows.min(initial=0)} to "
                f"{rows.max(initial=0)}; row numbers of {labels} labels are needed, one or a row for each photo"
            )
    kept = (truth != predicted) & (truth >= 0)
    others = ~np.eye(labels, dtype=bool)
    same, known = (each & others for each in compatriots(countries or [None] * labels, labels))
    holds = np.zeros((int(kept.sum()), labels), np.int64)
    np.put_along_axis(holds, five[kept], 1, axis=1)
    shared, asked = (holds @ each.astype(np.int64) for each in (same, known))
    return _Wrong(truth[kept], predicted[kept], distance, same, known, shared, asked)


def _mean_and_median(km: NDArray[np.float64], right: int) -> tuple[float, float]:
    """Of all but so many right answers, which are 0 km off and so stand first."""
    if not (wrong := len(km) - right):
        return np.nan, np.nan
    middle = [right + (wrong - 1) // 2, right + wrong // 2]
    return float(km.sum() / wrong), float(np.partition(km, middle)[middle].mean())


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else np.nan
