"""The gallery photos that retrieval returned for each query, one block for each gallery and policy."""

from typing import Any, NamedTuple

import polars as pl

from g3lib.geo import geodesic_km
from g3lib.results.report.experiments import Entry
from g3lib.results.report.packing import DEGREE, decimals, distances, integers
from g3lib.results.report.queries import SCORE, Block, numbers
from g3lib.results.report.reading import Source

_REFERENCES = """
select photo_id, kind, rank, reference_dataset, reference_id, reference_author, lat, lon, similarity
from results.reference
where benchmark = $benchmark and gallery = $gallery and policy = $policy and rank < $depth
    and ($kind is null or kind = $kind)
"""


class Search(NamedTuple):
    """Whose embedding retrieves, and what it may retrieve."""

    gallery: str
    policy: str


class Depth(NamedTuple):
    """How many references of a query stand in the page, and of which kind (None: both)."""

    ranks: int
    kind: str | None

    def __str__(self) -> str:
        return f"the first {self.ranks} {self.kind or 'similar and dissimilar'} references"


DEPTHS = (Depth(16, None), Depth(16, "similar"), Depth(5, "similar"))  # as many as there is room for


def searched_by(entry: Entry) -> Search | None:
    """What an experiment retrieves from; None if it retrieves nothing, or nobody knows."""
    known = entry.in_catalogue
    if known is None or known.gallery is None or not known.references_needed:
        return None
    return Search(known.gallery, known.policy)


def reference_block(
    source: Source, benchmark: str, search: Search, queries: pl.DataFrame, depth: Depth
) -> Block | None:
    """References query by query, similar ones first; None if there are none. A gallery photo stands here once."""
    asked = queries.select("photo_id", "q", true_lat="lat", true_lon="lon")
    given = search._asdict() | {"depth": depth.ranks, "kind": depth.kind, "benchmark": benchmark}
    found = source.rows(_REFERENCES, **given).join(asked, on="photo_id")
    if found.is_empty():
        return None
    found = found.sort("q", pl.col("kind") != "similar", "rank")
    photos = found.unique(("reference_dataset", "reference_id"), keep="first", maintain_order=True)
    photos = photos.with_row_index("photo")
    found = found.join(
        photos.select("photo", "reference_dataset", "reference_id"),
        on=("reference_dataset", "reference_id"),
        how="left",
        maintain_order="left",
    )
    counts = (
        found.group_by("q").len().join(asked.select("q"), on="q", how="right").sort("q")["len"].fill_null(0)
    )
    km = geodesic_km(*(numbers(found[name]) for name in ("lat", "lon", "true_lat", "true_lon")))
    return _texts(photos), {
        "counts": integers(counts),
        "photo": integers(found["photo"]),
        "dissimilar": integers((found["kind"] != "similar").cast(pl.UInt8)),
        "rank": integers(found["rank"]),
        "similarity": decimals(numbers(found["similarity"]), SCORE),
        "km": distances(km),
        "lat": decimals(numbers(photos["lat"]), DEGREE),
        "lon": decimals(numbers(photos["lon"]), DEGREE),
        "author": integers(photos["reference_author"].fill_null("").rank("dense").cast(pl.Int64) - 1),
    }


def _texts(photos: pl.DataFrame) -> dict[str, Any]:
    authors = sorted(photos["reference_author"].fill_null("").unique())
    datasets = photos["reference_dataset"].unique().to_list()
    return {"id": photos["reference_id"].to_list(), "authors": authors, "datasets": datasets}
