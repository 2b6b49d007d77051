"""An open index: gallery vectors where they lie on the disk, and the search over them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from g3lib.gallery.arrays import mapped
from g3lib.gallery.card import Card, read_card
from g3lib.gallery.coarse import candidates, read_coarse
from g3lib.gallery.codes import Coder, Codes, read_coder
from g3lib.gallery.errors import DamagedIndex, GalleryTooSmall, StampMismatch
from g3lib.gallery.exclusion import checked_exclusion
from g3lib.gallery.layout import Layout
from g3lib.gallery.scanning import scan
from g3lib.gallery.vectors import Rows, Vectors, checked_queries

if TYPE_CHECKING:
    import faiss

VECTORS, CODES = "vectors.npy", "codes.npy"
DEEPER = 4  # times the depth: so many candidates at least are compared by their finer codes


class Index(ABC):
    """A gallery's vectors, searchable; `card` says what they are."""

    def __init__(self, folder: Path, card: Card, device: str):
        self.folder, self.card, self.device = folder, card, device

    def check(self, stamp: Mapping[str, str]) -> None:
        """Raise StampMismatch unless queries of this stamp were embedded as the gallery was."""
        ours = self.card.stamp
        differing = sorted(name for name in {*ours, *stamp} if ours.get(name) != stamp.get(name))
        if differing:
            said = "; ".join(
                f"{name} is {stamp.get(name)!r} of the queries, {ours.get(name)!r} of the gallery"
                for name in differing
            )
            raise StampMismatch(f"{self.folder}: {said}; embed both alike, or build the index again")

    def search(
        self, queries: Vectors, depth: int, excluded: Sequence[Rows] | None = None
    ) -> tuple[Vectors, Rows]:
        """Inner products (q, depth) float32 with the most similar rows, and these rows, best first.

        queries (q, width); `excluded` has for every query the rows it must not get: the answer is that of a gallery
        without them. Raises BadQueries, BadExclusion, or GalleryTooSmall if fewer than `depth` rows are there or left.
        """
        if depth > self.card.rows:
            raise GalleryTooSmall(
                f"{depth} references per query asked of {self.card.rows} gallery photos; "
                "lower reference_depth or add photos"
            )
        plain = checked_queries(queries, self.card.width)
        left_out = checked_exclusion(excluded, len(plain), self.card.rows, depth)
        if not len(plain) or not depth:
            empty = (len(plain), depth)
            return np.empty(empty, dtype=np.float32), np.empty(empty, dtype=np.int64)
        return self._search(plain, depth, left_out)

    @abstractmethod
    def _search(self, queries: Vectors, depth: int, excluded: list[Rows] | None) -> tuple[Vectors, Rows]: ...


class ExactIndex(Index):
    """Every vector in float32, and every one compared: what faiss's IndexFlatIP answers."""

    def __init__(self, folder: Path, card: Card, device: str):
        super().__init__(folder, card, device)
        self.vectors: Vectors = mapped(folder / VECTORS, (card.rows, card.width), np.float32)

    def _search(self, queries: Vectors, depth: int, excluded: list[Rows] | None) -> tuple[Vectors, Rows]:
        def block(start: int, stop: int) -> Vectors:
            return self.vectors[start:stop]

        return scan(block, self.card.rows, queries, depth, excluded, self.device)


class CodedIndex(Index):
    """Every vector in 8-bit codes; with a coarse index that says which to compare, else all are compared.

    On a GPU all are compared: it is fast enough, and misses nothing.
    """

    def __init__(self, folder: Path, card: Card, device: str):
        super().__init__(folder, card, device)
        layout = _layout(folder, card)
        kept = layout.kept or card.width
        self.layout = layout
        self.coder: Coder = read_coder(folder, card.width, layout)
        self.codes: Codes = mapped(folder / CODES, (card.rows, kept), np.uint8)
        self.coarse: faiss.Index | None = read_coarse(folder, card.rows, layout) if layout.coarse else None

    def _search(self, queries: Vectors, depth: int, excluded: list[Rows] | None) -> tuple[Vectors, Rows]:
        turned = self.coder.turned(queries)
        asked, constant = self.coder.asked(turned)
        wanted = max(self.layout.reranked, DEEPER * depth)
        if self.coarse is None or self.device != "cpu" or wanted >= self.card.rows:
            similarity, rows = self._scan(asked, depth, excluded)
            return similarity + constant, rows
        chosen = candidates(self.coarse, self.coder.principal(turned), wanted, excluded)
        similarity, rows = self._reranked(asked, depth, chosen)
        short = np.flatnonzero([len(each) < depth for each in chosen])
        if len(short):  # the lists looked into hold too few: look at everything
            some = None if excluded is None else [excluded[query] for query in short]
            similarity[short], rows[short] = self._scan(asked[short], depth, some)
        return similarity + constant, rows

    def _scan(self, asked: Vectors, depth: int, excluded: list[Rows] | None) -> tuple[Vectors, Rows]:
        def block(start: int, stop: int) -> Vectors:
            return self.codes[start:stop].astype(np.float32)

        return scan(block, self.card.rows, asked, depth, excluded, self.device)

    def _reranked(self, asked: Vectors, depth: int, chosen: list[Rows]) -> tuple[Vectors, Rows]:
        """The best of each query's candidates by their finer codes; queries with too few of them stay empty."""
        import faiss

        similarity = np.empty((len(asked), depth), dtype=np.float32)
        rows = np.empty((len(asked), depth), dtype=np.int64)

        def rank(query: int) -> None:
            among = chosen[query]
            if len(among) >= depth:
                # row by row: a matrix product would start threads of its own in each of these threads
                products = np.vecdot(self.codes[among].astype(np.float32), asked[query])
                order: NDArray[np.intp] = np.argsort(-products, kind="stable")[:depth]
                similarity[query], rows[query] = products[order], among[order]

        with ThreadPoolExecutor(faiss.omp_get_max_threads()) as threads:
            list(threads.map(rank, range(len(asked))))
        return similarity, rows


def _layout(folder: Path, card: Card) -> Layout:
    names = ("kept", "coarse", "lists", "probes", "reranked")
    numbers = {name: card.parameters.get(name, 0) for name in names}
    if not all(isinstance(number, int) and number >= 0 for number in numbers.values()):
        raise DamagedIndex(f"{folder}: its card's parameters are {card.parameters}; build the index again")
    return Layout(numbers["kept"] or None, *(numbers[name] for name in names[1:]))


def open_index(folder: Path, device: str = "cpu") -> Index:
    """The index that `build` wrote there, memory-mapped; DamagedIndex if there is none or it is not whole.

    `device` is torch's name of what computes: `cpu`, `cuda`, `cuda:1`, `mps`.
    """
    card = read_card(folder)
    return (ExactIndex if card.kind == "exact" else CodedIndex)(folder, card, device)


def similar_and_dissimilar(
    index: Index, queries: Vectors, depth: int, excluded: Sequence[Rows] | None = None
) -> dict[str, tuple[Vectors, Rows]]:
    """`similar` and `dissimilar` (inner products, gallery rows), each (q, depth), best first.

    The most dissimilar are the most similar to the negated query: the same as the released code's second index, of
    negated vectors, at half the memory.
    """
    similar = index.search(queries, depth, excluded)
    negated, far_rows = index.search(-queries, depth, excluded)
    return {"similar": similar, "dissimilar": (-negated, far_rows)}
