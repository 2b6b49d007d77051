"""Rules that hold a new table against the last one: what fails a run, what is only told, and how it is accepted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import dagster as dg
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.common import whole
from assets.factory import define
from assets.resources import Store, Tracking
from assets.step import Outcome, Rule, Step, Task
from assets.steps import STEPS
from assets.watching import (
    ACCEPT_TAG,
    ACCURACY_HOLDS,
    FAILURES_HOLD,
    WHY,
    accuracy_holds,
    failures_hold,
)
from g3lib.experiments import Profile
from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import commit_table, read_record
from pipelines.settings import load_profile

THRESHOLDS = [1, 25, 200, 750, 2500]
KEY = Key("accuracy", "toy|g3")
LAST_RUN, COMMIT = "5e1ec7ed-run", "0123456789abcdef0123"


def record(key: Key = KEY) -> Record:
    """A record of which only what messages quote matters."""
    return Record(
        *(key.asset, key.partition, "data", "fingerprint", "1", LAST_RUN, None, COMMIT),
        started_at="2026-11-19T02:00:00+00:00",
        finished_at="2026-11-19T02:10:00+00:00",
        **{"rows": 5, "bytes": 0, "path": "", "config": {}, "inputs": ()},  # type: ignore[arg-type]
    )


def accuracies(
    values: Sequence[float], n: int = 100, lmm: str | None = "llava", half_width: float = 0.08
) -> pl.DataFrame:
    """A table of accuracies with intervals that reach so far to either side."""
    table = pl.DataFrame({"threshold_km": THRESHOLDS, "accuracy": values}).with_columns(
        n=pl.lit(n), lmm=pl.lit(lmm, dtype=pl.String)
    )
    low, high = pl.col("accuracy") - half_width, pl.col("accuracy") + half_width
    return table.with_columns(ci_low=low.clip(0, 1), ci_high=high.clip(0, 1))


def answers(asked: int, failed: int, lmm: str = "llava", retrieved: int = 7) -> pl.DataFrame:
    """Candidates: retrieved ones, and an LMM's of which some could not be read."""
    reasons = ["refusal" if row % 3 else "no coordinates" for row in range(failed)]
    of_lmm = {
        "source": ["0-shot"] * asked,
        "failure": reasons + [None] * (asked - failed),
        "answer": ["I cannot say where."] * failed + [None] * (asked - failed),
        "lmm": [lmm] * asked,
    }
    of_gallery = {
        "source": ["retrieval"] * retrieved,
        **dict.fromkeys(("failure", "answer", "lmm"), [None] * retrieved),
    }
    schema = dict.fromkeys(of_lmm, pl.String)
    return pl.concat([pl.DataFrame(of_lmm, schema), pl.DataFrame(of_gallery, schema)])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def judged(
    rule: Callable[[Task, Outcome], tuple[bool, dict[str, Any]]],
    home: Home,
    last: pl.DataFrame | None,
    new: pl.DataFrame,
    accepts: bool = False,
) -> tuple[bool, dict[str, Any]]:
    """The verdict of a rule on a new table whose predecessor is committed."""
    if last is not None:
        commit_table(home.table(KEY), last, record())
    task = Task(
        *(KEY, load_profile("demo"), home, {}, home.root, cast(Tracking, None), "this run"), accepts=accepts
    )
    return rule(task, Outcome(new.height, new))


# --- accuracy

GOOD = [0.05, 0.3, 0.5, 0.7, 0.9]


def test_a_first_table_has_nothing_to_hold(home: Home) -> None:
    passed, told = judged(accuracy_holds, home, None, accuracies(GOOD))
    assert passed and "first table" in told["compared with"]


def test_a_table_like_the_last_holds_and_says_what_it_was_held_against(home: Home) -> None:
    passed, told = judged(accuracy_holds, home, accuracies(GOOD), accuracies([0.04, 0.25, 0.5, 0.75, 0.85]))
    assert passed
    assert told["last commit"] == COMMIT and told["last run"] == LAST_RUN
    assert "2026-11-19 02:10 UTC" in told["compared with"]


