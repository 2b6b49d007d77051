"""How well and how fast an index answers, with vectors of its own gallery as queries, each without its own row."""

import time
from dataclasses import dataclass, field

import numpy as np

from g3lib.gallery.best import Best
from g3lib.gallery.card import RECALL_AT
from g3lib.gallery.index import Index, similar_and_dissimilar
from g3lib.gallery.vectors import Rows, Vectors

QUERIES = 200


@dataclass
class Truth:
    """The exact answers to some gallery vectors (q, d), of these rows, found while all vectors go by."""

    queries: Vectors
    rows: Rows
    similar: Best = field(init=False)
    dissimilar: Best = field(init=False)

    def __post_init__(self) -> None:
        """Nothing has gone by yet."""
        self.similar = Best(len(self.queries), RECALL_AT)
        self.dissimilar = Best(len(self.queries), RECALL_AT)

    def offer(self, vectors: Vectors, start: int) -> None:
        """Compare with the next vectors, (n, d), the first of which is row `start`."""
        products = self.queries @ vectors.T
        own = np.flatnonzero((self.rows >= start) & (self.rows < start + len(vectors)))
        for best, sign in ((self.similar, 1), (self.dissimilar, -1)):
            signed = sign * products
            signed[own, self.rows[own] - start] = -np.inf
            best.offer(signed, start)


def recall(index: Index, truth: Truth) -> tuple[float, float]:
    """Shares of the exact answers that the index finds, similar and dissimilar."""
    own = [row[None] for row in truth.rows]
    found = similar_and_dissimilar(index, truth.queries, RECALL_AT, own)
    return (
        _share(found["similar"][1], truth.similar.rows),
        _share(found["dissimilar"][1], truth.dissimilar.rows),
    )


def _share(found: Rows, true: Rows) -> float:
    return float(np.mean([np.isin(theirs, ours).mean() for ours, theirs in zip(found, true, strict=True)]))


def queries_per_second(index: Index, queries: Vectors) -> float:
    """Answers a second to these queries, asked together, RECALL_AT deep."""
    started = time.perf_counter()
    index.search(queries, min(RECALL_AT, index.card.rows))
    return len(queries) / (time.perf_counter() - started)
