"""References: the gallery photos that an index answers queries with, as a table."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from g3lib.gallery.errors import BadQueries, DamagedIndex
from g3lib.gallery.index import Index, similar_and_dissimilar
from g3lib.gallery.vectors import Rows, Vectors

REFERENCES = pl.Schema(
    {
        "photo_id": pl.String,
        "kind": pl.String,
        "rank": pl.Int32,
        "reference_dataset": pl.String,
        "reference_id": pl.String,
        "reference_author": pl.String,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "similarity": pl.Float32,  # inner product; null where it was not published
    }
)


def references(
    index: Index,
    photos: pl.DataFrame,
    query_ids: pl.Series,
    queries: Vectors,
    depth: int,
    excluded: Sequence[Rows] | None = None,
) -> pl.DataFrame:
    """One row per query, kind and rank, with the reference's identity, author and position.

    `photos` are the gallery's rows in index order: dataset, photo_id, author, lat, lon. `excluded` has for every query
    the rows it must not get. Raises what Index.search does, DamagedIndex if `photos` are not the index's.
    """
    if photos.height != index.card.rows:
        raise DamagedIndex(
            f"{index.folder} holds {index.card.rows} vectors, its gallery {photos.height} photos; build it again"
        )
    if len(query_ids) != len(queries):
        raise BadQueries(
            f"{len(query_ids)} queries and features of {len(queries)} of them; materialize the benchmark's "
            "features again"
        )
    answers = similar_and_dissimilar(index, queries, depth, excluded)
    return pl.concat(
        reference_table(kind, photos, query_ids, rows, similarity)
        for kind, (similarity, rows) in answers.items()
    )


def reference_table(
    kind: str, photos: pl.DataFrame, query_ids: pl.Series, rows: Rows, similarity: Vectors | None
) -> pl.DataFrame:
    """REFERENCES of one kind from rows (q, depth) of the gallery's photos, best first."""
    hits = photos[rows.ravel()]
    return pl.DataFrame(
        {
            "photo_id": np.repeat(query_ids.to_numpy(), rows.shape[1]),
            "kind": [kind] * rows.size,
            "rank": np.tile(np.arange(rows.shape[1], dtype=np.int32), len(rows)),
            "reference_dataset": hits["dataset"],
            "reference_id": hits["photo_id"],
            "reference_author": hits["author"],
            "lat": hits["lat"],
            "lon": hits["lon"],
            "similarity": [None] * rows.size if similarity is None else similarity.ravel(),
        },
        schema=REFERENCES,
    )
