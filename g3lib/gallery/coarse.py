"""Coarse codes by faiss: which few hundred rows a query's finer codes are worth comparing with.

`ivf` lays photos in lists by their principal dimensions and keeps what is left of these, two dimensions in 4 bits,
which faiss scans in registers; so fast that half of all lists are looked into. That many are needed: the most
dissimilar photos do not lie together as the most similar do. `product` scans the same codes of all photos without
lists, `hnsw` walks a graph over 8-bit codes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from g3lib.experiments.indexing import IndexKind
from g3lib.gallery.errors import DamagedIndex
from g3lib.gallery.layout import BREADTH, NEIGHBOURS, Layout
from g3lib.gallery.vectors import Rows, Vectors

FILE = "coarse.faiss"
ROUNDS = 10  # of k-means
PER_LIST = 64  # of the sample's vectors, at most
SPARE = 4  # one in so many more candidates than needed, so that ties at the end seldom ask again


def new_coarse(kind: IndexKind, layout: Layout, sample: Vectors, seed: int) -> faiss.Index:
    """A trained, empty index over the first turned dimensions; sample: (s, layout.coarse)."""
    width, inner = layout.coarse, faiss.METRIC_INNER_PRODUCT
    index: Any  # faiss's kinds have fields of their own
    if kind == "hnsw":
        index = faiss.IndexHNSWSQ(width, faiss.ScalarQuantizer.QT_8bit, NEIGHBOURS, inner)  # type: ignore[arg-type]
    elif kind == "product":
        index = faiss.IndexPQFastScan(width, width // 2, 4, inner)
        index.pq.cp.seed = seed
    else:
        centres = _centres(layout, sample, seed)
        index = faiss.IndexIVFPQFastScan(centres, width, layout.lists, width // 2, 4, inner, 32)
        index.by_residual = True
        index.pq.cp.seed = seed
    index.train(sample)
    empty: faiss.Index = index
    return empty


def _centres(layout: Layout, sample: Vectors, seed: int) -> faiss.Index:
    """Of the lists, by k-means.

    By distance: inner products would lay most photos in the lists of the longest centres.
    """
    means = faiss.Kmeans(
        layout.coarse,
        layout.lists,
        niter=ROUNDS,
        seed=seed + 1,  # faiss takes 0 for "none"
        min_points_per_centroid=1,
        max_points_per_centroid=PER_LIST,
    )
    means.train(sample)
    centres = faiss.IndexFlatL2(layout.coarse)
    assert means.centroids is not None
    centres.add(means.centroids)
    return centres


def write_coarse(index: faiss.Index, folder: Path) -> None:
    """Into the folder of the index; lists that were filled by distance are searched by inner product."""
    if isinstance(index, faiss.IndexIVF):
        centres = faiss.IndexFlatIP(index.d)
        centres.add(index.quantizer.reconstruct_n(0, index.nlist))
        index.quantizer = centres
    faiss.write_index(index, str(folder / FILE))


def read_coarse(folder: Path, rows: int, layout: Layout) -> faiss.Index:
    """As written, ready to be searched; DamagedIndex where it is not."""
    path = folder / FILE
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as problem:
        raise DamagedIndex(f"{path} cannot be read: {problem}; build the index again") from problem
    if (index.ntotal, index.d) != (rows, layout.coarse):
        raise DamagedIndex(
            f"{path} holds {index.ntotal} vectors of {index.d}, its card says {rows} of {layout.coarse}; "
            "build the index again"
        )
    if isinstance(index, faiss.IndexIVF):
        index.nprobe = layout.probes
    return index


def candidates(
    index: faiss.Index, queries: Vectors, wanted: int, excluded: Sequence[Rows] | None
) -> list[Rows]:
    """For each query (q, coarse) the `wanted` best rows by coarse codes, ascending, without its excluded ones.

    Exactly those that would be found if the excluded rows were not in the lists: so many more are asked for as are
    left out, and more again while ties leave open which come first. Fewer where the lists looked into hold fewer.
    """
    fetch = np.full(len(queries), wanted + wanted // SPARE)
    if excluded is not None:
        fetch += [len(each) for each in excluded]
    found: dict[int, Rows] = {}
    while len(found) < len(queries):
        open_ones = np.array([query for query in range(len(queries)) if query not in found])
        depths = _rounded(fetch[open_ones], index.ntotal)
        for depth in np.unique(depths):
            group = open_ones[depths == depth]
            if isinstance(index, faiss.IndexHNSW):
                index.hnsw.efSearch = max(BREADTH, int(depth))
            near, rows = index.search(queries[group], int(depth))
            unseen = near[:, -1] if depth < index.ntotal else np.full(len(group), -np.inf)
            for place, query in enumerate(group):
                left_out = None if excluded is None else excluded[query]
                chosen = _best(near[place], rows[place], wanted, left_out, float(unseen[place]))
                if chosen is not None:
                    found[query] = chosen
                fetch[query] = 2 * depth
    return [found[query] for query in range(len(queries))]


def _rounded(fetch: Rows, rows: int) -> Rows:
    """Up to two significant bits, so that queries that leave out about as many rows go together."""
    step = 1 << np.maximum(np.floor(np.log2(fetch)).astype(np.int64) - 2, 0)
    rounded: Rows = np.minimum(-(-fetch // step) * step, rows)
    return rounded


def _best(similarity: Vectors, rows: Rows, wanted: int, excluded: Rows | None, unseen: float) -> Rows | None:
    """The best `wanted` of what was fetched, ascending; fewer if no more can be had.

    None if rows that were not fetched, none of them better than `unseen`, may belong to them. faiss pads with row -1
    where the lists end, and similarities near float32's lowest: then none are unseen.
    """
    there = rows >= 0
    if not there[-1]:
        unseen = -np.inf
    if excluded is not None and len(excluded):
        places = np.searchsorted(excluded, rows)
        there &= excluded[np.minimum(places, len(excluded) - 1)] != rows
    similarity, rows = similarity[there], rows[there]
    order = np.lexsort((rows, -similarity))[:wanted]
    if unseen > -np.inf and (len(order) < wanted or similarity[order[-1]] <= unseen):
        return None
    return np.sort(rows[order])
