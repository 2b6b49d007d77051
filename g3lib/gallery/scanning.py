"""Every row compared with every query: exact, block by block, by matrix products here or on a GPU.

Matrix products of whole blocks are faster than faiss's IndexFlatIP for hundreds of queries at once, and rows to leave
out cost next to nothing.
"""

from collections.abc import Callable, Sequence

import numpy as np

from g3lib.gallery.best import Best, Mask, spans
from g3lib.gallery.vectors import Rows, Vectors

QUERIES = 2048  # looked up at once
PRODUCTS = 1 << 22  # inner products held at once, so that they stay in the cache
BLOCK = 16_384  # rows at most

Block = Callable[[int, int], Vectors]  # rows from start to stop, (stop - start, d) float32


def scan(
    block: Block, count: int, queries: Vectors, depth: int, excluded: Sequence[Rows] | None, device: str
) -> tuple[Vectors, Rows]:
    """The `depth` best of `count` rows for each query (q, d): similarities and rows (q, depth), best first."""
    found = []
    for start, stop in spans(len(queries), QUERIES):
        mask = Mask(excluded[start:stop] if excluded is not None else None)
        some = _scan if device == "cpu" else _scan_on_device
        found.append(some(block, count, queries[start:stop], depth, mask, device))
    similarity = np.concatenate([best.similarity for best in found] or [Best(0, depth).similarity])
    return similarity, np.concatenate([best.rows for best in found] or [Best(0, depth).rows])


def _scan(block: Block, count: int, queries: Vectors, depth: int, mask: Mask, _: str) -> Best:
    best = Best(len(queries), depth)
    size = max(1024, min(BLOCK, PRODUCTS // len(queries)))
    for start, stop in spans(count, size):
        products = queries @ block(start, stop).T
        products[mask.within(start, stop)] = -np.inf
        best.offer(products, start)
    return best


def _scan_on_device(block: Block, count: int, queries: Vectors, depth: int, mask: Mask, device: str) -> Best:
    """The same by torch: a block's best come back from the device, not its products."""
    import torch

    best = Best(len(queries), depth)
    asked = torch.from_numpy(queries).to(device)
    for start, stop in spans(count, 4 * BLOCK):
        products = asked @ torch.from_numpy(np.ascontiguousarray(block(start, stop))).to(device).T
        query, column = mask.within(start, stop)
        products[torch.from_numpy(query).to(device), torch.from_numpy(column).to(device)] = -torch.inf
        values, columns = products.topk(min(depth, stop - start))
        best.merge(values.cpu().numpy(), columns.cpu().numpy() + start)
    return best
