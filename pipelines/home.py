"""Getting a home ready, and tidying what killed processes left: Dagster's and MLflow's storage, scratch files.

Both stores break for good if several processes create them at once, so they are made here, once, under a lock.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from g3lib.store import Home
from g3lib.store.files import sweep_scratch

if TYPE_CHECKING:
    import dagster as dg

IN_PROCESS_TAG = "g3/in_process"  # on runs that live in the process of a `g3 run`

DAGSTER_YAML = """\
# Written by g3; delete it to have it made anew.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 2}
  pools: {granularity: op, default_limit: 1}
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 30
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 7, failure: 90, success: 365}}
"""


class HomeIsBusy(RuntimeError):
    """Another g3 run works in the same home."""


@contextmanager
def exclusive(home: Home) -> Iterator[None]:
    """Hold the home for one `g3 run`; the lock is the system's, so a killed process frees it."""
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / ".run.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout as taken:
        raise HomeIsBusy(
            f"another `g3 run` is at work in {home.root}; wait for it, or set G3_HOME to another folder"
        ) from taken


@dataclass
class Preparation:
    """MLflow's database being created beside the first stages; `wait` before the first use."""

    process: subprocess.Popen[bytes] | None

    def wait(self) -> None:
        """Return once the database is there; RuntimeError with MLflow's own words if it failed."""
        if self.process is None:
            return
        _, errors = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"MLflow could not create its database: {errors.decode()[-500:]}")
        self.process = None


def prepare(home: Home) -> Preparation:
    """Folders, dagster.yaml, DAGSTER_HOME and the start of MLflow's database, if they are missing."""
    for folder in (home.root, home.dagster, home.inbox, home.mlflow_artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    configuration = home.dagster / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["G3_HOME"] = str(home.root)
    marker = home.root / ".mlflow-ready"
    if marker.exists() and home.mlflow_database.exists():
        return Preparation(None)
    return Preparation(_create_mlflow_database(home.mlflow_database, marker))


def _create_mlflow_database(database: Path, marker: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys, pathlib; from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as S; "
        "S(sys.argv[1], sys.argv[2]); pathlib.Path(sys.argv[3]).touch()"
    )
    artifacts = (database.parent / "mlartifacts").as_uri()
    return subprocess.Popen(
        [sys.executable, "-c", code, f"sqlite:///{database}", artifacts, str(marker)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def tidy(home: Home, instance: "dg.DagsterInstance") -> int:
    """Close the runs of killed `g3 run`s and remove scratch files; call it while holding the home.

    Returns how many runs were closed. Scratch files stay while the daemon's runs may be writing.
    """
    import dagster as dg

    active = [
        dg.DagsterRunStatus.NOT_STARTED,  # made, and killed before its first step
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.CANCELING,
    ]
    runs = instance.get_runs(dg.RunsFilter(statuses=active))
    dead = [run for run in runs if IN_PROCESS_TAG in run.tags]
    for run in dead:
        instance.report_run_failed(run, "its process ended before the run did")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    if dead:
        _close_mlflow_runs(home, {run.run_id for run in dead})
    if len(dead) == len(runs):
        for folder in ("images", "tables", "features", "models", "index"):
            sweep_scratch(home.root / folder)
    return len(dead)


def _close_mlflow_runs(home: Home, dagster_runs: set[str]) -> None:
    """End the MLflow runs whose Dagster run died, which would else be RUNNING for ever."""
    if not home.mlflow_database.exists():
        return
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{home.mlflow_database}")
    experiments = [each.experiment_id for each in client.search_experiments()]
    for run in client.search_runs(experiments, "attributes.status = 'RUNNING'"):
        if run.data.tags.get("dagster.run_id") in dagster_runs:
            client.set_terminated(run.info.run_id, "KILLED")
