"""The gallery's index as data: exact, or compressed and how."""

from typing import Literal

from g3lib.experiments.datasets import Positive, Section

IndexKind = Literal["exact", "scalar", "product", "ivf", "hnsw"]


class IndexSettings(Section):
    """How gallery vectors are stored and searched."""

    kind: IndexKind = "exact"
    lists: Positive | None = None  # of ivf; None: some 4 sqrt(n)
    probes: Positive = 32  # lists searched per query
    seed: int = 0
