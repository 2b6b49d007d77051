"""Makes what several benchmarks share importable."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for drawn_features, whatever pytest's import mode


@pytest.fixture
def all_cores() -> Iterator[None]:
    """Every core for torch and for BLAS: tests elsewhere are kept to one."""
    import torch
    from threadpoolctl import threadpool_limits

    before, cores = torch.get_num_threads(), os.cpu_count() or 1
    torch.set_num_threads(cores)
    with threadpool_limits(cores):
        yield
    torch.set_num_threads(before)
