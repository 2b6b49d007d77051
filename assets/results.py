"""Results: accuracy of every experiment, the published numbers beside them, and the warehouse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.candidates import keys
from assets.common import benchmark_shards, same_partition
from assets.diagnoses import COMPARISONS, of_benchmark
from assets.events import materialization_history, runs
from assets.freshness import freshness
from assets.partitions import benchmark_experiment, split
from assets.pictures import picture, table
from assets.resources import Store
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from assets.watching import ACCURACY_HOLDS
from g3lib.experiments import Profile
from g3lib.experiments.published import packaged_digest
from g3lib.store.artifacts import file_name


def _build_accuracy(task: Task) -> Outcome:
    from g3lib.results.accuracy import accuracy_table, continent_table, place_table
    from g3lib.results.display import accuracy_markdown, error_curve_png, map_png

    benchmark, name = split(task.key.partition)
    predictions, queries, resamples = (
        task.table("predictions"),
        task.table("queries"),
        task.profile.bootstrap_resamples,
    )
    accuracy = accuracy_table(predictions, _benchmark_size(task), resamples, seed=0)
    continents = continent_table(predictions, queries, resamples, seed=0)
    places = place_table(predictions, queries, resamples, seed=0)
    curve, world = task.scratch / "errors.png", task.scratch / "map.png"
    error_curve_png(predictions, curve)
    map_png(predictions, world)
    parent = task.tracking.parent("results", benchmark)
    with task.tracking.run("results", task.key, task.run_id, parent) as run:
        run.parameters({"benchmark": benchmark, "experiment": name, "lmm": predictions["lmm"][0]})
        run.metrics({f"accuracy_{row['threshold_km']}_km": row["accuracy"] for row in accuracy.to_dicts()})
        run.text(accuracy.write_csv(), "accuracy.csv")
        for path in (curve, world):
            run.artifact(path)
    return Outcome(
        accuracy.height,
        accuracy,
        files=_beside(task, {"continents": continents, "places": places}),
        mlflow_run_id=run.run_id,
        metadata={
            "accuracy": dg.MetadataValue.md(accuracy_markdown(accuracy)),
            "errors": picture(curve, "share of queries within a distance"),
            "map": picture(world, "truth and prediction"),
            "by continent": table(
                _percent(continents.pivot("threshold_km", index="continent", values="accuracy"))
            ),
            "names of places": table(_percent(places.select("level", "accuracy", "n"))),
            "MLflow run": task.tracking.url("results", run.run_id),
        },
    )


def _beside(task: Task, tables: Mapping[str, pl.DataFrame]) -> dict[str, Path]:
    """Tables that lie beside the accuracies, in folders of their names."""
    files = {}
    for name, frame in tables.items():
        scratch = task.scratch / f"{name}.parquet"
        frame.write_parquet(scratch, compression="zstd")
        files[f"tables/accuracy/{name}/{file_name(str(task.key.partition))}.parquet"] = scratch
    return files


def _percent(shares: pl.DataFrame) -> pl.DataFrame:
    return shares.with_columns((pl.selectors.float() * 100).round(1))


def _benchmark_size(task: Task) -> int:
    return sum(record.rows for record in task.inputs["photos"])


def _n_is_benchmark(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    size, found = _benchmark_size(task), outcome.table["n"].unique().to_list()
    return found == [size], {"n": found, "queries of the benchmark": size}


def _build_published(_: Task) -> Outcome:
    from g3lib.experiments.published import published

    numbers = published()
    papers = numbers["paper"].value_counts(sort=True).to_dicts()
    return Outcome(numbers.height, numbers, metadata={"rows by paper": papers})


def _resampling(profile: Profile, _: Partition) -> Config:
    return profile.plain("bootstrap_resamples")


STEPS = (
    Step(
        name="accuracy",
        group="results",
        description="Accuracy at 1, 25, 200, 750 and 2500 km with 95 % intervals, over all queries.",
        code_version="3",
        build=_build_accuracy,
        config=_resampling,
        upstream=(same_partition("predictions"), benchmark_shards("photos"), of_benchmark("queries")),
        partitions=benchmark_experiment,
        keys=keys,
        rules=(
            Rule("n_is_benchmark", "n of every row is the benchmark's size", _n_is_benchmark),
            ACCURACY_HOLDS,
        ),
        kinds=frozenset({"mlflow", "parquet"}),
    ),
    Step(
        name="published",
        group="results",
        description="The numbers the papers print, as data.",
        code_version="2",
        build=_build_published,
        config=lambda _, __: {"published.csv": packaged_digest("published.csv")},
    ),
    COMPARISONS,
)


def warehouse(profile: Profile) -> dg.AssetsDefinition:
    """The asset that rebuilds what analysts open from every file and from the event log."""

    @dg.asset(
        name="warehouse",
        group_name="results",
        description="warehouse.duckdb: results and lineage, rebuilt from the files, swapped in at once.",
        code_version="1",
        deps=["comparisons", "diagnoses", "distances", "paper_tables"],  # all else is upstream of them
        kinds={"duckdb"},
        owners=["team:g3"],
        automation_condition=dg.AutomationCondition.eager(),
        freshness_policy=freshness(profile, "results"),
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
