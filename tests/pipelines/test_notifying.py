"""Telling people of failed runs and stale results: real runs, a real server that hears, a program that writes down."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from tiny import TinyHome

from assets.factory import define
from assets.resources import Store, Tracking
from assets.step import Outcome, Rule, Step
from assets.watching import WHY
from g3lib.experiments import Profile
from g3lib.store import Home
from pipelines.commands.doctor import findings
from pipelines.conductor import INTERRUPTED, PARENT_TAG
from pipelines.notifying import Message, redacted, tell
from pipelines.sensors import failure_sensor, staleness_sensor
from pipelines.settings import SettingsError, load_profile

PASSWORD = "correct-horse-battery"
KEY = "sk-not-to-be-seen-anywhere"
WRITE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


@dataclass
class Hook:
    """A server on this machine that keeps what it is sent, and answers as it is told."""

    port: int
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://someone:{PASSWORD}@127.0.0.1:{self.port}/hooks/{PASSWORD}-path"


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append(json.loads(body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Hook(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def settings(**more: str) -> Profile:
    """The demo's profile with these settings, and a key."""
    with patch.dict(
        os.environ, {"G3_LMM_BASE_URL": "http://x/v1", "G3_LMM_MODEL": "m", "G3_LMM_API_KEY": KEY} | more
    ):
        return load_profile("demo")


def notifying(*urls: str, command: list[str] | None = None, **more: str) -> Profile:
    given = {"G3_NOTIFY__URLS": json.dumps(urls), "G3_NOTIFY__COMMAND": json.dumps(command or [])}
    return settings(**given, **more)


# --- settings


def test_nobody_is_told_by_default() -> None:
    profile = settings()
    assert not profile.notify.is_set
    for sensor in (failure_sensor(profile), staleness_sensor(profile)):
        assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


def test_somebody_to_tell_starts_the_sensors() -> None:
    profile = notifying("json://localhost:8000/hook", G3_SCHEDULE__ENABLED="true")
    assert failure_sensor(profile).default_status is dg.DefaultSensorStatus.RUNNING
    assert staleness_sensor(profile).default_status is dg.DefaultSensorStatus.RUNNING
    without_schedule = staleness_sensor(notifying("json://localhost:8000/hook"))
    assert without_schedule.default_status is dg.DefaultSensorStatus.STOPPED


@pytest.mark.parametrize(
    "given", ["json://localhost/hook", "[json://localhost/hook]", "['json://localhost/hook']"]
)
def test_one_address_needs_no_brackets(given: str) -> None:
    (url,) = settings(G3_NOTIFY__URLS=given).notify.urls
    assert url.get_secret_value() == "json://localhost/hook"


def test_addresses_and_commands_are_never_shown_or_serialised() -> None:
    profile = notifying(f"json://u:{PASSWORD}@localhost", command=["tell", PASSWORD])
    everything = [repr(profile), str(profile.notify), profile.model_dump_json(), str(profile.plain("notify"))]
    assert [each for each in everything if PASSWORD in each] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"G3_NOTIFY__URLS": f"[json://u:{PASSWORD}@localhost"},
        {"G3_NOTIFY__URLS": f"{{{PASSWORD}: 1}}"},
        {"G3_NOTIFY__URL": f"json://u:{PASSWORD}@localhost"},
        {"G3_NOTIFY": f"{{urls: [{PASSWORD}, 1]}}"},
        {"G3_NOTIFY": PASSWORD},
    ],
)
def test_wrong_settings_are_named_and_not_repeated(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"(?i)notify") as caught:
        settings(**wrong)
    shown: BaseException | None = caught.value
    while shown is not None:
        assert PASSWORD not in str(shown)
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


# --- sending

MESSAGE = Message("g3 demo: accuracy failed", "It fell <below> & *under*.\nSecond line.")


