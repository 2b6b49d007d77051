"""Vectors as they come: checked, and a sample of them that fits in memory."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from g3lib.gallery.errors import BadQueries, BadVectors, EmptyGallery

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

CHUNK = 4096  # rows worked on at once: bounds memory whatever size blocks come in
SAMPLE_BYTES = 256 << 20
HALF = float(np.finfo(np.float16).max)


def checked(blocks: Iterable[Vectors]) -> Iterator[Vectors]:
    """The blocks (n_i, d) as contiguous float32 chunks of at most CHUNK rows; empty ones are passed over.

    Raises BadVectors for what is no matrix, not finite or of another width, naming block and row; EmptyGallery for
    no vectors at all.
    """
    width: int | None = None
    some = False
    for number, block in enumerate(blocks):
        if block.ndim != 2:
            raise BadVectors(f"gallery block {number} has {block.ndim} dimensions, it needs rows and columns")
        if width is not None and block.shape[1] != width:
            raise BadVectors(f"gallery block {number} is {block.shape[1]} wide, the others {width}")
        width = block.shape[1]
        for start in range(0, len(block), CHUNK):
            with np.errstate(over="ignore"):  # what overflows is found below
                chunk = np.ascontiguousarray(block[start : start + CHUNK], dtype=np.float32)
            _check_finite(chunk, block, number)
            some = True
            yield chunk
    if not some:
        raise EmptyGallery("the gallery has no photos; its shards are empty")


def _check_finite(chunk: Vectors, block: Vectors, number: int) -> None:
    """Sums are finite exactly if all addends are, but for overflow: looked into only then."""
    if np.isfinite(chunk.sum(dtype=np.float64)):
        return
    with np.errstate(over="ignore"):
        rows = np.flatnonzero(~np.isfinite(np.asarray(block, dtype=np.float32)).all(axis=1))
    if len(rows):
        raise BadVectors(
            f"gallery block {number}: {len(rows)} vectors are not finite, first row {rows[0]}; "
            "compute these features again"
        )


def checked_queries(queries: Vectors, width: int) -> Vectors:
    """Queries (q, d) as contiguous float32; BadQueries if they do not fit or are not finite."""
    if queries.ndim != 2 or queries.shape[1] != width:
        wide = queries.shape[1] if queries.ndim == 2 else f"{queries.ndim}-dimensional, not"
        raise BadQueries(f"queries are {wide} wide, the index holds vectors of {width}; embed both alike")
    plain = np.ascontiguousarray(queries, dtype=np.float32)
    finite = np.isfinite(plain).all(axis=1)
    if not finite.all():
        rows = np.flatnonzero(~finite)
        raise BadQueries(f"{len(rows)} of {len(plain)} queries are not finite, first row {rows[0]}")
    return plain


class Sample:
    """A uniform sample of a stream's rows by reservoir, in float16: enough to train a compression by."""

    def __init__(self, width: int, seed: int):
        self.width, self.size = width, max(1, SAMPLE_BYTES // (2 * width))
        self.seen = 0
        self._vectors = np.empty((0, width), dtype=np.float16)
        self._rows = np.empty(0, dtype=np.int64)
        self._numbers = np.random.default_rng(seed)

    def take(self, chunk: Vectors) -> None:
        """Each row has the same chance to stay, whatever comes later (Vitter's algorithm R)."""
        rows = self.seen + np.arange(len(chunk))
        places = np.where(rows < self.size, rows, self._numbers.integers(0, rows + 1))
        stay = places < self.size
        self._grow(min(self.size, self.seen + len(chunk)))
        self._vectors[places[stay]] = np.clip(chunk[stay], -HALF, HALF)
        self._rows[places[stay]] = rows[stay]
        self.seen += len(chunk)

    def _grow(self, size: int) -> None:
        """In large steps to its full size: small galleries must not pay for a large sample."""
        if size > len(self._rows):
            larger = min(self.size, 2 * size)
            self._vectors.resize((larger, self.width), refcheck=False)
            self._rows.resize(larger, refcheck=False)

    @property
    def count(self) -> int:
        """How many rows it holds."""
        return min(self.seen, self.size)

    def chunks(self) -> Iterator[Vectors]:
        """The sample as float32, in chunks."""
        for start in range(0, self.count, CHUNK):
            yield self._vectors[start : min(start + CHUNK, self.count)].astype(np.float32)

    def spread(self, count: int) -> tuple[Vectors, Rows]:
        """Up to `count` of the sampled vectors, spread over the whole stream, and their rows in it."""
        order = np.argsort(self._rows[: self.count])
        chosen = order[np.linspace(0, self.count - 1, min(count, self.count)).astype(np.int64)]
        return self._vectors[chosen].astype(np.float32), self._rows[chosen]
