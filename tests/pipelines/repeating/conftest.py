"""The toy home is a module beside the tests."""

import sys
from pathlib import Path

import pytest

from g3lib.store import Home

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")
