"""Batches of stored features: from the device's memory or, where they are too many for it, from their files."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from g3lib.alignment.data import AlignmentData, resident
from g3lib.alignment.distributed import ALONE, Ranks

AHEAD, READERS = 6, 2  # batches asked for ahead of their use, threads that gather them


@dataclass(frozen=True)
class Batch:
    """This process's share of a batch, float32 (coordinates float64); captions (n,) are the whole batch's."""

    image: Tensor
    text: Tensor
    coordinates: Tensor
    captions: Tensor

    @property
    def size(self) -> int:
        """Photos over all processes."""
        return len(self.captions)


class Batches:
    """Batches of photos on a device. Features wait there in float16 if they fit, otherwise in their files."""

    def __init__(
        self,
        data: AlignmentData,
        batch_size: int,
        device: torch.device,
        resident_gigabytes: float = 8.0,
        ranks: Ranks = ALONE,
    ):
        self.data, self.batch_size, self.device, self.ranks = data, batch_size, device, ranks
        self.text = torch.from_numpy(data.text).to(device)
        self.text_rows = torch.from_numpy(data.text_rows).to(device)
        has_double = device.type != "mps"  # the model takes positions from the CPU too
        self.coordinates = torch.from_numpy(data.coordinates).to(device if has_double else "cpu")
        is_small = 2 * len(data) * data.image.width <= resident_gigabytes * 1e9
        self.image = resident(data, device) if is_small else None

    def epoch(self, order: Tensor) -> Iterator[Batch]:
        """The photos in this order (n,) int64 on the CPU; a last batch of one has no negatives and is left out."""
        parts = [each for each in torch.split(order, self.batch_size) if len(each) > 1]
        on_device = torch.split(order.to(self.device), self.batch_size)  # one upload for the whole epoch
        shares = [self.ranks.share(len(each)) for each in parts]
        if self.image is None:
            images = self._streamed([p[s].numpy() for p, s in zip(parts, shares, strict=True)])
        else:
            images = self._held(self.image, zip(on_device, shares, strict=False))
        for image, chosen, share in zip(images, on_device, shares, strict=False):
            captions, own = self.text_rows[chosen], chosen[share].to(self.coordinates.device)
            yield Batch(image.float(), self.text[captions[share]].float(), self.coordinates[own], captions)

    def steps(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(len(self.data), self.batch_size)
        return full + (rest > 1)

    def _held(self, image: Tensor, parts: Iterable[tuple[Tensor, slice]]) -> Iterator[Tensor]:
        return (image[chosen[share]] for chosen, share in parts)

    def _streamed(self, parts: Sequence[NDArray[np.int64]]) -> Iterator[Tensor]:
        """Each part's features from their files, gathered a few batches ahead by threads of their own."""
        waiting: deque[Future[Tensor]] = deque()
        with ThreadPoolExecutor(READERS, "alignment-features") as readers:
            try:
                for part in parts:
                    waiting.append(readers.submit(self._read, part))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result().to(self.device, non_blocking=True)
                while waiting:
                    yield waiting.popleft().result().to(self.device, non_blocking=True)
            finally:
                readers.shutdown(cancel_futures=True)

    def _read(self, part: NDArray[np.int64]) -> Tensor:
        found = torch.from_numpy(self.data.image.rows(self.data.photos[part]))
        # only a copy out of pinned memory goes on beside the arithmetic
        return found.pin_memory() if self.device.type == "cuda" else found