def test_a_drop_says_where_from_what_since_when_and_what_to_do(home: Home) -> None:
    passed, told = judged(accuracy_holds, home, accuracies(GOOD), accuracies([0.05, 0.21, 0.5, 0.7, 0.8]))
    assert not passed
    why = told[WHY]
    assert "toy|g3" in why
    assert "21.0% at 25 km, was 30.0% with an interval from 22.0% to 38.0%" in why
    assert "80.0% at 2500 km" in why and " 200 km" not in why
    assert "2026-11-19 02:10 UTC" in why and COMMIT[:12] in why and LAST_RUN[:8] in why
    assert "g3 run demo --accept" in why and f"{ACCEPT_TAG}: true" in why
    assert [row["threshold_km"] for row in told["drops"]] == [25, 2500]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.integers(1, 99), min_size=5, max_size=5),
    change=st.lists(st.integers(-30, 30), min_size=5, max_size=5),
    width=st.integers(1, 20),
)
def test_what_fails_lies_below_the_interval_and_nothing_else(
    home: Home, before: list[int], change: list[int], width: int
) -> None:
    after = [min(max(count + by, 0), 100) for count, by in zip(before, change, strict=True)]
    last, new = ([count / 100 for count in counts] for counts in (before, after))
    _, told = judged(accuracy_holds, home, accuracies(last, half_width=width / 100), accuracies(new))
    expected = [
        threshold
        for threshold, was, now in zip(THRESHOLDS, before, after, strict=True)
        if now < max(was - width, 0)
    ]
    assert [row["threshold_km"] for row in told.get("drops", [])] == expected


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (accuracies([0.0] * 5, n=101), "queries of the benchmark was 100 and is 101"),
        (accuracies([0.0] * 5, lmm="gpt"), "LMM was llava and is gpt"),
        (accuracies([0.0] * 5, lmm=None), "LMM was llava and is none"),
        (accuracies([0.0] * 5).drop("lmm"), "LMM was llava and is not told"),
    ],
)
def test_what_cannot_be_compared_is_told_and_not_failed(home: Home, now: pl.DataFrame, said: str) -> None:
    passed, told = judged(accuracy_holds, home, accuracies(GOOD), now)
    assert passed and said in told["compared with"] and told["last run"] == LAST_RUN


@pytest.mark.parametrize(("hits", "passes"), [(40, True), (39, True), (37, True), (36, False)])
def test_one_miss_after_all_hits_is_no_drop(home: Home, hits: int, passes: bool) -> None:
    """Every resample of 40 hits is 40 hits; Clopper and Pearson's lower end is 0.025^(1/40) = 0.912."""
    last = accuracies([1.0] * 5, n=40, half_width=0)
    found, _ = judged(accuracy_holds, home, last, accuracies([hits / 40] * 5, n=40))
    assert found is passes is (hits / 40 >= 0.025 ** (1 / 40))


def test_accepting_keeps_it_and_the_record_says_what(home: Home) -> None:
    passed, told = judged(accuracy_holds, home, accuracies(GOOD), accuracies([0.0] * 5), accepts=True)
    assert passed and "fell below" in told["accepted"] and WHY not in told and told["drops"]


def test_a_last_table_that_cannot_be_read_holds_nothing_up(home: Home) -> None:
    commit_table(home.table(KEY), accuracies(GOOD), record())
    whole_file = home.table(KEY).read_bytes()
    home.table(KEY).write_bytes(b"PAR1" + bytes(200) + whole_file[204:])  # the footer still stands
    assert read_record(home.table(KEY)) is not None
    passed, _ = judged(accuracy_holds, home, None, accuracies([0.0] * 5))
    assert passed


# --- answers that cannot be read


