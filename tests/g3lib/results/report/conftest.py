"""One small synthetic home with its report, for all tests that look at it; see `synthetic_home.py`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for synthetic_home, whatever pytest's import mode

from synthetic_home import SyntheticHome

from g3lib.results.report import BUDGET, Report, build_report


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> SyntheticHome:
    """Forty queries with hostile texts, six experiments; read it, never write into it."""
    return SyntheticHome(tmp_path_factory.mktemp("synthetic"), hostile=True).fill()


@pytest.fixture(scope="session")
def report(synthetic: SyntheticHome) -> Report:
    """Its report."""
    return build_report(synthetic.home, "im2gps3k", BUDGET)
