"""How fresh results are to be, judged by Dagster's own daemon, and renewed by a run that found nothing to do."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import polars as pl
import pytest
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time
from dagster._daemon.freshness import FreshnessDaemon

from assets.factory import define
from assets.freshness import RESULTS, confirmations, fresh_within, freshness, longest_pause
from assets.plan import Workflow
from assets.resources import Store, Tracking
from assets.results import warehouse
from assets.step import Outcome, Step
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.store import Home
from pipelines.settings import load_profile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TABLE = dg.AssetKey("table")


def profile(**schedule: str) -> Profile:
    """The demo's, with a schedule."""
    with patch.dict(os.environ, {f"G3_SCHEDULE__{name.upper()}": value for name, value in schedule.items()}):
        return load_profile("demo")


def graph_of(*assets: dg.AssetsDefinition) -> Any:
    """The assets as Dagster's daemon knows them."""
    lent = {"store": Store(root="nowhere"), "tracking": Tracking(uri="nowhere", artifacts="nowhere")}
    return dg.Definitions(assets, resources=lent).resolve_asset_graph()


NIGHTLY = {"enabled": "true", "cron": "0 2 * * *"}


@pytest.mark.parametrize(
    ("cron", "timezone", "pause"),
    [
        ("0 2 * * *", "UTC", DAY),
        ("0 2 * * *", "Europe/Berlin", DAY + HOUR),  # when clocks go back
        ("* * * * *", "UTC", timedelta(minutes=1)),
        ("0 2 * * 1-5", "UTC", 3 * DAY),
        ("0 */6 * * *", "UTC", 6 * HOUR),
        ("0 3 1 * *", "UTC", 31 * DAY),
        ("30 1 29 2 *", "UTC", (4 * 365 + 1) * DAY),
    ],
)
def test_the_longest_pause_of_a_schedule(cron: str, timezone: str, pause: timedelta) -> None:
    assert longest_pause(cron, timezone) == pause


def test_results_are_stale_some_hours_after_the_next_run_was_due() -> None:
    assert fresh_within(profile(cron="0 2 * * *")) == 30 * HOUR
    assert fresh_within(profile(cron="*/10 * * * *")) == timedelta(minutes=20)
    assert fresh_within(profile(cron="0 2 * * *", fresh_within_hours="48")) == 48 * HOUR


def test_only_scheduled_results_are_watched() -> None:
    assert freshness(profile(), RESULTS) is None
    assert freshness(profile(**NIGHTLY), "images") is None
    assert freshness(profile(**NIGHTLY), RESULTS) == dg.FreshnessPolicy.time_window(fail_window=30 * HOUR)


def test_every_result_has_the_policy_and_nothing_else() -> None:
    nightly = profile(**NIGHTLY)
    assets = [define(step, nightly, STEPS) for step in STEPS.values()] + [warehouse(nightly)]
    graph = graph_of(*assets)
    watched = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    assert watched == {step.name for step in STEPS.values() if step.group == RESULTS} | {"warehouse"}


# --- in Dagster


@dataclass
class Toy:
    """A result with two partitions, in a real instance."""

    home: Home
    instance: dg.DagsterInstance
    profile: Profile = field(default_factory=lambda: profile(**NIGHTLY))
    setting: int = 0

    def step(self) -> Step:
        return Step(
            name="table",
            group=RESULTS,
            description="a result",
            code_version="1",
            build=lambda task: Outcome(1, pl.DataFrame({"n": [1]}), metadata={"plot": "a curve"}),
            config=lambda *_: {"setting": self.setting},
            partitions=lambda _: dg.StaticPartitionsDefinition(["a", "b"]),
            keys=lambda _: ["a", "b"],
        )

    def workflow(self) -> Workflow:
        return Workflow(self.profile, self.home, {"table": self.step()})

    def asset(self) -> dg.AssetsDefinition:
        return define(self.step(), self.profile, {"table": self.step()})

    def make(self, *partitions: str) -> None:
        database = self.home.mlflow_database
        for partition in partitions:
            result = dg.materialize(
                [self.asset()],
                partition_key=partition,
                instance=self.instance,
                resources={
                    "store": Store(root=str(self.home.root)),
                    "tracking": Tracking(uri=f"sqlite:///{database}", artifacts=database.as_uri()),
                },
            )
            assert result.success

    def state(self, after: timedelta) -> str:
        """What the daemon finds, and writes down, so long from now."""
        context, node = LoadingContextForTest(self.instance), graph_of(self.asset()).get(TABLE)
        with freeze_time(time.time() + after.total_seconds()):
            asyncio.run(FreshnessDaemon()._evaluate_asset(context, node))
        return self.instance.get_freshness_state_records([TABLE])[TABLE].freshness_state.value

    def events(self) -> list[dg.AssetMaterialization]:
        records = self.instance.fetch_materializations(TABLE, limit=99).records
        return [each.asset_materialization for each in records if each.asset_materialization]

    def confirm(self, since: float) -> None:
        """A job's run that found everything current, as the conducting jobs say it."""

        @dg.op
        def conduct(context: dg.OpExecutionContext) -> None:
            for event in confirmations(context.instance, self.workflow(), since):
                context.log_event(event)

        @dg.job
        def benchmarks() -> None:
            conduct()

        assert benchmarks.execute_in_process(instance=self.instance).success


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Toy(Home(tmp_path), instance)


def test_dagsters_daemon_judges_results_with_partitions(toy: Toy) -> None:
    assert toy.state(timedelta(0)) == "UNKNOWN"
    toy.make("a", "b")
    assert [toy.state(29 * HOUR), toy.state(31 * HOUR)] == ["PASS", "FAIL"]
    toy.setting = 1
    toy.make("a")
    assert toy.state(29 * HOUR) == "PASS"


def test_a_run_that_finds_results_current_renews_them(toy: Toy) -> None:
    toy.make("a", "b")
    with freeze_time(time.time() + (31 * HOUR).total_seconds()):
        toy.confirm(since=time.time() + HOUR.total_seconds())
    assert toy.state(60 * HOUR) == "PASS" and toy.state(62 * HOUR) == "FAIL"


def test_what_is_said_again_is_the_last_event_whole(toy: Toy) -> None:
    toy.make("a", "b")
    (last, _) = toy.events()
    toy.confirm(since=time.time() + 1)
    again, before, _ = toy.events()
    assert before == last and again.partition == last.partition == "b"
    assert again.metadata["plot"] == last.metadata["plot"] and again.metadata["reused"].value is True
    assert dict(again.tags) == dict(last.tags), (
        "data and code versions too, or all that follows would be stale"
    )


def nothing(toy: Toy) -> None:
    pass


def change(toy: Toy) -> None:
    toy.setting = 1


def switch_off(toy: Toy) -> None:
    toy.profile = profile()


@pytest.mark.parametrize(
    ("change", "seconds"),
    [(change, 1), (switch_off, 1), (nothing, -60)],
    ids=["out of date", "no schedule", "made meanwhile"],
)
def test_nothing_is_said_of_what_is(toy: Toy, change: Callable[[Toy], None], seconds: float) -> None:
    toy.make("a", "b")
    change(toy)
    toy.confirm(since=time.time() + seconds)
    assert len(toy.events()) == 2