@pytest.mark.parametrize(
    ("before", "now", "passes"),
    [
        (None, (100, 50), True),  # one half is not above it
        (None, (100, 51), False),
        (None, (19, 19), True),  # too few to say
        (None, (20, 11), False),
        ((1000, 20), (1000, 66), True),  # 4.6 points
        ((1000, 20), (1000, 100), False),  # 8 points
        ((20, 1), (20, 4), True),  # 15 points that may be chance
        ((20, 1), (20, 9), False),
        ((1000, 400), (1000, 100), True),  # better
        ((100, 60), (100, 62), True),  # bad as ever, and accepted then
        ((100, 60), (100, 90), False),  # and now worse
        ((0, 0), (100, 49), True),
    ],
)
def test_a_jump_of_unreadable_answers_fails(
    home: Home, before: tuple[int, int] | None, now: tuple[int, int], passes: bool
) -> None:
    last = None if before is None else answers(*before)
    found, told = judged(failures_hold, home, last, answers(*now))
    assert found is passes
    assert (told["answers"], told["not readable"]) == now, "retrieved candidates are no answers"
    assert (WHY in told) is not passes


def test_a_jump_says_how_much_why_and_that_nothing_is_lost(home: Home) -> None:
    _, told = judged(failures_hold, home, answers(100, 3), answers(120, 45))
    why = told[WHY]
    assert "45 of 120 answers to toy|g3 could not be read (38%), 3 of 100 last time" in why
    assert "refusal (30), no coordinates (15), e.g. 'I cannot say where.'" in why
    assert "will not be paid for again" in why and "--accept" in why and "2026-11-19 02:10 UTC" in why


def test_another_lmm_is_told_and_held_to_one_half_only(home: Home) -> None:
    passed, told = judged(failures_hold, home, answers(100, 3), answers(100, 45, lmm="gpt"))
    assert passed and "LMM was llava and is gpt" in told["compared with"]
    passed, told = judged(failures_hold, home, answers(100, 60), answers(100, 60, lmm="gpt"))
    assert not passed and "more than one half" in told[WHY]


def test_who_asks_no_lmm_has_no_failures(home: Home) -> None:
    assert judged(failures_hold, home, None, answers(0, 0)) == (True, {"answers": 0, "not readable": 0})


def test_accepted_failures_pass(home: Home) -> None:
    passed, told = judged(failures_hold, home, answers(100, 3), answers(100, 45), accepts=True)
    assert passed and "45 of 100 answers" in told["accepted"]


# --- in Dagster


@dataclass
class Toys:
    """Photos and a table judged by rules, in runs as Dagster makes them."""

    home: Home
    instance: dg.DagsterInstance
    rules: tuple[Rule, ...]
    table: pl.DataFrame = field(default_factory=pl.DataFrame)
    profile: Profile = field(default_factory=lambda: load_profile("demo"))
    built: int = 0
    setting: int = 0

    def build(self, _: Task) -> Outcome:
        self.built += 1
        return Outcome(self.table.height, self.table)

    def steps(self) -> dict[str, Step]:
        photos = Step(
            name="photos",
            group="toys",
            description="a benchmark",
            code_version="1",
            build=lambda _: Outcome(100, pl.DataFrame({"photo_id": range(100)})),
            config=lambda *_: {},
        )
        judged = Step(
            name="judged",
            group="toys",
            description="a table",
            code_version="1",
            build=self.build,
            config=lambda *_: {"setting": self.setting},
            upstream=(whole("photos"),),
            rules=self.rules,
            retry=dg.RetryPolicy(max_retries=1),
        )
        return {"photos": photos, "judged": judged}

    def make(self, table: pl.DataFrame, **tags: str) -> tuple[bool, str]:
        """Whether a run with this as the new table succeeds, and what it says if not."""
        if not table.equals(self.table):
            self.table, self.setting = table, self.setting + 1
        steps = self.steps()
        database = self.home.mlflow_database
        result = dg.materialize(
            [define(step, self.profile, steps) for step in steps.values()],
            instance=self.instance,
            resources={
                "store": Store(root=str(self.home.root)),
                "tracking": Tracking(uri=f"sqlite:///{database}", artifacts=database.as_uri()),
            },
            tags=tags,
            raise_on_error=False,
        )
        failure = None if result.success else result.failure_data_for_node("judged")
        error = failure.error if failure else None
        while error is not None and error.cause is not None:
            error = error.cause
        return result.success, str(error.message if error else "")

    def committed(self) -> Record | None:
        return read_record(self.home.table(Key("judged")))


