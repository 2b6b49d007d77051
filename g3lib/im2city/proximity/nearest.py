"""The label that a model holds most alike to each: how far off it lies, and whether in the same country."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.proximity.chance import AGAINST_CHANCE, PERMUTATIONS, chance_row, permuted
from g3lib.im2city.proximity.matrices import Matrix, check

NEAREST = pl.Schema(
    {
        "label": pl.Int64(),
        "nearest": pl.Int64(),
        "similarity": pl.Float64(),
        "km": pl.Float64(),
        "rank": pl.Int64(),
        "is_nearest": pl.Boolean(),
        "same_country": pl.Boolean(),
    }
)


def nearest_labels(
    similarity: Matrix, distance: Matrix, countries: Sequence[str | None] | None = None
) -> pl.DataFrame:
    """A row for each of k labels, in their order, schema NEAREST: the other label that is most similar to it.

    Of equally similar ones it is the first. rank: its place among the label's neighbours by km, 1 for the nearest;
    equally far ones share one. same_country is null where either has no country, or none are given. Raises ValueError
    for fewer than 2 labels, or another number of countries than of labels.
    """
    check(similarity, distance)
    own = np.arange(len(distance))
    nearest = _most_similar(similarity)
    rank = _ranks(distance)[own, nearest]
    columns = {
        "label": own,
        "nearest": nearest,
        "similarity": similarity[own, nearest],
        "km": distance[own, nearest],
        "rank": rank,
        "is_nearest": rank == 1,
    }
    same, known = compatriots(countries or [None] * len(own), len(own))
    shared = pl.when(pl.Series(known[own, nearest])).then(pl.Series(same[own, nearest]))
    return pl.DataFrame(columns).with_columns(same_country=shared).match_to_schema(NEAREST)


def nearest_summary(
    similarity: Matrix,
    distance: Matrix,
    countries: Sequence[str | None] | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """`nearest_labels` against chance, schema AGAINST_CHANCE: which label is most similar stays, places are dealt anew.

    Rows: `mean km` (p of one so low), `geographically nearest` and, of those with known countries, `same country`, both
    shares (p of one so high). Chance of a same country is what these labels' countries allow.
    """
    found = nearest_labels(similarity, distance, countries)
    nearest = found["nearest"].to_numpy()
    same, known = compatriots(countries or [None] * len(nearest), len(nearest))
    closest = _ranks(distance) == 1
    orders = permuted(len(nearest), permutations, seed)
    null = np.empty((3, permutations))
    for column, order in enumerate(orders):
        there = (order, order[nearest])
        null[:, column] = distance[there].mean(), closest[there].mean(), _share(same[there], known[there])
    labels, with_country = found.height, found.height - found["same_country"].null_count()
    km, first, shared = (_mean(found[name]) for name in ("km", "is_nearest", "same_country"))
    rows = [
        chance_row("mean km", labels, km, null[0], "lower"),
        chance_row("geographically nearest", labels, first, null[1], "higher"),
        chance_row("same country", with_country, shared, null[2], "higher"),
    ]
    return pl.DataFrame(rows, schema=AGAINST_CHANCE)


def compatriots(countries: Sequence[str | None], labels: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of every two labels, (k, k): whether they share a country, and whether both have one."""
    if len(countries) != labels:
        raise ValueError(
            f"{len(countries)} countries for {labels} labels; one each is needed, None where unknown"
        )
    names = np.array([each or "" for each in countries])
    has = names != ""
    known = has[:, np.newaxis] & has
    return (names[:, np.newaxis] == names) & known, known


def _most_similar(similarity: Matrix) -> NDArray[np.int64]:
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    found: NDArray[np.int64] = others.argmax(axis=1)
    return found


def _ranks(distance: Matrix) -> NDArray[np.int64]:
    """(k, k): each label's place among the others by km; its own, on the diagonal, is not to be read."""
    from scipy.stats import rankdata

    others = distance.copy()
    np.fill_diagonal(others, np.inf)
    found: NDArray[np.int64] = rankdata(others, method="min", axis=1).astype(np.int64)
    return found


def _share(same: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
    return float(same.sum() / known.sum()) if known.any() else np.nan


def _mean(column: pl.Series) -> float:
    return float(column.drop_nulls().to_numpy().mean()) if column.drop_nulls().len() else np.nan
