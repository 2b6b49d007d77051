"""Judging a text against thirty photos."""

from pathlib import Path

import pytest

from g3lib.results.outside import Judged, Truth, judge, parse_columns
from tests.g3lib.results.outside.toy import Judge, check_whole, toy_truth


@pytest.fixture(scope="session")
def truth() -> Truth:
    return toy_truth()


@pytest.fixture
def judged(tmp_path: Path, truth: Truth) -> Judge:
    """Judges a text (or bytes) against the thirty photos, or against itself, and checks that nothing is lost."""

    def judging(
        content: str | bytes, against: Truth | None = truth, columns: str = "", benchmark: str = "toy"
    ) -> Judged:
        path = tmp_path / "predictions.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = judge(path, parse_columns(columns), against, benchmark)
        check_whole(found)
        return found

    return judging
