"""The gallery's index as data: exact, or compressed and how."""

from typing import Literal

from g3lib.experiments.datasets import Positive, Section

IndexKind = Literal["exact", "scalar", "product", "ivf", "hnsw"]


class IndexSettings(Section):
    """How gallery vectors are stored and searched; None lets the gallery's size and width decide.

    `exact` keeps float32; `scalar` keeps 8 bits of every dimension and scans them all; the others keep 8 bits of the
    principal dimensions and find by coarser codes which of them to look at: `product` among all, `ivf` (the one to
    take) among the nearest lists, `hnsw` along a graph.
    """

    kind: IndexKind = "exact"
    lists: Positive | None = None  # of ivf; None: some 2 sqrt(n)
    probes: Positive | None = None  # of ivf, lists looked into for a query; None: half of them
    reranked: Positive = 800  # candidates per query whose finer codes are compared
    seed: int = 0
