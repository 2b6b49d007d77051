"""Fixtures of the store; `small_home.py` beside this file fills them."""

import sys
from pathlib import Path

import pytest

from g3lib.store import Home

sys.path.insert(0, str(Path(__file__).parent))  # for small_home, whatever pytest's import mode


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty G3_HOME."""
    return Home(tmp_path)
