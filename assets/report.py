"""The report: one HTML file per benchmark, built from what is published, kept beside the results in MLflow."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from assets.freshness import freshness
from assets.pictures import picture, table
from assets.resources import Store, Tracking
from g3lib.experiments import Profile
from g3lib.store import Key

if TYPE_CHECKING:
    from g3lib.results.report import Report

NAME = "report"


class ReportConfig(dg.Config):
    """How large a report may be; what has no room is named in it."""

    megabytes: float = Field(default=10.0, gt=1.0, le=500.0)


def report(profile: Profile) -> dg.AssetsDefinition:
    """The asset that builds the report of every benchmark with predictions."""

    @dg.asset(
        name=NAME,
        group_name="results",
        description="reports/<benchmark>.html: leaderboard, charts, map, every photo; one file, no network.",
        code_version="1",
        deps=["warehouse"],
        kinds={"html", "mlflow"},
        owners=["team:g3"],
        automation_condition=dg.AutomationCondition.eager(),
        freshness_policy=freshness(profile, "results"),
    )
    def _report(
        context: dg.AssetExecutionContext, config: ReportConfig, store: Store, tracking: Tracking
    ) -> dg.MaterializeResult[Any]:
        from g3lib.results.report import MEGABYTE, build_reports

        built = build_reports(store.home, round(config.megabytes * MEGABYTE))
        metadata: dict[str, Any] = {"seconds": sum(each.seconds for each in built)}
        for each in built:
            metadata |= _shown(each, tracking, context.run.run_id)
        return dg.MaterializeResult(metadata=metadata | {"dagster/row_count": len(built)})

    return _report


def _shown(built: "Report", tracking: Tracking, run_id: str) -> dict[str, Any]:
    """What the asset's page says of one report, once it lies in MLflow, too."""
    from g3lib.results.report.overview import DRAWN_KM, intervals_png

    name = built.benchmark
    parent = tracking.parent("results", name)
    with tracking.run("results", Key(NAME, name), run_id, parent) as run:
        run.parameters({"benchmark": name, "experiments": built.experiments})
        run.metrics({"megabytes": built.bytes / 1e6, "seconds": built.seconds, "queries": built.queries})
        run.artifact(built.path)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "intervals.png"
        intervals_png(built.accuracies, path)
        intervals = picture(path, f"accuracy within {DRAWN_KM} km with 95 % intervals")
    return {
        f"{name}: file": dg.MetadataValue.path(str(built.path)),
        f"{name}: megabytes": round(built.bytes / 1e6, 2),
        f"{name}: seconds": round(built.seconds, 1),
        f"{name}: left out": ", ".join(built.omissions) or "nothing",
        f"{name}: leaderboard": table(built.leaderboard),
        f"{name}: intervals": intervals,
        f"{name}: MLflow run": tracking.url("results", run.run_id),
    }
