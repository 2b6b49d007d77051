"""Results that are worse than the last ones: `g3 run` stops, says why, and keeps them with --accept.

And results of which nothing changed: a scheduled run that found that out renews their freshness.
"""

import subprocess
import sys
import time
from collections.abc import Callable

import dagster as dg
import polars as pl
import pytest
from tiny import BENCHMARK, ROOT, TinyHome

from assets.freshness import RESULTS
from assets.steps import STEPS
from g3lib.store import Key, Record
from g3lib.store.artifacts import commit_table
from pipelines.commands.failures import FAILED

KEY = Key("accuracy", f"{BENCHMARK}|nn-clip")


def better_before(tiny: TinyHome) -> Record:
    """Makes the last table say that nearly all was right; the record it then has."""
    path, record = tiny.home.table(KEY), tiny.records()[KEY]
    better = pl.read_parquet(path).with_columns(
        accuracy=pl.lit(0.95), ci_low=pl.lit(0.9), ci_high=pl.lit(1.0)
    )
    commit_table(path, better, record)
    return tiny.records()[KEY]


def test_a_drop_stops_the_run_until_it_is_accepted(new_copy: Callable[..., TinyHome]) -> None:
    tiny = new_copy(G3_EXPERIMENTS="[nn-clip]", G3_BOOTSTRAP_RESAMPLES="250")  # so that accuracy is made anew
    before = better_before(tiny)
    run = tiny.g3("run", "demo")
    assert run.returncode == FAILED, run.stdout + run.stderr
    assert f"accuracy of {KEY.partition} fell below its last interval" in run.stderr
    assert "at 200 km, was 95.0% with an interval from 90.0% to 100.0%" in run.stderr
    assert before.run_id[:8] in run.stderr and "g3 run demo --accept" in run.stderr
    assert "Traceback" not in run.stderr and "run again to go on" not in run.stderr
    assert tiny.records()[KEY] == before
    accepted = tiny.g3("run", "demo", "--accept")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert "accepted: accuracy of" in accepted.stdout
    kept = tiny.records()[KEY]
    assert any("fell below" in str(check.metadata.get("accepted")) for check in kept.checks)
    with tiny.dagster() as instance:
        run_of = instance.get_run_by_id(kept.run_id)
    assert run_of is not None and run_of.tags["g3/accept"] == "true"


@pytest.fixture(scope="module")
def night(new_copy: Callable[..., TinyHome]) -> tuple[TinyHome, dict[str, dg.EventLogEntry], float]:
    """A scheduled job that finds nothing to do; the last event of every result, and when the job began."""
    tiny, began = new_copy(G3_SCHEDULE__ENABLED="true"), time.time()
    job = [
        sys.executable,
        "-m",
        "dagster",
        "job",
        "execute",
        "-m",
        "pipelines.definitions",
        "-j",
        "benchmarks",
    ]
    run = subprocess.run(job, env=tiny.environment(), cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    with tiny.dagster() as instance:
        names = [step.name for step in STEPS.values() if step.group == RESULTS]
        events = {
            name: instance.get_latest_materialization_event(dg.AssetKey(name))
            for name in (*names, "warehouse")
        }
    return tiny, {name: event for name, event in events.items() if event is not None}, began


def test_a_night_without_work_renews_what_analysts_read(
    night: tuple[TinyHome, dict[str, dg.EventLogEntry], float],
) -> None:
    tiny, events, began = night
    with tiny.dagster() as instance:
        (job,) = instance.get_runs(dg.RunsFilter(job_name="benchmarks"))
    assert {"accuracy", "warehouse"} <= set(events)
    for name, event in events.items():
        assert event.timestamp >= began and event.run_id == job.run_id, name
    accuracy = events["accuracy"].asset_materialization
    assert accuracy is not None and accuracy.metadata["reused"].value is True
    assert "errors" in accuracy.metadata, "its page keeps its plots"


def test_a_night_without_work_makes_nothing(
    night: tuple[TinyHome, dict[str, dg.EventLogEntry], float],
) -> None:
    tiny, _, _ = night
    workflow = tiny.workflow()
    assert [name for name, step in workflow.steps.items() if workflow.pending(step)] == []
    published = tiny.g3("sql", "--csv", "select count(*) from lineage.materialization where not current")
    assert published.stdout.split()[-1] == "0", published.stdout + published.stderr
