"""A server of parts of files, and what lets the tests of this folder import `tars.py` beside this file."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]  # whatever pytest's import mode

from ranged import RangedServer  # noqa: E402


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangedServer]:
    """On this machine only; no proxy stands between."""
    monkeypatch.setenv("NO_PROXY", "*")
    with RangedServer() as running:
        yield running


@pytest.fixture
def storage() -> Iterator[RangedServer]:
    """A second server, where the first one may redirect to."""
    with RangedServer() as running:
        yield running