def test_an_address_hears_title_and_body(hook: Hook) -> None:
    assert tell(notifying(hook.url), MESSAGE) == []
    (heard,) = hook.heard
    assert (heard["title"], heard["message"], heard["type"]) == (MESSAGE.title, MESSAGE.body, "failure")


def test_a_command_reads_the_message(tmp_path: Path) -> None:
    file = tmp_path / "told"
    assert tell(notifying(command=[sys.executable, "-c", WRITE, str(file)]), MESSAGE) == []
    assert file.read_text() == f"{MESSAGE.title}\n\n{MESSAGE.body}\n"


def test_who_cannot_be_told_is_named_by_number_and_the_others_are_told(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    broken = f"json://someone:{PASSWORD}@127.0.0.1:9/nobody-listens-here"
    unknown = f"nonsense://{PASSWORD}"
    cry = f"import sys; sys.exit('no such {PASSWORD} here')"
    problems = tell(
        notifying(broken, unknown, hook.url, command=[sys.executable, "-c", cry, PASSWORD]), MESSAGE
    )
    assert len(hook.heard) == 1
    assert [problem.partition(":")[0] for problem in problems] == [
        *("notify.urls, number 1", "notify.urls, number 2", "notify.command")
    ]
    assert "onnection" in problems[0] and "Apprise cannot read" in problems[1]
    assert "exit status 1: no such [redacted] here" in problems[2]
    assert PASSWORD not in str(problems) + caplog.text, "Apprise's own log would quote it"


def test_an_address_that_answers_with_an_error_was_not_told(hook: Hook) -> None:
    hook.status = 500
    (problem,) = tell(notifying(hook.url), MESSAGE)
    assert "500" in problem and PASSWORD not in problem


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = tell(notifying(command=[str(tmp_path / "nothing")]), MESSAGE)
    assert "No such file" in problem


def test_what_is_secret_is_taken_out() -> None:
    profile = notifying(f"slack://tokenA-{PASSWORD}/tokenB-{PASSWORD}/#alerts")
    text = (
        f"key {KEY}, url slack://tokenA-{PASSWORD}/tokenB-{PASSWORD}/#alerts, "
        f"parts (tokenA-{PASSWORD}) tokenB-{PASSWORD}, "
        "http://me:mine-own@host/v1, Bearer abcdefghijk, sk-proj-0123456789, accuracy[toy|g3] at 25 km"
    )
    found = redacted(text, profile)
    for secret in (KEY, PASSWORD, "mine-own", "abcdefghijk", "0123456789"):
        assert secret not in found
    assert "@host/v1" in found and found.endswith("accuracy[toy|g3] at 25 km")


# --- failed runs


@dataclass
class Watched:
    """Runs in an instance, and the failure sensor's ticks as the daemon makes them."""

    instance: dg.DagsterInstance
    home: Home
    cursor: str | None = None

    def tick(self, profile: Profile) -> dict[str, str]:
        """Ticks until nothing is left; what the page of each failed run says of it."""
        while True:
            context = dg.build_sensor_context(self.instance, self.cursor)
            data = failure_sensor(profile).evaluate_tick(context)
            assert all(reaction.error is None for reaction in data.dagster_run_reactions)
            if data.cursor == self.cursor:
                return {run.run_id: self.page(run.run_id) for run in self.instance.get_runs()}
            self.cursor = data.cursor

    def page(self, run_id: str) -> str:
        """The last engine event of a run."""
        events = self.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
        event = events[-1].event_log_entry.dagster_event if events else None
        return str(event.message) if event else ""

    def fail(self, error: Callable[[], BaseException], **tags: str) -> str:
        """The id of a run in which an asset fails, as `g3 run` makes runs."""

        def build(_: Any) -> Outcome:
            try:
                raise ValueError("the first cause")
            except ValueError:
                raise error() from None

        return self._make(build, (), tags)

    def fail_a_rule(self) -> str:
        rule = Rule("holds", "it holds", lambda *_: (False, {WHY: "accuracy fell; `g3 run demo --accept`"}))
        return self._make(lambda _: Outcome(0), (rule,), {})

    def _make(self, build: Any, rules: tuple[Rule, ...], tags: dict[str, str]) -> str:
        axes = {name: dg.StaticPartitionsDefinition(["toy", "g3"]) for name in ("benchmark", "experiment")}
        step = Step(
            *("judged", "toys", "a table", "1", build, lambda *_: {}),
            partitions=lambda _: dg.MultiPartitionsDefinition(axes),
            rules=rules,
        )
        result = dg.materialize(
            [define(step, settings(), {"judged": step})],
            partition_key="toy|g3",
            instance=self.instance,
            resources={
                "store": Store(root=str(self.home.root)),
                "tracking": Tracking(uri="sqlite://", artifacts="file:///nowhere"),
            },
            tags=tags,
            raise_on_error=False,
        )
        assert not result.success
        return result.run_id


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = Watched(instance, Home(tmp_path))
        found.tick(settings())  # the first tick only looks where the log ends
        yield found


def test_a_failed_run_is_told_once(watched: Watched, hook: Hook) -> None:
    profile = notifying(hook.url, G3_NOTIFY__PAGES="https://dagster.example/")
    run_id = watched.fail(lambda: RuntimeError(f"no such photo; make it again (it said {KEY})"))
    assert watched.tick(profile)[run_id] == "g3 demo: judged[toy|g3] failed: told."
    (heard,) = hook.heard
    assert heard["title"] == "g3 demo: judged[toy|g3] failed"
    first, *rest = heard["message"].splitlines()
    assert first == "RuntimeError: no such photo; make it again (it said [redacted])"
    text = "\n".join(rest)
    assert f"https://dagster.example/runs/{run_id}" in text and "`g3 run demo`" in text
    assert "Traceback" not in text and "File " not in text
    watched.tick(profile)
    assert len(hook.heard) == 1


def test_a_failed_check_is_told_in_its_own_words(watched: Watched, hook: Hook) -> None:
    watched.fail_a_rule()
    watched.tick(notifying(hook.url))
    (heard,) = hook.heard
    expected = "judged[toy|g3] was not committed: holds accuracy fell; `g3 run demo --accept`"
    assert heard["message"].splitlines()[0] == expected


def conducting(watched: Watched, child: Callable[[str], Any] | None) -> str:
    """The id of a job's run that fails, perhaps because a run that it made failed."""

    @dg.op
    def conduct(context: dg.OpExecutionContext) -> None:
        if child is not None:
            child(context.run.run_id)
        raise RuntimeError("judged[toy|g3] failed: a repetition of the child's words")

    @dg.job
    def benchmarks() -> None:
        conduct()

    return benchmarks.execute_in_process(instance=watched.instance, raise_on_error=False).run_id


def test_a_conducting_job_that_fails_with_its_child_is_told_once(watched: Watched, hook: Hook) -> None:
    def child(run_id: str) -> None:
        watched.fail(lambda: RuntimeError("no such photo"), **{PARENT_TAG: run_id})

    parent = conducting(watched, child)
    said = watched.tick(notifying(hook.url))
    (heard,) = hook.heard
    assert heard["title"] == "g3 demo: judged[toy|g3] failed" and "no such photo" in heard["message"]
    assert "Nobody is told again" in said[parent]


def test_a_conducting_job_that_fails_by_itself_is_told(watched: Watched, hook: Hook) -> None:
    conducting(watched, None)
    watched.tick(notifying(hook.url))
    (heard,) = hook.heard
    assert heard["title"] == "g3 demo: conduct failed" and "job benchmarks" in heard["message"]


def test_a_run_whose_process_died_is_told(watched: Watched, hook: Hook) -> None:
    @dg.job
    def everything() -> None:
        pass

    run = watched.instance.create_run_for_job(everything, status=dg.DagsterRunStatus.STARTED)
    watched.instance.report_run_failed(run, "its process ended before the run did")
    watched.tick(notifying(hook.url))
    (heard,) = hook.heard
    assert heard["title"] == "g3 demo: everything failed"
    assert heard["message"].startswith("its process ended before the run did")


def test_an_interrupted_run_is_nobodys_news(watched: Watched, hook: Hook) -> None:
    error = type(INTERRUPTED, (Exception,), {})
    run_id = watched.fail(lambda: error("Ctrl-C"))
    said = watched.tick(notifying(hook.url))
    assert hook.heard == [] and "interrupted by a person" in said[run_id]


def test_a_notification_that_fails_is_said_and_breaks_nothing(
    watched: Watched, hook: Hook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    hook.status = 500
    for _ in range(7):  # more than Dagster handles in a tick
        watched.fail(lambda: RuntimeError("a failure"))
    said = watched.tick(notifying(hook.url))
    assert len(hook.heard) == 7, "each is tried once, though none could be told"
    assert all("notify.urls, number 1" in each and "500" in each for each in said.values())
    assert "notify.urls, number 1" in caplog.text + capfd.readouterr().err
    assert PASSWORD not in str(said)


def test_without_settings_the_sensor_says_what_to_set(watched: Watched) -> None:
    run_id = watched.fail(lambda: RuntimeError("first"))
    assert "G3_NOTIFY__URLS" in watched.tick(settings())[run_id]


# --- stale results


def test_stale_results_are_told_once_until_they_are_renewed(hook: Hook) -> None:
    profile, accuracy = notifying(hook.url, G3_SCHEDULE__ENABLED="true"), dg.AssetKey("accuracy")
    sensor, cursor = staleness_sensor(profile), None
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(accuracy))
        for new, heard in (("PASS", 0), ("FAIL", 1), ("FAIL", 1), ("PASS", 1), ("FAIL", 2)):
            change = FreshnessStateChange(
                key=accuracy,
                new_state=FreshnessState(new),
                previous_state=FreshnessState.UNKNOWN,
                state_change_timestamp=1.0,
            )
            instance._report_runless_asset_event(change)  # as Dagster's freshness daemon does
            cursor = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor)).cursor
            assert len(hook.heard) == heard
    assert hook.heard[0]["title"] == "g3 demo: results are stale"
    assert "accuracy (0 h)" in hook.heard[0]["message"] and "benchmarks" in hook.heard[0]["message"]


