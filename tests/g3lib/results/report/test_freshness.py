"""A report is current as long as its warehouse is the published one, and no longer."""

import os
from pathlib import Path

import pytest
from synthetic_home import BENCHMARK, SyntheticHome, grown

from g3lib.results.report import build_reports, needs_report, report_path
from g3lib.store import Home
from g3lib.store.warehouse import WarehouseError

pytestmark = pytest.mark.xdist_group("report")


def test_nothing_published_needs_no_report_and_gives_none(tmp_path: Path) -> None:
    assert not needs_report(Home(tmp_path))
    with pytest.raises(WarehouseError, match="there is no warehouse yet; run `g3 run` first"):
        build_reports(Home(tmp_path))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SyntheticHome:
    return grown(tmp_path_factory.mktemp("own"), queries=8, candidates=2, experiments=("nn-clip", "g3"))


def test_a_report_is_due_until_it_is_built_and_again_after_publishing(own: SyntheticHome) -> None:
    assert needs_report(own.home)
    (built,) = build_reports(own.home)
    assert built.path == report_path(own.home, BENCHMARK) == own.home.root / "reports" / "im2gps3k.html"
    assert not needs_report(own.home)
    os.utime(built.path, (0, 0))
    assert not needs_report(own.home), "the file's own date does not matter"
    own.publish()
    assert needs_report(own.home)


def test_a_report_that_is_none_is_due(own: SyntheticHome) -> None:
    (built,) = build_reports(own.home)
    built.path.write_bytes(b"\xff\xfe half a page")
    assert needs_report(own.home)
    built.path.unlink()
    assert needs_report(own.home)


def test_no_scratch_file_is_left(own: SyntheticHome) -> None:
    build_reports(own.home)
    assert [path.name for path in (own.home.root / "reports").iterdir()] == ["im2gps3k.html"]
