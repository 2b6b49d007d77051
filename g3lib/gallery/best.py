"""The best rows so far of every query, while blocks of inner products go by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from g3lib.gallery.vectors import Rows, Vectors

CROWD = 4  # times depth: more hits than that in a block are thinned out before they are sorted


@dataclass
class Best:
    """Similarities (q, depth) float32, highest first, and their rows; among equals the lower row comes first.

    Blocks must be offered in the order of their rows. Places nobody has taken yet have similarity -inf, row -1.
    """

    queries: int
    depth: int
    similarity: Vectors = field(init=False)
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        """Nothing found yet."""
        self.similarity = np.full((self.queries, self.depth), -np.inf, dtype=np.float32)
        self.rows = np.full((self.queries, self.depth), -1, dtype=np.int64)

    def offer(self, products: Vectors, start: int) -> None:
        """Take what is better of (q, n) inner products with rows `start` and on; -inf is never taken."""
        better = products > self.similarity[:, -1:]
        counts = np.count_nonzero(better, axis=1)
        most = int(counts.max(initial=0))
        if most > CROWD * self.depth:
            last = products.shape[1] - self.depth
            better &= products >= np.partition(products, last, axis=1)[:, last : last + 1]
            counts = np.count_nonzero(better, axis=1)
            most = int(counts.max())
        if most:
            self.merge(*_gathered(products, better, counts, most, start))

    def merge(self, similarity: Vectors, rows: Rows) -> None:
        """Take what is better of each query's similarities (q, m) of these rows."""
        joined = np.concatenate([self.similarity, similarity], axis=1)
        order = np.argsort(-joined, axis=1, kind="stable")[:, : self.depth]
        self.similarity = np.take_along_axis(joined, order, axis=1)
        self.rows = np.take_along_axis(np.concatenate([self.rows, rows], axis=1), order, axis=1)


def _gathered(
    products: Vectors, better: NDArray[np.bool_], counts: NDArray[np.intp], most: int, start: int
) -> tuple[Vectors, Rows]:
    """The marked products of each query, moved to the left of a (q, most) array, in the order of rows."""
    query, column = np.nonzero(better)
    place = np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
    similarity = np.full((len(products), most), -np.inf, dtype=np.float32)
    rows = np.full((len(products), most), -1, dtype=np.int64)
    similarity[query, place] = products[query, column]
    rows[query, place] = column + start
    return similarity, rows


class Mask:
    """Rows to leave out of a scan, by block."""

    def __init__(self, excluded: Sequence[Rows] | None):
        lists = list(excluded or ())
        queries = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
        rows = np.concatenate([*lists, np.empty(0, dtype=np.int64)])
        order = np.argsort(rows, kind="stable")
        self._rows, self._queries = rows[order], queries[order]

    def within(self, start: int, stop: int) -> tuple[Rows, Rows]:
        """Pairs of query and column that a block of rows must not offer."""
        first, last = np.searchsorted(self._rows, [start, stop])
        return self._queries[first:last], self._rows[first:last] - start


def spans(count: int, size: int) -> Iterator[tuple[int, int]]:
    """0 to `count` in steps of `size`."""
    for start in range(0, count, size):
        yield start, min(start + size, count)
