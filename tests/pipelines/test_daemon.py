"""Dagster's daemon at work, with real ticks: the nightly schedule and the watched folder."""

from typing import Any

import dagster as dg
import httpx
import numpy as np
import polars as pl
import pytest
from pages import Pages
from workplace import BENCHMARK, Workplace, eventually

from g3lib.geo import is_on_earth
from g3lib.images import read_shard
from g3lib.store import Key

PHOTOS = 2


def finished_run(workplace: Workplace, job: str) -> dg.DagsterRun | None:
    """The first run of a job that is over."""
    with workplace.dagster() as instance:
        runs = [run for run in instance.get_runs(dg.RunsFilter(job_name=job)) if run.is_finished]
        return runs[-1] if runs else None


def succeeded(pages: Pages, job: str, seconds: float) -> dg.DagsterRun:
    """The first run of a job, once it has succeeded."""
    run: Any = eventually(lambda: finished_run(pages.workplace, job), seconds, f"a run of {job}")
    log = pages.log.read_text(encoding="utf-8")[-3000:]
    assert run.status is dg.DagsterRunStatus.SUCCESS, log
    return run


@pytest.fixture(scope="module")
def dropped(pages: Pages) -> list[str]:
    """Two photos of the benchmark, put into the watched folder."""
    home = pages.workplace.home
    tar = home.shard(BENCHMARK, 0)
    manifest = pl.read_parquet(tar.with_suffix(".parquet")).head(PHOTOS)
    names = [f"holiday-{number}.jpg" for number in range(PHOTOS)]
    for name, data in zip(names, read_shard(tar, manifest), strict=True):
        (home.inbox / name).write_bytes(data)
    return names


def test_photos_in_the_inbox_are_located(pages: Pages, dropped: list[str]) -> None:
    run = succeeded(pages, "stage_inbox", 180)
    assert run.tags["dagster/sensor_name"] == "inbox"
    (path,) = pages.workplace.home.root.glob("tables/inbox_predictions/*.parquet")
    located = pl.read_parquet(path)
    assert sorted(located["photo_id"]) == dropped
    assert np.all(is_on_earth(located["lat"].to_numpy(), located["lon"].to_numpy()))
    assert located["lmm"].unique().to_list() == ["stand-in"]
    assert located["country"].null_count() == 0
    record = pages.workplace.records()[Key("inbox_predictions", path.stem)]
    assert record.run_id == run.run_id


def test_the_same_photos_are_taken_once(pages: Pages, dropped: list[str]) -> None:
    succeeded(pages, "stage_inbox", 180)
    batches = list((pages.workplace.home.inbox / ".batches").glob("*.json"))
    with pages.workplace.dagster() as instance:
        assert len(instance.get_runs(dg.RunsFilter(job_name="stage_inbox"))) == len(batches) <= PHOTOS


def test_the_nightly_schedule_re_runs_the_benchmarks(pages: Pages) -> None:
    run = succeeded(pages, "benchmarks", 240)
    assert run.tags["dagster/schedule_name"] == "nightly_benchmarks"
    records = pages.workplace.records()
    configured = {r.config["bootstrap_resamples"] for key, r in records.items() if key.asset == "accuracy"}
    assert configured == {250}
    with pages.workplace.dagster() as instance:
        children = instance.get_runs(dg.RunsFilter(tags={"g3/conducted_by": run.run_id}))
    accuracy = {r.run_id for key, r in records.items() if key.asset == "accuracy"}
    assert accuracy <= {child.run_id for child in children}, "each says which run it belongs to"
    newest = pages.workplace.g3("sql", "--csv", f"from lineage.run where run_id = '{min(accuracy)}'")
    assert "SUCCESS" in newest.stdout, "the tables were published afterwards"


def test_mlflows_server_shows_the_stages(pages: Pages) -> None:
    def experiments() -> Any:
        try:
            reply = httpx.get(f"{pages.mlflow}/api/2.0/mlflow/experiments/search?max_results=20", timeout=5)
        except httpx.HTTPError:
            return None
        return reply.raise_for_status().json()["experiments"]

    names = {each["name"] for each in eventually(experiments, 60, "MLflow's server")}
    assert {"features", "alignment", "gallery", "candidates", "results"} <= names
