"""Rows of the gallery that a query must not be answered with: those of its own photographer, or of its copies."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from g3lib.experiments.datasets import UNKNOWN
from g3lib.gallery.errors import BadExclusion, GalleryTooSmall
from g3lib.gallery.vectors import Rows

NOTHING: Rows = np.empty(0, dtype=np.int64)


def rows_by_author(gallery_authors: pl.Series, query_authors: pl.Series) -> list[Rows]:
    """For each query, the gallery rows of its author, ascending; none where the author is null or `unknown`.

    Queries of one author share one array. Some seconds for MP-16's 4.1 million rows and thousands of queries.
    """
    asked = query_authors.cast(pl.String).rename("author")
    gallery = pl.DataFrame({"author": gallery_authors.cast(pl.String)}).with_row_index("row")
    named = asked.unique().drop_nulls()
    wanted = pl.DataFrame({"author": named.filter(named != UNKNOWN)})
    groups = (
        gallery.join(wanted, on="author", how="semi")
        .group_by("author")
        .agg(pl.col("row").cast(pl.Int64).sort())
    )
    by_author = {
        author: np.asarray(rows, dtype=np.int64)
        for author, rows in zip(groups["author"], groups["row"], strict=True)
    }
    return [by_author.get(author, NOTHING) for author in asked]


def union(first: Sequence[Rows], second: Sequence[Rows]) -> list[Rows]:
    """What either of two exclusions of the same queries leaves out."""
    if len(first) != len(second):
        raise BadExclusion(f"exclusions of {len(first)} and of {len(second)} queries; they must be the same")
    return [np.union1d(a, b) for a, b in zip(first, second, strict=True)]


def checked_exclusion(
    excluded: Sequence[Rows] | None, queries: int, rows: int, depth: int
) -> list[Rows] | None:
    """Ascending distinct rows per query; None if nothing is left out.

    Raises BadExclusion if there is not one list per query or a row is not the gallery's, GalleryTooSmall if `depth`
    rows are not left to a query.
    """
    if excluded is None:
        return None
    if len(excluded) != queries:
        raise BadExclusion(f"{len(excluded)} lists of rows to leave out for {queries} queries")
    distinct = {id(each): each for each in excluded}  # queries of one author share their array
    sorted_out = {name: _distinct(each) for name, each in distinct.items()}
    found = [sorted_out[id(each)] for each in excluded]
    for query, left_out in enumerate(found):
        if len(left_out) and not 0 <= left_out[0] <= left_out[-1] < rows:
            raise BadExclusion(
                f"query {query} leaves out rows {left_out[0]} to {left_out[-1]} of a gallery of {rows}"
            )
        if rows - len(left_out) < depth:
            raise GalleryTooSmall(
                f"query {query} leaves out {len(left_out)} of {rows} gallery photos, {depth} references are asked; "
                "lower reference_depth or add photos"
            )
    return found if any(len(each) for each in found) else None


def _distinct(rows: Rows) -> Rows:
    plain = np.asarray(rows, dtype=np.int64)
    return plain if len(plain) < 2 or bool((np.diff(plain) > 0).all()) else np.unique(plain)
