"""Lets the tests of this folder import what stands beside those of archives."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "archives"), str(Path(__file__).parents[1])]

from ranged import RangedServer  # noqa: E402


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangedServer]:
    """Stands for Hugging Face; no proxy stands between."""
    monkeypatch.setenv("NO_PROXY", "*")
    with RangedServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield running