@pytest.fixture
def make_toys(home: Home) -> Iterator[Callable[..., Toys]]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda *rules: Toys(home, instance, rules)


BAD = accuracies([0.0] * 5)


def test_a_drop_fails_the_run_again_and_again_until_it_is_accepted(make_toys: Callable[..., Toys]) -> None:
    toys = make_toys(ACCURACY_HOLDS)
    assert toys.make(accuracies(GOOD)) == (True, "")
    first = toys.committed()
    for _ in range(2):
        success, said = toys.make(BAD)
        assert not success and "judged was not committed: accuracy_holds accuracy of" in said
        assert "--accept" in said and "{" not in said, "a person reads it"
        assert toys.committed() == first
    assert toys.built == 3, "what fails a check is not tried again within a run"
    assert toys.make(BAD, **{ACCEPT_TAG: "false"})[0] is False
    assert toys.make(BAD, **{ACCEPT_TAG: "true"})[0] is True
    kept = toys.committed()
    assert kept is not None and kept != first
    (check,) = kept.checks
    assert check.passed and "fell below its last interval" in check.metadata["accepted"]
    assert toys.make(BAD)[0] is True, "and then it is what later ones are held against"


def test_dagster_shows_the_checks(make_toys: Callable[..., Toys]) -> None:
    toys = make_toys(ACCURACY_HOLDS)
    toys.make(accuracies(GOOD))
    toys.make(BAD)
    toys.make(BAD, **{ACCEPT_TAG: "true"})
    key = dg.AssetCheckKey(dg.AssetKey("judged"), "accuracy_holds")
    history = toys.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [each.status.value for each in history] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    accepted = cast(Any, history[0].event).dagster_event.event_specific_data.metadata
    assert "fell below" in accepted["accepted"].value


def test_unreadable_answers_fail_a_first_run(make_toys: Callable[..., Toys]) -> None:
    toys = make_toys(FAILURES_HOLD)
    success, said = toys.make(answers(40, 30))
    assert not success and "30 of 40 answers" in said and toys.committed() is None
    assert toys.make(answers(40, 30), **{ACCEPT_TAG: "true"})[0] is True


def test_a_wrong_n_fails_the_run_whatever_is_accepted(make_toys: Callable[..., Toys]) -> None:
    """By the rule of the real step."""
    toys = make_toys(*(rule for rule in STEPS["accuracy"].rules if rule.name == "n_is_benchmark"))
    assert len(toys.rules) == 1
    success, said = toys.make(accuracies(GOOD, n=99), **{ACCEPT_TAG: "true"})
    assert not success and toys.committed() is None
    assert "n_is_benchmark" in said and "99" in said and "100" in said
    assert toys.make(accuracies(GOOD, n=100))[0] is True


@pytest.mark.parametrize(
    ("step", "rules"),
    [("accuracy", {"n_is_benchmark", "accuracy_holds"}), ("candidates", {"failures_hold"})],
)
def test_the_workflow_is_watched(step: str, rules: set[str]) -> None:
    assert rules <= {rule.name for rule in STEPS[step].rules}


def test_what_is_reused_keeps_what_its_page_shows(make_toys: Callable[..., Toys]) -> None:
    toys = make_toys()
    built = toys.build

    def shown(task: Task) -> Outcome:
        return replace(
            built(task), metadata={"plot": dg.MetadataValue.md("![errors](data:…)"), "setting": toys.setting}
        )

    toys.build = shown  # type: ignore[method-assign]
    toys.make(accuracies(GOOD))
    toys.make(accuracies(GOOD))
    toys.make(BAD)
    records = toys.instance.fetch_materializations(dg.AssetKey("judged"), limit=9).records
    events = [each.asset_materialization for each in records]
    told = [
        (e.metadata["setting"].value, e.metadata["reused"].value, "plot" in e.metadata) for e in events if e
    ]
    assert told == [(2, False, True), (1, True, True), (1, False, True)] and toys.built == 2
