"""Photos looked at in threads, a few ahead of whoever takes them: decoding is most of the work of a shard."""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from g3lib.images.fates import Rejected
from g3lib.images.photo import BadPhoto, Inspection, Limits, Photo, inspect

Offer = Photo | Rejected

INSPECTORS = min(8, os.cpu_count() or 1)  # threads: Pillow and hashlib release the GIL
BATCH, BATCH_BYTES = 8, 1_000_000  # photos that a thread takes at once, so that handing over costs little
AHEAD = 2 * INSPECTORS  # batches in memory, besides the one being filled
LOOKAHEAD = (AHEAD + 1) * BATCH  # photos in memory at most


class Look(NamedTuple):
    """What a look at a photo told, and the digest of its bytes."""

    inspection: Inspection
    sha256: str


def inspected(offers: Iterable[Offer], limits: Limits) -> Iterator[tuple[Offer, Look | BadPhoto | None]]:
    """Offers in their order: with each photo its look, or why it is none; with what is rejected, nothing."""
    ahead = deque[tuple[list[Offer], Future[list[Look | BadPhoto | None]]]]()
    with ThreadPoolExecutor(INSPECTORS, thread_name_prefix="inspect") as threads:
        for batch in _batches(offers):
            ahead.append((batch, threads.submit(_looks, batch, limits)))
            if len(ahead) > AHEAD:
                yield from _taken(ahead)
        while ahead:
            yield from _taken(ahead)


def _taken(
    ahead: "deque[tuple[list[Offer], Future[list[Look | BadPhoto | None]]]]",
) -> Iterator[tuple[Offer, Look | BadPhoto | None]]:
    batch, looks = ahead.popleft()
    yield from zip(batch, looks.result(), strict=True)


def _batches(offers: Iterable[Offer]) -> Iterator[list[Offer]]:
    batch, size = list[Offer](), 0
    for offer in offers:
        batch.append(offer)
        size += len(offer.data) if isinstance(offer, Photo) else 0
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _looks(batch: list[Offer], limits: Limits) -> list[Look | BadPhoto | None]:
    return [_look(offer.data, limits) if isinstance(offer, Photo) else None for offer in batch]


def _look(data: bytes, limits: Limits) -> Look | BadPhoto:
    try:
        return Look(inspect(data, limits), hashlib.sha256(data).hexdigest())
    except BadPhoto as problem:
        return problem
