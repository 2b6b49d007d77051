"""How far the retrieved references lie from the queries (G3, table 3); which are retrieved is decided elsewhere."""

from collections.abc import Sequence

import polars as pl

from g3lib.geo import geodesic_km

TOPS = (5, 10, 15)  # references per query, as in the paper
SCHEMA = pl.Schema(
    {
        "policy": pl.String,
        "kind": pl.String,
        "top": pl.Int32,
        "mean_km": pl.Float64,
        "median_km": pl.Float64,
        "max_km": pl.Float64,
        "min_km": pl.Float64,
        "queries": pl.Int32,
    }
)


def reference_distances(
    references: pl.DataFrame, truth: pl.DataFrame, tops: Sequence[int] = TOPS
) -> pl.DataFrame:
    """One row per gallery policy, kind and depth (schema SCHEMA), geodesic km.

    `references`: policy, photo_id, kind, rank (from 0), lat, lon; `truth`: photo_id, lat, lon. Mean, median, maximum
    and minimum are taken over each query's references, then averaged over queries: the paper does not say so, but
    only so can its maximum grow and its minimum shrink with the depth. Depths beyond the references' are left out;
    queries without a position too.
    """
    known = truth.select("photo_id", true_lat="lat", true_lon="lon").drop_nulls()
    pairs = references.join(known, on="photo_id")
    columns = ("lat", "lon", "true_lat", "true_lon")
    pairs = pairs.with_columns(km=pl.Series(geodesic_km(*(pairs[name].to_numpy() for name in columns))))
    depth = references["rank"].n_unique()
    by_depth = [_averages(pairs, top) for top in tops if top <= depth]
    return pl.concat([SCHEMA.to_frame(), *by_depth])


def _averages(pairs: pl.DataFrame, top: int) -> pl.DataFrame:
    km = pl.col("km")
    per_query = (
        pairs.filter(pl.col("rank") < top)
        .group_by("policy", "kind", "photo_id", maintain_order=True)
        .agg(mean_km=km.mean(), median_km=km.median(), max_km=km.max(), min_km=km.min())
    )
    averages = pl.col("mean_km", "median_km", "max_km", "min_km").mean()
    means = per_query.group_by("policy", "kind", maintain_order=True).agg(averages, queries=pl.len())
    return means.with_columns(top=pl.lit(top)).select(
        pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()
    )
