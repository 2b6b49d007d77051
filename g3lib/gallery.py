"""The retrieval index over gallery photos and the references it returns for queries.

Exact inner product (faiss IndexFlatIP). The most dissimilar photos are the same index searched with the
negated query: identical to the released code's second index of negated vectors, at half the memory.
"""

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np
import polars as pl
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


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
        "similarity": pl.Float32,
    }
)


class GalleryTooSmall(ValueError):
    """Fewer photos in the gallery than references asked for."""


def build_index(blocks: Iterable[Vectors], path: Path) -> int:
    """Add (n_i, d) float32 blocks to an exact index and write it; returns its size.

    Raises ValueError for no vectors at all, widths that differ, or vectors that are not finite.
    """
    index: faiss.IndexFlatIP | None = None
    for number, block in enumerate(blocks):
        if not np.isfinite(block).all():
            rows = np.flatnonzero(~np.isfinite(block).all(axis=1))
            raise ValueError(
                f"gallery block {number}: {len(rows)} vectors are not finite, first row {rows[0]}"
            )
        if index is None:
            index = faiss.IndexFlatIP(block.shape[1])
        if block.shape[1] != index.d:
            raise ValueError(f"gallery block {number} is {block.shape[1]} wide, the others {index.d}")
        index.add(np.ascontiguousarray(block, dtype=np.float32))
    if index is None or index.ntotal == 0:
        raise ValueError("the gallery has no photos; its shards are empty")
    faiss.write_index(index, str(path))
    return int(index.ntotal)


def search(path: Path, queries: Vectors, depth: int) -> dict[str, tuple[Vectors, NDArray[np.int64]]]:
    """`similar` and `dissimilar` (inner products, gallery rows), each (q, depth), best first."""
    index = faiss.read_index(str(path))
    if depth > index.ntotal:
        raise GalleryTooSmall(
            f"{depth} references per query asked of {index.ntotal} gallery photos; "
            "lower reference_depth or add photos"
        )
    if queries.shape[1] != index.d:
        raise ValueError(f"queries are {queries.shape[1]} wide, {path} holds vectors of {index.d}")
    if not np.isfinite(queries).all():  # faiss would answer them with row -1
        rows = np.flatnonzero(~np.isfinite(queries).all(axis=1))
        raise ValueError(f"{len(rows)} of {len(queries)} queries are not finite, first row {rows[0]}")
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    similar, rows = index.search(queries, depth)
    negated, far_rows = index.search(-queries, depth)
    return {"similar": (similar, rows), "dissimilar": (-negated, far_rows)}


def references(
    path: Path, photos: pl.DataFrame, query_ids: pl.Series, queries: Vectors, depth: int
) -> pl.DataFrame:
    """One row per query, kind and rank, with the reference's identity, author and position.

    `photos` are the gallery's rows in index order: dataset, photo_id, author, lat, lon.
    """
    found = []
    for kind, (similarity, rows) in search(path, queries, depth).items():
        hits = photos[rows.ravel()]
        found.append(
            pl.DataFrame(
                {
                    "photo_id": np.repeat(query_ids.to_numpy(), depth),
                    "kind": [kind] * rows.size,
                    "rank": np.tile(np.arange(depth, dtype=np.int32), len(rows)),
                    "reference_dataset": hits["dataset"],
                    "reference_id": hits["photo_id"],
                    "reference_author": hits["author"],
                    "lat": hits["lat"],
                    "lon": hits["lon"],
                    "similarity": similarity.ravel(),
                },
                schema=REFERENCES,
            )
        )
    return pl.concat(found)
