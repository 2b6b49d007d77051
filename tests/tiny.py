"""A G3_HOME with a tiny workflow and the real `g3` command beside it; conftest.py makes them.

The imagery is real and every stage runs; only the numbers of photos, epochs and experiments are small.
"""

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg

from assets.plan import Workflow
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import read_record
from pipelines.cli import main
from pipelines.settings import load_profile

# a developer's own settings must not determine what is tested; these two are for the tests themselves
OWN_SETTINGS = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("G3_")}
UPDATE_SNAPSHOT = bool(OWN_SETTINGS.get("G3_UPDATE_SNAPSHOT"))
SCREENSHOTS = OWN_SETTINGS.get("G3_SCREENSHOTS")  # a folder for pictures of the pages

ROOT = Path(__file__).parents[1]
G3 = Path(sys.executable).with_name("g3")
BENCHMARK = "blue-marble-queries"
QUERIES = 40
MAYBE_EMPTY = {"photo_duplicates", "leaked_queries"}  # where no two tiles are alike
TINY = {
    "G3_DATASETS": (
        "[{name: blue-marble, role: gallery, shards: 2, photos_per_shard: 120,"
        " source: {kind: blue-marble, seed: 1, passes: 10}},"
        f" {{name: {BENCHMARK}, role: benchmark, shards: 1, photos_per_shard: {QUERIES},"
        " source: {kind: blue-marble, seed: 2, passes: 10, perturbed: true, jpeg_quality: 40}}]"
    ),
    "G3_ENCODER__TRAINING__EPOCHS": "1",
    "G3_ENCODER__TRAINING__BATCH_SIZE": "64",
    "G3_ALIGNMENT__EPOCHS": "2",
    "G3_BOOTSTRAP_RESAMPLES": "200",
    "G3_REPORTS": "false",  # seconds each time; test_results.py has one made
    "G3_EXPERIMENTS": "[nn-colour-histogram, nn-clip, g3, g3-without-verification, g3+other-authors]",
}


@dataclass(frozen=True)
class TinyHome:
    """A home, and the settings with which every command is run in it."""

    root: Path
    settings: Mapping[str, str] = field(default_factory=lambda: dict(TINY))

    @property
    def home(self) -> Home:
        """Where its files lie."""
        return Home(self.root)

    def environment(self, **more: str) -> dict[str, str]:
        """This process's environment with the settings of this place."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("G3_", "DAGSTER_"))}
        ours = {"G3_HOME": str(self.root), "DAGSTER_HOME": str(self.home.dagster), "COLUMNS": "200"}
        return kept | ours | {"OMP_NUM_THREADS": "1"} | dict(self.settings) | more

    def g3(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """The command, run to its end."""
        return subprocess.run(
            [G3, *arguments],
            env=self.environment(**settings),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def call(self, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        """The command's entry point in this process: what starts no stage need not wait for imports."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment(**settings), clear=True),
            patch.object(sys, "argv", ["g3", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        return subprocess.CompletedProcess(["g3", *arguments], code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **settings: str) -> "subprocess.Popen[str]":
        """The command, started as a shell's foreground job would be: signals do what they do there."""
        return subprocess.Popen(
            [G3, *arguments],
            env=self.environment(**settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=default_signals,
        )

    def profile(self) -> Profile:
        """The profile that the commands see."""
        with patch.dict(os.environ, self.settings):
            return load_profile("demo")

    def workflow(self) -> Workflow:
        """What there is to make here, and what is made."""
        return Workflow(self.profile(), self.home, STEPS)

    def records(self) -> dict[Key, Record]:
        """The lineage record of every committed file; each must carry one."""
        found = {}
        for path in self.home.commits():
            record = read_record(path)
            assert record is not None, f"{path} carries no lineage record"
            found[record.key] = record
        return found

    @contextmanager
    def dagster(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's storage of this home."""
        with dg.DagsterInstance.from_config(str(self.home.dagster)) as instance:
            yield instance

    def run_statuses(self) -> dict[str, str]:
        """Status by id of every Dagster run."""
        with self.dagster() as instance:
            return {run.run_id: run.status.value for run in instance.get_runs()}

    def mlflow(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of MLflow's database."""
        connection = sqlite3.connect(f"file:{self.home.mlflow_database}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def scratch(self) -> list[Path]:
        """What an interrupted write would leave."""
        return [path for path in self.root.rglob(".*.tmp") if "inbox" not in path.parts]

    def copy_to(self, root: Path, **settings: str) -> "TinyHome":
        """A whole copy; MLflow notes absolute places of artifacts, which are moved along."""
        shutil.copytree(self.root, root, symlinks=True)
        copy = TinyHome(root, dict(self.settings) | settings)
        connection = sqlite3.connect(copy.home.mlflow_database)
        old, new = self.home.mlflow_artifacts.as_uri(), copy.home.mlflow_artifacts.as_uri()
        with connection:
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                connection.execute(f"update {table} set {column} = replace({column}, ?, ?)", (old, new))
        connection.close()
        return copy


@dataclass(frozen=True)
class Finished:
    """A home in which `g3 run` has made everything; others read it, or go on in a copy."""

    tiny: TinyHome
    run: "subprocess.CompletedProcess[str]"
    seconds: float


def default_signals() -> None:
    """Shells and test runners may leave SIGINT ignored in their children, and then it does nothing."""
    os.setsid()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)


def lines_until(process: "subprocess.Popen[str]", beginning: str) -> list[str]:
    """What a command has printed when a line begins so; fails if it ends before."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith(beginning):
            return lines
    errors = process.stderr.read() if process.stderr else ""
    raise AssertionError(f"no line began with {beginning!r}: {lines}\n{errors}")


def eventually(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first truthy answer within so many seconds."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.25)
    return answer


def stop(process: "subprocess.Popen[Any]") -> int:
    """End a process that `default_signals` made the leader of a group; the whole group if it must."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode
