"""Which candidates are in the pool: N answers to each prompt and S retrieved positions, and how to choose N and S.

G3 sets them by benchmark (paper section 5.3) and shows their effect on test sets (figures 3 and 4). Chosen on photos
that are in no test set, what they gain there says something about photos that nobody has seen.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.geo import geodesic_km
from g3lib.verification.scoring import usable

RETRIEVAL = "retrieval"  # the one source of candidates that is no answer of an LMM
THRESHOLDS_KM = (1, 25, 200, 750, 2500)  # these and GeoScore as in g3lib/results/metrics.py, and tested to be
GEOSCORE_MAX, GEOSCORE_KM = 5000.0, 1492.7
WITHIN = tuple(f"within_{km}_km" for km in THRESHOLDS_KM)


def is_in_pool(answers: int, retrieved: int) -> pl.Expr:
    """Whether a row (source, rank from 0) is in the pool: rank below N of its prompt, or below S of the retrieval.

    Raises ValueError for a pool of nothing.
    """
    if min(answers, retrieved) < 0 or answers == retrieved == 0:
        raise ValueError(
            f"a pool of answers={answers} and retrieved={retrieved} candidates; give one at least"
        )
    of_retrieval = pl.col("source") == RETRIEVAL
    return pl.col("rank") < pl.when(of_retrieval).then(retrieved).otherwise(answers)


def in_pool(candidates: pl.DataFrame, answers: int, retrieved: int) -> pl.DataFrame:
    """The candidates of the pool, in their order; failed answers count, as they do when only N are asked for."""
    return candidates.filter(is_in_pool(answers, retrieved))


def pool_grid(
    scored: pl.DataFrame, truth: pl.DataFrame, answers: Sequence[int], retrieved: Sequence[int]
) -> pl.DataFrame:
    """How well the verifier does with every pool: a row for each N of `answers` and S of `retrieved`.

    scored: photo_id, source, rank, lat, lon, score of the largest pool. truth: photo_id, lat, lon of the n photos,
    those without candidates included. Columns: answers, retrieved, n, the share of photos `within_…_km`, median_km
    (infinite if most fail), geoscore; a photo without a choice is a miss. ValueError for a pool of nothing, no
    photos, or candidates of unknown photos.
    """
    pools = [(n, s) for n in answers for s in retrieved]
    for each in pools:
        is_in_pool(*each)
    errors = _errors(scored, truth, np.array(pools, dtype=np.int64).reshape(-1, 2))
    missed = np.isnan(errors)
    scores = GEOSCORE_MAX * np.exp(-errors / GEOSCORE_KM)
    return pl.DataFrame(
        {
            "answers": pl.Series([n for n, _ in pools], dtype=pl.Int64),
            "retrieved": pl.Series([s for _, s in pools], dtype=pl.Int64),
            "n": pl.Series([truth.height] * len(pools), dtype=pl.Int64),
            **{name: (errors < km).mean(axis=0) for name, km in zip(WITHIN, THRESHOLDS_KM, strict=True)},
            "median_km": np.median(np.where(missed, np.inf, errors), axis=0),
            "geoscore": np.where(missed, 0.0, scores).mean(axis=0),
        }
    )


def choose_pool(grid: pl.DataFrame) -> tuple[int, int]:
    """(N, S) of the highest mean of the five accuracies, which are what the papers' tables show.

    Of equals the one with the fewest answers, since those are paid for; then with the fewest retrieved.
    """
    hits = (pl.sum_horizontal(WITHIN) * pl.col("n")).round()  # counted, so that equals are equal
    smaller = [True, False, False]
    best = grid.with_columns(_hits=hits).sort("_hits", "answers", "retrieved", descending=smaller)
    return best["answers"][0], best["retrieved"][0]


def _errors(scored: pl.DataFrame, truth: pl.DataFrame, pools: NDArray[np.int64]) -> NDArray[np.float64]:
    """(photos, pools) kilometres from the choice to the truth, NaN where nothing is chosen."""
    best = _best_first(scored, truth)
    photo, rank = best["photo"].to_numpy(), best["rank"].to_numpy()
    of_retrieval = (best["source"] == RETRIEVAL).to_numpy()
    winners = np.minimum(
        _winners(photo, rank, ~of_retrieval, (truth.height, pools[:, 0].max(initial=0)))[:, pools[:, 0]],
        _winners(photo, rank, of_retrieval, (truth.height, pools[:, 1].max(initial=0)))[:, pools[:, 1]],
    )
    columns = (best[name].to_numpy() for name in ("lat", "lon", "true_lat", "true_lon"))
    errors: NDArray[np.float64] = np.append(geodesic_km(*columns), np.nan)[winners]
    return errors


def _winners(
    photo: NDArray[np.int64], rank: NDArray[np.int64], wanted: NDArray[np.bool_], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """(photos, depth + 1): the first of the `wanted` candidates with a rank below each column's number.

    Candidates stand best first, so the smallest number wins; where there is none, it is their count.
    """
    photos, depth = shape
    wanted = wanted & (rank >= 0) & (rank < depth)
    found = np.full((photos, depth + 1), len(photo), dtype=np.int64)
    np.minimum.at(found, (photo[wanted], rank[wanted] + 1), np.flatnonzero(wanted))
    return np.minimum.accumulate(found, axis=1)


def _best_first(scored: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """What the verifier may choose, best first (equals in the order of rows), with `photo`, its row in `truth`."""
    if truth.is_empty() or truth["photo_id"].is_duplicated().any():
        raise ValueError(
            f"{truth.height} photos are no truth to choose a pool by: some, each once, are needed"
        )
    told = truth.select("photo_id", true_lat=pl.col("lat"), true_lon=pl.col("lon")).with_row_index("photo")
    known = pl.Series(usable(scored)) & scored["score"].cast(pl.Float64).is_finite().fill_null(False)
    joined = scored.with_row_index("_row").filter(known).join(told, on="photo_id", how="left")
    if joined["photo"].null_count():
        stranger = joined.filter(pl.col("photo").is_null())["photo_id"][0]
        raise ValueError(f"photo {stranger!r} has candidates but no true position")
    ranked = joined.with_columns(pl.col("photo", "rank").cast(pl.Int64))
    return ranked.sort("score", "_row", descending=[True, False])
