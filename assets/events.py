"""Dagster's event log as frames for the warehouse: runs, and every materialization ever made."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import polars as pl

PAGE = 1000

RUNS = pl.Schema(
    {
        "run_id": pl.String,
        "job": pl.String,
        "status": pl.String,
        "started_at": pl.String,
        "finished_at": pl.String,
        "tags": pl.String,
    }
)
HISTORY = pl.Schema({"run_id": pl.String, "record": pl.String})


def runs(instance: dg.DagsterInstance) -> pl.DataFrame:
    """Every run of the instance, oldest first."""
    rows = [
        {
            "run_id": record.dagster_run.run_id,
            "job": record.dagster_run.job_name,
            "status": record.dagster_run.status.value,
            "started_at": _time(record.start_time),
            "finished_at": _time(record.end_time),
            "tags": json.dumps(dict(record.dagster_run.tags), sort_keys=True),
        }
        for record in _run_records(instance)
    ]
    return pl.DataFrame(rows[::-1], schema=RUNS)


def _run_records(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    cursor: str | None = None
    while page := instance.get_run_records(limit=PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id


def materialization_history(instance: dg.DagsterInstance) -> pl.DataFrame:
    """The lineage record of every materialization that made something (reuse makes nothing)."""
    rows = [
        {"run_id": run_id, "record": json.dumps(event.metadata["lineage"].value)}
        for key in instance.get_asset_keys()
        for run_id, event in _materializations(instance, key)
        if "lineage" in event.metadata and event.metadata["reused"].value is not True
    ]
    return pl.DataFrame(rows, schema=HISTORY)


def _materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey
) -> Iterator[tuple[str, dg.AssetMaterialization]]:
    cursor, more = None, True
    while more:
        page = instance.fetch_materializations(key, limit=PAGE, cursor=cursor)
        for record in page.records:
            if record.asset_materialization:
                yield record.run_id, record.asset_materialization
        cursor, more = page.cursor, page.has_more


def _time(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
