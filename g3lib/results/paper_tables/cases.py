"""Which queries a case study shows: where G3's retrieval gains most over plain CLIP's, and where it loses most."""

from collections.abc import Sequence

import polars as pl

COMPARED = ("image", "image-gps-text")  # galleries: plain CLIP, and G3


def choose_cases(
    studied: pl.DataFrame, compared: Sequence[str] = COMPARED, gained: int = 2, lost: int = 1
) -> pl.DataFrame:
    """The rows of results.case_study of a few queries of each benchmark, under the open policy, with their `case`.

    `gained` queries whose first five references lie relatively nearest under the second gallery, by the ratio of their
    median distances, and `lost` where it is the other way round: extremes, chosen to be looked at, no measure of
    anything. Only queries that both galleries answer count; no row comes back where one of them is missing.
    """
    first, second = compared
    own = studied.filter(pl.col("policy") == "open", pl.col("gallery").is_in(list(compared)))
    medians = own.filter(rank=0).pivot(
        "gallery", index=["benchmark", "photo_id"], values="median_km_of_5", aggregate_function="first"
    )
    if not {first, second} <= set(medians.columns):
        return studied.clear().with_columns(case=pl.lit(None, pl.String))
    nearer = (pl.col(first) + 1e-3).log() - (pl.col(second) + 1e-3).log()  # a metre: no quotient of zeros
    ranked = (
        medians.drop_nulls()
        .with_columns(gain=nearer)
        .sort("benchmark", "gain", "photo_id", descending=[False, True, False])
    )
    best = ranked.filter(pl.col("gain") > 0).group_by("benchmark", maintain_order=True).head(gained)
    worst = ranked.filter(pl.col("gain") < 0).group_by("benchmark", maintain_order=True).tail(lost)
    chosen = pl.concat(
        each.select("benchmark", "photo_id", case=pl.lit(case))
        for case, each in (("gained", best), ("lost", worst))
    )
    shown = own.filter(pl.col("rank") < 5).join(chosen, on=["benchmark", "photo_id"])
    return shown.sort("benchmark", "case", "photo_id", "gallery", "rank").select(*studied.columns, "case")
