"""Processes that make things in one home at once, as several `g3`s and the daemon's runs do, and one that reads.

Every making is a real one: a Dagster run of a step or of the warehouse, on the home's own storage. The processes are
forked from one that has imported everything, so that what is measured is their work.
"""

import multiprocessing as mp
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from assets.factory import define
from assets.resources import Store, Tracking
from assets.results import warehouse
from assets.step import Outcome, Step, Task
from g3lib.store import Home, files
from pipelines.home import DAGSTER_YAML
from pipelines.settings import load_profile

ROWS = 200  # of each partition
SCHEMA = {"benchmark": pl.String, "experiment": pl.String, "photo_id": pl.String, "error_km": pl.Float64}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
CONTEXT = mp.get_context("forkserver")
CONTEXT.set_forkserver_preload(["many_writers"])


@dataclass(frozen=True)
class Work:
    """What one process does: so many partitions of its own, and a publication after every so many of them."""

    root: Path
    number: int
    partitions: int
    publish_every: int = 0
    dies_in: str = ""  # a step of the work at which the process kills itself

    @property
    def names(self) -> list[str]:
        """Its partitions."""
        return [f"toy|writer-{self.number}-{each}" for each in range(self.partitions)]


def prepared(root: Path) -> Home:
    """A home with Dagster's storage, which several processes must not create at once; and a first warehouse."""
    home = Home(root)
    home.dagster.mkdir(parents=True)
    (home.dagster / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    publish(root)
    return home


def make(
    assets: list[Any], home: Home, instance: dg.DagsterInstance, **about: Any
) -> dg.ExecuteInProcessResult:
    """One Dagster run in this process."""
    tracking = Tracking(uri=f"sqlite:///{home.mlflow_database}", artifacts="")
    resources = {"store": Store(root=str(home.root)), "tracking": tracking}
    return dg.materialize(assets, instance=instance, resources=resources, run_config=QUIET, **about)


def step(names: list[str]) -> Step:
    """Predictions that cost nothing."""

    def build(task: Task) -> Outcome:
        benchmark, experiment = str(task.key.partition).split("|")
        rows = {"photo_id": [f"p{i}" for i in range(ROWS)], "error_km": 1.0}
        frame = pl.DataFrame(rows).with_columns(benchmark=pl.lit(benchmark), experiment=pl.lit(experiment))
        missing = ("method", "variant", "author", "source", "lmm")
        numbers = ("lat", "lon", "true_lat", "true_lon", "score")
        frame = frame.with_columns(
            **{name: pl.lit(None, pl.String) for name in missing},
            **{name: pl.lit(None, pl.Float64) for name in numbers},
        )
        return Outcome(frame.height, frame)

    return Step(
        name="predictions",
        group="toys",
        description="made of nothing",
        code_version="1",
        build=build,
        config=lambda *_: {},
        partitions=lambda _: dg.StaticPartitionsDefinition(names),
        keys=lambda _: names,
    )


def write(work: Work) -> None:
    """A writer's whole life; any error ends the process with a code that is not 0."""
    home, profile = Home(work.root), load_profile("demo")
    if work.dies_in:
        _die_in(work.dies_in)
    own = step(work.names)
    asset = define(own, profile, {own.name: own})
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        for number, name in enumerate(work.names, 1):
            assert make([asset], home, instance, partition_key=name).success
            if work.publish_every and number % work.publish_every == 0:
                assert make([warehouse(profile)], home, instance).success


def publish(root: Path) -> None:
    """The warehouse alone."""
    home = Home(root)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert make([warehouse(load_profile("demo"))], home, instance).success


def _die_in(what: str) -> None:
    """Kill this process, as the system would, in the middle of writing a table or of filling the warehouse."""
    from g3lib.store import warehouse as published

    def dies(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), 9)

    if what == "table":
        files.install = dies
    else:
        published._load = dies


@dataclass(frozen=True)
class Seen:
    """What a reader saw: how often it looked, and how many partitions each look found."""

    looks: int
    partitions: list[int]


@dataclass(frozen=True)
class Reader:
    """A reading process, and where its answer comes from."""

    process: BaseProcess
    answer: Connection


LOOK = """
with part as (
    select experiment, count(*) as n from results.prediction group by all
)
select
    count(*) as partitions, coalesce(min(n), 0) as fewest, coalesce(max(n), 0) as most,
    (select count(*) from lineage.materialization where asset = 'predictions' and current) as made,
    (select count(*) from results.summary) as summaries
from part
"""


def read(root: Path, pause: float, answer: Connection) -> None:
    """Look until a file `stop` appears, each time anew and with a connection that stays; half a table is an error."""
    home, found = Home(root), []
    stays = duckdb.connect(home.warehouse, read_only=True)
    first = stays.sql(LOOK).fetchall()
    last_look, parent = False, os.getppid()
    while not last_look:
        last_look = (root / "stop").exists() or os.getppid() != parent
        with duckdb.connect() as connection:
            connection.execute("attach $path as warehouse (read_only)", {"path": str(home.warehouse)})
            connection.execute("use warehouse")
            ((partitions, fewest, most, made, summaries),) = connection.sql(LOOK).fetchall()
        if partitions and not fewest == most == ROWS:
            raise AssertionError(f"half a table: between {fewest} and {most} rows of {ROWS}")
        if not partitions == made == summaries:
            raise AssertionError(f"{partitions} predictions, {made} materializations, {summaries} summaries")
        if stays.sql(LOOK).fetchall() != first:
            raise AssertionError("what was open has changed")
        found.append(partitions)
        time.sleep(pause)
    answer.send(Seen(len(found), found))


def start(target: Any, *arguments: Any) -> BaseProcess:
    """A process of its own."""
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def start_reader(home: Home, pause: float) -> Reader:
    """One that looks every `pause` seconds."""
    ours, theirs = CONTEXT.Pipe()
    process = start(read, home.root, pause, theirs)
    theirs.close()
    return Reader(process, ours)


def stop_reader(home: Home, reader: Reader) -> Seen:
    """What the reader saw, the last look after everything else was done; fails if it met an error."""
    (home.root / "stop").touch()
    reader.process.join(120)
    assert reader.process.exitcode == 0, "the reader met an error; its traceback stands above"
    seen = reader.answer.recv()
    assert isinstance(seen, Seen)
    return seen
