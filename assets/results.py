"""Results: accuracy of every experiment, the published numbers beside them, and the warehouse."""

from typing import Any

import dagster as dg

from assets.candidates import keys
from assets.common import benchmark_shards, same_partition
from assets.events import materialization_history, runs
from assets.partitions import benchmark_experiment, split
from assets.pictures import picture
from assets.resources import Store
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile


def _build_accuracy(task: Task) -> Outcome:
    from g3lib.results.accuracy import accuracy_table
    from g3lib.results.display import accuracy_markdown, error_curve_png, map_png

    benchmark, name = split(task.key.partition)
    predictions = task.table("predictions")
    accuracy = accuracy_table(predictions, _benchmark_size(task), task.profile.bootstrap_resamples, seed=0)
    curve, places = task.scratch / "errors.png", task.scratch / "map.png"
    error_curve_png(predictions, curve)
    map_png(predictions, places)
    parent = task.tracking.parent("results", benchmark)
    with task.tracking.run("results", task.key, task.run_id, parent) as run:
        run.parameters({"benchmark": benchmark, "experiment": name, "lmm": predictions["lmm"][0]})
        run.metrics({f"accuracy_{row['threshold_km']}_km": row["accuracy"] for row in accuracy.to_dicts()})
        run.text(accuracy.write_csv(), "accuracy.csv")
        for path in (curve, places):
            run.artifact(path)
    return Outcome(
        accuracy.height,
        accuracy,
        mlflow_run_id=run.run_id,
        metadata={
            "accuracy": dg.MetadataValue.md(accuracy_markdown(accuracy)),
            "errors": picture(curve, "share of queries within a distance"),
            "map": picture(places, "truth and prediction"),
            "MLflow run": task.tracking.url("results", run.run_id),
        },
    )


def _benchmark_size(task: Task) -> int:
    return sum(record.rows for record in task.inputs["photos"])


def _n_is_benchmark(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    size, found = _benchmark_size(task), outcome.table["n"].unique().to_list()
    return found == [size], {"n": found, "queries of the benchmark": size}


def _build_published(_: Task) -> Outcome:
    from g3lib.experiments.published import published

    table = published()
    papers = table["paper"].value_counts(sort=True).to_dicts()
    return Outcome(table.height, table, metadata={"rows by paper": papers})


def _resampling(profile: Profile, _: Partition) -> Config:
    return profile.plain("bootstrap_resamples")


STEPS = (
    Step(
        name="accuracy",
        group="results",
        description="Accuracy at 1, 25, 200, 750 and 2500 km with 95 % intervals, over all queries.",
        code_version="2",
        build=_build_accuracy,
        config=_resampling,
        upstream=(same_partition("predictions"), benchmark_shards("photos")),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(Rule("n_is_benchmark", "n of every row is the benchmark's size", _n_is_benchmark),),
        kinds=frozenset({"mlflow", "parquet"}),
    ),
    Step(
        name="published",
        group="results",
        description="The numbers the papers print, as data.",
        code_version="1",
        build=_build_published,
        config=lambda _, __: {},
    ),
)


def warehouse(profile: Profile) -> dg.AssetsDefinition:
    """The asset that rebuilds what analysts open from every file and from the event log."""

    @dg.asset(
        name="warehouse",
        group_name="results",
        description="warehouse.duckdb: results and lineage, rebuilt from the files, swapped in at once.",
        code_version="1",
        deps=["accuracy", "distances", "published"],  # all else is upstream of them
        kinds={"duckdb"},
        owners=["team:g3"],
        automation_condition=dg.AutomationCondition.eager(),
    )
    def _warehouse(context: dg.AssetExecutionContext, store: Store) -> dg.MaterializeResult[Any]:
        from g3lib.candidates.costs.prices import known_prices
        from g3lib.store.warehouse import publish

        prices = known_prices([profile.lmm, *profile.lmms.values()], store.home.prices)
        published = publish(
            store.home, runs(context.instance), materialization_history(context.instance), prices
        )
        return dg.MaterializeResult(
            metadata={
                "tables": published.tables,
                "seconds": published.seconds,
                "path": dg.MetadataValue.path(str(published.path)),
                "dagster/row_count": sum(published.tables.values()),
            }
        )

    return _warehouse
