"""From a shard's photos, or distinct captions, to a float16 array of CLIP features, row for row."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from g3lib.features.encoder import Encoder
from g3lib.images import upright

DECODERS = 2  # threads: Pillow releases the GIL while it decodes and resizes
BATCHES_AHEAD = 2  # decoded before the tower asks for them

Features = NDArray[np.float16]


class NotFinite(ValueError):
    """Features that are NaN, or too large for float16."""


def image_features(
    photos: Iterable[bytes], encoder: Encoder, batch_size: int, total: int | None = None
) -> Features:
    """(n, d) float16 projected, un-normalised CLIP features of encoded photos, in their order."""
    features = [np.zeros((0, encoder.dimension), np.float32)]
    with tqdm(total=total, desc="image features", unit="photo", disable=None) as progress:
        for batch in _decoded(photos, encoder, batch_size):
            features.append(encoder.encode_images(batch).cpu().numpy())
            progress.update(len(batch))
    return _checked(np.concatenate(features), "photo")


def text_features(captions: Sequence[str], encoder: Encoder, batch_size: int) -> Features:
    """(m, d) float16 projected, un-normalised CLIP features of captions, in their order."""
    features = [np.zeros((0, encoder.dimension), np.float32)]
    for start in tqdm(range(0, len(captions), batch_size), desc="text features", disable=None):
        batch = list(captions[start : start + batch_size])
        features.append(encoder.encode_texts(batch).cpu().numpy())
    return _checked(np.concatenate(features), "caption")


def _decoded(photos: Iterable[bytes], encoder: Encoder, batch_size: int) -> Iterator[Tensor]:
    """Preprocessed batches, decoded a little ahead of the tower in threads; memory stays bounded."""

    def decode(data: bytes) -> Tensor:
        return encoder.preprocess(upright(data))

    remaining = iter(photos)
    with ThreadPoolExecutor(DECODERS) as decoders:
        ahead: list[list[Future[Tensor]]] = []
        while True:
            batch = [decoders.submit(decode, data) for data in islice(remaining, batch_size)]
            if batch:
                ahead.append(batch)
            if not ahead:
                return
            if len(ahead) > BATCHES_AHEAD or not batch:
                yield torch.stack([each.result() for each in ahead.pop(0)])


def _checked(features: NDArray[np.float32], what: str) -> Features:
    """As float16, if every number survives that; NotFinite names the first row that does not."""
    with np.errstate(over="ignore"):
        half = features.astype(np.float16)
    bad = np.flatnonzero(~np.isfinite(half).all(axis=1))
    if len(bad):
        raise NotFinite(
            f"{len(bad)} of {len(features)} {what} features are not finite in float16, first row {bad[0]}; "
            "the encoder's weights are damaged or its training diverged"
        )
    return half
