"""From a shard's photos, or distinct captions, to a float16 array of features, row for row.

Photos are decoded in threads ahead of the model, and put together in one more, so that the model finds the next batch
ready when it has done the last.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from g3lib.features.encoder import Encoder
from g3lib.features.network import Backbone
from g3lib.features.shards import Features, NotFinite, as_half
from g3lib.images import upright

__all__ = ["Extraction", "NotFinite", "extract_images", "image_features", "text_features"]

BATCHES_AHEAD = 3  # read before the model asks for them: two being decoded, one put together
TOGETHER = 8  # photos that a thread takes at once, so that handing over costs little
REPORT_SECONDS = 10.0
_POLITE = (
    10  # niceness of decoders where the model computes on the same cores: it waits for its slowest thread
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Extraction:
    """Features, and what making them was like."""

    features: Features  # (n, d) float16, CLIP's projected, not normalised, in the photos' order
    photos_per_second: float  # from bytes to features
    waiting_share: float  # of the time, from 0 to 1, in which the model waited for photos


def extract_images(
    photos: Iterable[bytes],
    encoder: Backbone,
    batch_size: int,
    total: int | None = None,
    report: Report = lambda _: None,
) -> Extraction:
    """Features of encoded photos; `report` hears of the progress every ten seconds.

    At most BATCHES_AHEAD + 1 batches are in memory. Raises BadPhoto for bytes that do not decode, NotFinite for
    features that float16 cannot hold.
    """
    features = [np.zeros((0, encoder.dimension), np.float32)]
    started = said = time.monotonic()
    done, waiting = 0, 0.0
    batches = _put_together(_decoded(photos, encoder, batch_size), encoder.device)
    with (
        closing(batches),
        tqdm(total=total, desc="image features", unit="photo", disable=None) as progress,
    ):
        while True:
            asked = time.monotonic()
            batch = next(batches, None)
            now = time.monotonic()
            waiting += now - asked
            if now - said >= REPORT_SECONDS:
                said = now
                report(_progress(done, total, now - started, waiting))
            if batch is None:
                break
            features.append(encoder.encode_images(batch).numpy())
            done += len(batch)
            progress.update(len(batch))
    seconds = max(time.monotonic() - started, 1e-9)
    return Extraction(as_half(np.concatenate(features), "photo"), done / seconds, waiting / seconds)


def image_features(
    photos: Iterable[bytes], encoder: Backbone, batch_size: int, total: int | None = None
) -> Features:
    """(n, d) float16 un-normalised features of encoded photos, in their order."""
    return extract_images(photos, encoder, batch_size, total).features


def text_features(captions: Sequence[str], encoder: Encoder, batch_size: int) -> Features:
    """(m, d) float16 projected, un-normalised CLIP features of captions, in their order."""
    features = [np.zeros((0, encoder.dimension), np.float32)]
    for start in tqdm(range(0, len(captions), batch_size), desc="text features", disable=None):
        batch = list(captions[start : start + batch_size])
        features.append(encoder.encode_texts(batch).numpy())
    return as_half(np.concatenate(features), "caption")


def _progress(done: int, total: int | None, seconds: float, waiting: float) -> str:
    of = f" of {total:,}" if total is not None else ""
    rate, share = done / seconds, waiting / seconds
    return f"{done:,}{of} photos, {rate:,.1f} per second, the model waited {share:.0%} of the time"


def _decoded(photos: Iterable[bytes], encoder: Backbone, batch_size: int) -> Generator[list[Tensor]]:
    """Preprocessed batches in pieces, decoded by as many threads as there are cores, ahead of who takes them."""

    def decode(piece: list[bytes]) -> Tensor:
        return torch.stack([encoder.preprocess(upright(data)) for data in piece])

    remaining = iter(photos)
    polite = _give_way if encoder.device == "cpu" else None
    decoders = ThreadPoolExecutor(_cores(), thread_name_prefix="decode", initializer=polite)
    ahead = list[list[Future[Tensor]]]()
    try:
        while True:
            batch = list(islice(remaining, batch_size))
            if batch:
                pieces = (batch[at : at + TOGETHER] for at in range(0, len(batch), TOGETHER))
                ahead.append([decoders.submit(decode, piece) for piece in pieces])
            if not ahead:
                return
            if len(ahead) >= BATCHES_AHEAD or not batch:
                yield [each.result() for each in ahead.pop(0)]
    finally:
        decoders.shutdown(cancel_futures=True)


def _put_together(batches: Generator[list[Tensor]], device: str) -> Generator[Tensor]:
    """Each batch as one tensor, the next one made while the model has the last; pinned for the way to a GPU."""

    def following() -> Tensor | None:
        pieces = next(batches, None)
        if pieces is None:
            return None
        batch = torch.cat(pieces)
        return batch.pin_memory() if device.startswith("cuda") else batch

    with ThreadPoolExecutor(1, thread_name_prefix="put together") as hand:
        try:
            upcoming = hand.submit(following)
            while (batch := upcoming.result()) is not None:
                upcoming = hand.submit(following)
                yield batch
        finally:
            hand.submit(batches.close)


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _give_way() -> None:
    """Lets the model's threads go first; only Linux knows a priority of single threads."""
    if hasattr(os, "sched_getaffinity"):
        os.setpriority(os.PRIO_PROCESS, 0, _POLITE)
