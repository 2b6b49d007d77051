"""One training on several devices: every process takes its share of each batch, and all see all negatives.

Processes are started by `torchrun`. The released code leaves each process to its own negatives and decays the rate
once per process and epoch; here the number of processes changes nothing but floating-point rounding.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Ranks:
    """This process's number among `count`; the default is a process by itself."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that reports and saves."""
        return self.rank == 0

    def share(self, size: int) -> slice:
        """Which rows of a batch of `size` are this process's; the first processes take what does not divide."""
        return _share(size, self.rank, self.count)

    def gather(self, vectors: Tensor, size: int) -> Tensor:
        """Every process's (share, ...) rows as one (size, ...) batch, with gradients for this process's rows.

        Their gradient comes `count` times as large: the processes' gradients are averaged afterwards, while each
        has only its own rows' part of the sum. What is computed from the gathered batch alone (a temperature)
        has its whole gradient in every process, and the average leaves it as it is.
        """
        if self.count == 1:
            return vectors
        gathered: Tensor = _Gathered.apply(vectors, size, self.rank, self.count)  # type: ignore[no-untyped-call]
        return gathered

    def averaged(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over all processes after each backward pass."""
        if self.count == 1:
            return module
        device = next(module.parameters()).device
        return DistributedDataParallel(
            module,
            device_ids=[device] if device.type == "cuda" else None,
            find_unused_parameters=True,  # logit_scale3, and without text its heads, get no gradient
            broadcast_buffers=False,
            gradient_as_bucket_view=True,
        )


ALONE = Ranks()


def _share(size: int, rank: int, count: int) -> slice:
    each, over = divmod(size, count)
    start = rank * each + min(rank, over)
    return slice(start, start + each + (rank < over))


class _Gathered(torch.autograd.Function):
    """all_gather of uneven shares; going back, a process keeps its own rows (see Ranks.gather)."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, size: int, rank: int, count: int) -> Tensor:
        """(share, ...) to (size, ...); shares are padded to the largest, since all_gather wants equal ones."""
        ctx.own, ctx.count = _share(size, rank, count), count
        largest = -(-size // count)
        padded = vectors.new_zeros((largest, *vectors.shape[1:]))
        padded[: len(vectors)] = vectors
        received = [torch.empty_like(padded) for _ in range(count)]
        distributed.all_gather(received, padded)
        shares = [_share(size, other, count) for other in range(count)]
        return torch.cat(
            [each[: share.stop - share.start] for each, share in zip(received, shares, strict=True)]
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None, None, None]:
        """(size, ...) to (share, ...); nothing is sent."""
        (gradient,) = gradients
        return gradient[ctx.own] * ctx.count, None, None, None


@contextmanager
def joined(device: str) -> Iterator[tuple[Ranks, torch.device]]:
    """This process among those that `torchrun` started, and its device: `cuda` becomes one GPU per process.

    RuntimeError if torchrun did not start it.
    """
    if "RANK" not in os.environ:
        raise RuntimeError(
            "RANK is not set: this module is started by `python -m torch.distributed.run`, "
            "which alignment.processes > 1 does"
        )
    own = torch.device(device)
    if own.type == "cuda":
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own)
    distributed.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size()), own
    finally:
        distributed.destroy_process_group()
