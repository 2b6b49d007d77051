"""What every asset of G3 is made of: a Step says what it needs, what determines it and who builds it.

`Step` is data, so the same declaration makes the Dagster asset (`assets/factory.py`) and tells what is out of date
(`assets/plan.py`). Nothing here knows a particular stage.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.resources import Tracking
from g3lib.experiments import Profile
from g3lib.store import Check, Home, Key, Record

Partition = str | None
Config = dict[str, Any]


@dataclass(frozen=True)
class Upstream:
    """An asset a step reads, and which of its partitions one partition of the step needs."""

    asset: str
    partitions: Callable[[Profile, Partition], Sequence[Partition]]
    mapping: Callable[[Profile], dg.PartitionMapping] | None = None  # the same, told to Dagster


@dataclass(frozen=True)
class Task:
    """One partition of a step at work."""

    key: Key
    profile: Profile
    home: Home
    inputs: Mapping[str, Sequence[Record]]  # by upstream asset, in the order the step named them
    scratch: Path  # an empty folder on G3_HOME's disk; what a builder leaves there becomes the artefact
    tracking: Tracking
    run_id: str
    report: Callable[[str], None] = lambda _: None  # progress, for the run's page
    accepts: bool = False  # whether the run keeps what is worse than the last table (assets/watching.py)

    def table(self, asset: str) -> pl.DataFrame:
        """All input partitions of a table (or photo manifest), one after the other."""
        paths = [self.commit_of(record) for record in self.inputs[asset]]
        return pl.concat([pl.read_parquet(path) for path in paths])

    def commit_of(self, record: Record) -> Path:
        """The Parquet file of a tabular input."""
        return self.home.root / record.path

    def folder(self, asset: str) -> Path:
        """The folder of an input that has one partition."""
        (record,) = self.inputs[asset]
        return self.home.root / record.path


@dataclass(frozen=True)
class Outcome:
    """What a builder made: a table, or files in the task's scratch folder; and what to show of it."""

    rows: int
    table: pl.DataFrame | None = None
    files: Mapping[str, Path] = field(default_factory=dict)  # final path under G3_HOME: scratch path
    metadata: Mapping[str, Any] = field(default_factory=dict)
    mlflow_run_id: str | None = None
    after_commit: Callable[[], None] = lambda: None  # what is no longer needed once it is committed goes


@dataclass(frozen=True)
class Rule:
    """An asset check: judged before the commit, so what fails it never becomes current."""

    name: str
    description: str
    judge: Callable[[Task, Outcome], tuple[bool, dict[str, Any]]]


@dataclass(frozen=True)
class Step:
    """An asset as data. `kind` is where it lies: tables, features, models or index; or `place` tells."""

    name: str
    group: str
    description: str
    code_version: str
    build: Callable[[Task], Outcome]
    config: Callable[[Profile, Partition], Config]
    kind: str = "tables"
    place: Callable[[Home, Profile, Partition], Path] | None = None  # where its kind does not tell
    observed: Callable[[Home, Profile, Partition], Mapping[str, str]] = (
        lambda *_: {}
    )  # files from outside it read
    upstream: tuple[Upstream, ...] = ()
    partitions: Callable[[Profile], dg.PartitionsDefinition[Any]] | None = None
    keys: Callable[[Profile], Sequence[Partition]] = lambda _: [None]
    rules: tuple[Rule, ...] = ()
    kinds: frozenset[str] = frozenset({"parquet"})
    pool: str | None = None
    retry: dg.RetryPolicy | None = None

    def commit(self, home: Home, profile: Profile, partition: Partition) -> Path:
        """The one file whose presence means that this partition is made."""
        key = Key(self.name, partition)
        if self.place is not None:
            return self.place(home, profile, partition)
        return home.table(key) if self.kind == "tables" else home.card(self.kind, key)

    @cached_property
    def upstream_names(self) -> list[str]:
        """Names of the assets it reads."""
        return [each.asset for each in self.upstream]


def checks_of(step: Step, task: Task, outcome: Outcome) -> tuple[Check, ...]:
    """Every rule's verdict on an outcome."""
    return tuple(Check(rule.name, *rule.judge(task, outcome)) for rule in step.rules)