def test_without_a_schedule_nothing_is_late(hook: Hook) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance)
        said = staleness_sensor(notifying(hook.url)).evaluate_tick(context).skip_message
    assert said is not None and "G3_SCHEDULE__ENABLED" in said and hook.heard == []


# --- the doctor


def test_the_doctor_says_who_is_told_without_saying_where(tmp_path: Path) -> None:
    def found(profile: Profile) -> tuple[str, bool, bool, str]:
        (finding,) = [each for each in findings(profile, Home(tmp_path)) if each.what == "notifications"]
        assert PASSWORD not in str(finding)
        return finding.found, finding.ok, finding.needed, finding.remedy

    nobody = found(settings())
    assert nobody[1:3] == (False, False) and "G3_NOTIFY__URLS" in nobody[3]
    assert found(notifying(f"json://u:{PASSWORD}@h"))[:2] == ("1 addresses, no command", True)
    wrong = found(notifying("json://h", f"nonsense://{PASSWORD}"))
    assert wrong[1:3] == (False, True) and "number 2" in wrong[3]


def test_no_command_shows_an_address(tmp_path: Path) -> None:
    said = TinyHome(tmp_path / "home").call("doctor", "demo", G3_NOTIFY__URLS=f"json://u:{PASSWORD}@h")
    assert "1 addresses" in said.stdout and PASSWORD not in said.stdout + said.stderr
