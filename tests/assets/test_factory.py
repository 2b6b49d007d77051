"""What the factory does for every step: reuse, judge, commit, leave nothing half made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets.factory import REFRESH_TAG, define
from assets.plan import Workflow
from assets.resources import Store, Tracking
from assets.step import Outcome, Rule, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.store import Home, Key, Record
from g3lib.store.snapshots import kept_profile
from pipelines.settings import load_profile

NUMBERS = Key("numbers")
SQUARES = Key("squares")


@dataclass
class Toys:
    """Two steps, a table and a folder made of it, with what a test may turn on them."""

    home: Home
    profile: Profile
    instance: dg.DagsterInstance
    built: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=lambda: [1, 2, 3])
    config: dict[str, Any] = field(default_factory=dict)
    code_version: str = "1"
    passes: bool = True
    explodes: bool = False
    retry: dg.RetryPolicy | None = None
    outside: dict[str, str] = field(default_factory=dict)
    tidied: int = 0

    def numbers(self, task: Task) -> Outcome:
        self.built.append("numbers")
        (task.scratch / "left behind").write_text("by a builder")
        if self.explodes:
            raise RuntimeError("the builder broke")
        table = pl.DataFrame({"n": self.values})
        return Outcome(len(self.values), table, metadata={"sum": sum(self.values)}, after_commit=self.tidy)

    def tidy(self) -> None:
        assert self.home.table(NUMBERS).exists()
        self.tidied += 1

    def squares(self, task: Task) -> Outcome:
        self.built.append("squares")
        squares = [str(n * n) for n in task.table("numbers")["n"]]
        (task.scratch / "squares.txt").write_text("\n".join(squares))
        return Outcome(len(squares))

    def steps(self) -> dict[str, Step]:
        rule = Rule("is_good", "what it says", lambda _, outcome: (self.passes, {"rows": outcome.rows}))
        numbers = Step(
            name="numbers",
            group="toys",
            description="a table",
            code_version=self.code_version,
            build=self.numbers,
            config=lambda *_: self.config,
            observed=lambda *_: self.outside,
            rules=(rule,),
            retry=self.retry,
        )
        squares = Step(
            name="squares",
            group="toys",
            description="a folder",
            code_version="1",
            build=self.squares,
            config=lambda *_: {},
            kind="models",
            upstream=(Upstream("numbers", lambda *_: [None]),),
        )
        return {"numbers": numbers, "squares": squares}

    def make(self, *names: str, **tags: str) -> dg.ExecuteInProcessResult:
        steps = self.steps()
        assets = [define(step, self.profile, steps) for step in steps.values()]
        database = self.home.mlflow_database
        return dg.materialize(
            assets,
            selection=list(names) or None,
            instance=self.instance,
            resources={
                "store": Store(root=str(self.home.root)),
                "tracking": Tracking(uri=f"sqlite:///{database}", artifacts=database.as_uri()),
            },
            tags=tags,
            raise_on_error=False,
        )

    def record(self, key: Key) -> Record | None:
        return Workflow(self.profile, self.home, self.steps()).record(key)

    def files(self) -> list[str]:
        found = (
            path for path in self.home.root.rglob("*") if path.is_file() and path.parent.name != "profiles"
        )
        return sorted(self.home.relative(path) for path in found)


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Toys(Home(tmp_path / "home"), load_profile("demo"), instance)


def reason(result: dg.ExecuteInProcessResult, step: str) -> str:
    error = result.failure_data_for_node(step).error  # type: ignore[union-attr]
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message if error else "")


def test_what_is_made_carries_its_record(toys: Toys) -> None:
    toys.config = {"how": "well"}
    result = toys.make()
    numbers, squares = toys.record(NUMBERS), toys.record(SQUARES)
    assert result.success and numbers and squares
    assert (numbers.run_id, numbers.rows, numbers.config) == (result.run_id, 3, {"how": "well"})
    assert [(each.name, each.passed) for each in numbers.checks] == [("is_good", True)]
    assert kept_profile(toys.home, numbers.profile) == toys.profile.model_dump(mode="json")
    assert [(each.asset, each.data_version) for each in squares.inputs] == [("numbers", numbers.data_version)]
    assert toys.files() == [
        "models/squares.json",
        f"models/squares@{squares.data_version[:16]}/squares.txt",
        "tables/numbers/numbers.parquet",
    ], "and nothing else, scratch included"


def test_dagster_hears_version_rows_checks_and_metadata(toys: Toys) -> None:
    result = toys.make("numbers")
    (event,) = result.asset_materializations_for_node("numbers")
    record = toys.record(NUMBERS)
    assert record is not None and event.tags is not None
    assert event.tags["dagster/data_version"] == record.data_version
    assert event.metadata["dagster/row_count"].value == 3 and event.metadata["sum"].value == 6
    assert event.metadata["lineage"].value["fingerprint"] == record.fingerprint
    (check,) = result.get_asset_check_evaluations()
    assert check.passed and check.metadata["rows"].value == 3


def test_what_is_current_is_reused(toys: Toys) -> None:
    toys.make()
    before = toys.record(SQUARES)
    again = toys.make()
    assert toys.built == ["numbers", "squares"] and toys.record(SQUARES) == before
    (event,) = again.asset_materializations_for_node("squares")
    assert event.metadata["reused"].value is True
    (check,) = again.get_asset_check_evaluations()
    assert check.passed, "checks are told again with the record they belong to"


def test_the_refresh_tag_makes_anew(toys: Toys) -> None:
    toys.make("numbers")
    toys.make("numbers", **{REFRESH_TAG: "true"})
    assert toys.built == ["numbers"] * 2


CHANGES: dict[str, Callable[[Toys], None]] = {
    "code": lambda toys: setattr(toys, "code_version", "2"),
    "configuration": lambda toys: setattr(toys, "config", {"seed": 1}),
    "file gone": lambda toys: toys.home.table(NUMBERS).unlink(),
    "file damaged": lambda toys: toys.home.table(NUMBERS).write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_anew_but_same_data_end_it_there(toys: Toys, change: str) -> None:
    toys.make()
    CHANGES[change](toys)
    assert toys.make().success
    assert toys.built == ["numbers", "squares", "numbers"], "squares of equal numbers are current"


def test_other_data_are_followed_and_predecessors_removed(toys: Toys) -> None:
    toys.make()
    toys.values, toys.config = [4], {"seed": 1}
    toys.make()
    squares = toys.record(SQUARES)
    assert squares is not None and (toys.home.root / squares.path / "squares.txt").read_text() == "16"
    assert len(list((toys.home.root / "models").glob("squares@*"))) == 1


def test_a_file_from_outside_that_changed_makes_anew_and_one_that_went_does_not(toys: Toys) -> None:
    toys.outside = {"photos.zip": "10 bytes"}
    toys.make("numbers")
    record = toys.record(NUMBERS)
    assert record is not None and record.config == {"outside files": {"photos.zip": "10 bytes"}}
    toys.make("numbers")
    toys.outside = {}  # deleted, to have the disk back
    toys.make("numbers")
    assert toys.built == ["numbers"]
    toys.outside = {"photos.zip": "11 bytes"}
    toys.make("numbers")
    assert toys.built == ["numbers"] * 2


def test_what_the_making_needed_goes_after_the_commit_and_not_before(toys: Toys) -> None:
    toys.make("numbers")
    assert toys.tidied == 1
    toys.passes, toys.config = False, {"seed": 1}
    toys.make("numbers")
    assert toys.tidied == 1


def test_a_folder_that_lost_a_file_is_made_anew(toys: Toys) -> None:
    toys.make()
    squares = toys.record(SQUARES)
    assert squares is not None
    (toys.home.root / squares.path / "squares.txt").unlink()
    assert toys.record(SQUARES) is None
    assert toys.make("squares").success
    assert toys.record(SQUARES) is not None and (toys.home.root / squares.path / "squares.txt").is_file()


def test_a_failed_check_commits_nothing_and_is_told(toys: Toys) -> None:
    toys.make("numbers")
    before = toys.record(NUMBERS)
    toys.passes, toys.config = False, {"seed": 1}
    result = toys.make("numbers")
    assert not result.success
    assert "numbers was not committed: is_good {'rows': 3}" in reason(result, "numbers")
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    toys.config = {}
    assert toys.record(NUMBERS) == before and toys.files() == ["tables/numbers/numbers.parquet"]


def test_a_builder_that_fails_leaves_nothing(toys: Toys) -> None:
    toys.explodes = True
    result = toys.make()
    assert "the builder broke" in reason(result, "numbers")
    assert toys.files() == [] and toys.built == ["numbers"]


def test_a_missing_input_is_named_and_not_retried(toys: Toys) -> None:
    result = toys.make("squares")
    assert "squares needs numbers, which is not made" in reason(result, "squares")
    assert "g3 run demo" in reason(result, "squares")
    assert toys.built == []


def test_failed_checks_are_not_retried_but_failures_are(toys: Toys) -> None:
    toys.retry = dg.RetryPolicy(max_retries=1, delay=0)
    toys.passes = False
    toys.make("numbers")
    assert toys.built == ["numbers"], "the same data would fail again, perhaps at a price"
    toys.passes, toys.explodes = True, True
    toys.make("numbers")
    assert toys.built == ["numbers"] * 3
    toys.explodes = False
    assert replace(toys).make("numbers").success
