"""The asset: a report per benchmark from the published warehouse, and a copy of each in MLflow."""

import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance

sys.path.insert(0, str(Path(__file__).parents[1] / "g3lib" / "results" / "report"))

from synthetic_home import BENCHMARK, SyntheticHome, grown
from tiny import TinyHome

from assets.report import report
from assets.resources import Store, Tracking
from g3lib.results.report import needs_report


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SyntheticHome:
    """A home of twelve queries, published."""
    return grown(tmp_path_factory.mktemp("drawn"), queries=12, candidates=3, experiments=("nn-clip", "g3"))


def materialized(drawn: SyntheticHome, **config: float) -> dg.ExecuteInProcessResult:
    home = drawn.home
    resources = {
        "store": Store(root=str(home.root)),
        "tracking": Tracking(
            uri=f"sqlite:///{home.mlflow_database}", artifacts=home.mlflow_artifacts.as_uri()
        ),
    }
    settings = {"ops": {"report": {"config": config}}} if config else {}
    with DagsterInstance.ephemeral() as instance:
        found = dg.materialize(
            [report(TinyHome(home.root, {}).profile())],
            instance=instance,
            resources=resources,
            run_config=settings,
            raise_on_error=False,
        )
    assert isinstance(found, dg.ExecuteInProcessResult)
    return found


def test_the_asset_builds_shows_and_keeps_a_report(drawn: SyntheticHome) -> None:
    assert needs_report(drawn.home)
    result = materialized(drawn)
    assert result.success
    assert not needs_report(drawn.home)
    path = drawn.home.root / "reports" / f"{BENCHMARK}.html"
    (event,) = result.asset_materializations_for_node("report")
    shown = {name: value.value for name, value in event.metadata.items()}
    assert shown[f"{BENCHMARK}: file"] == str(path)
    assert shown[f"{BENCHMARK}: megabytes"] == round(path.stat().st_size / 1e6, 2)
    assert shown[f"{BENCHMARK}: left out"] == "nothing"
    assert "synthetic" in str(shown[f"{BENCHMARK}: leaderboard"]) and "g3" in str(
        shown[f"{BENCHMARK}: leaderboard"]
    )
    assert str(shown[f"{BENCHMARK}: intervals"]).startswith("![accuracy within 25 km")
    kept = list(drawn.home.mlflow_artifacts.rglob("*.html"))
    assert [each.read_bytes() for each in kept] == [path.read_bytes()]


def test_a_budget_is_configured_and_one_that_is_no_budget_refused(drawn: SyntheticHome) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError, match="megabytes"):
        materialized(drawn, gigabytes=1.0)
    assert not materialized(drawn, megabytes=0.5).success
    assert materialized(drawn, megabytes=3.0).success


def test_without_a_warehouse_it_says_what_to_do(tmp_path: Path) -> None:
    result = materialized(SyntheticHome(tmp_path))
    assert not result.success
    assert "run `g3 run` first" in str(result.all_events)
