"""Asking over real HTTP: what is recorded, and how little is lost when the endpoint misbehaves."""

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from questions_asked import (
    KEY,
    QUESTION,
    ask,
    assert_nowhere,
    items,
    jpeg,
    lines,
    settings,
    texts,
)

from g3lib.candidates.asking import Item, ask_all
from g3lib.candidates.asking.dialect import Dialect
from g3lib.candidates.asking.endpoint import Endpoint, read_reply
from g3lib.candidates.costs.prices import prices_of
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import ResponseLog
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.stand_in.running import running_stand_in
from g3lib.experiments.lmm import LmmSettings

if TYPE_CHECKING:
    from conftest import Steered


def test_records_request_answers_and_usage(tmp_path: Path, stand_in: str) -> None:
    asked, log = ask(tmp_path, stand_in)
    (line,) = lines(log.path)
    assert (line["key"], line["first"]) == (items(1)[0].question.key, 0)
    assert (line["model"], line["label"], len(line["texts"])) == (MODEL, "stand-in", 3)
    assert (line["endpoint"], line["finishes"], line["batched"]) == (stand_in, ["stop"] * 3, False)
    assert line["usage"]["prompt_tokens"] == asked.tokens_in > 85
    assert line["usage"]["completion_tokens"] == asked.tokens_out > 30
    assert asked.usd == pytest.approx(asked.tokens_in * 10e-6 + asked.tokens_out * 30e-6)
    assert line["finished_at"].endswith("+00:00")
    assert line["latency"] > 0
    assert (line["request"]["n"], line["request"]["seed"]) == (3, 0)
    text, image = line["request"]["messages"][0]["content"]
    assert text == {"type": "text", "text": "Where is 0?"}
    assert image["image_url"] == {"url": f"sha256:{QUESTION.image_sha256}", "detail": "low"}


def test_photos_load_when_their_turn_comes(tmp_path: Path, steered: "Steered") -> None:
    loaded = 0

    def load() -> bytes:
        nonlocal loaded
        loaded += 1
        waiting.append(loaded - steered.ledger()["received"])
        return jpeg()

    waiting: list[int] = []
    with ResponseLog.open(tmp_path, "e", "b") as log:
        many = [Item(item.question, load, 0, 3) for item in items(60)]
        ask_all(many, settings(), steered.base_url, KEY, log, prices_of(settings()))
    assert loaded == 60
    assert max(waiting) <= 2 * settings().concurrency


@pytest.mark.parametrize("fault", ["short", "fewer:0.7"])
def test_fewer_choices_than_n_are_asked_for_again(fault: str, tmp_path: Path, steered: "Steered") -> None:
    _, undisturbed = ask(tmp_path / "well", steered.base_url, count=5)
    steered.tell(faults=[fault])
    _, log = ask(tmp_path / "ill", steered.base_url, count=5)
    assert len(lines(log.path)) > 5
    assert texts(log, 5) == texts(undisturbed, 5)  # the seed moved along


@pytest.mark.parametrize("lacking", ["n", "response_format", "seed", "max_tokens", "detail"])
def test_what_an_endpoint_does_not_take_is_left_out(lacking: str, tmp_path: Path) -> None:
    with running_stand_in("--without", lacking) as base_url:
        asked, log = ask(tmp_path, base_url, count=6)
    recorded = lines(log.path)
    assert asked.answers == 18
    if lacking == "n":
        assert len(recorded) == 18
        assert "n" not in recorded[-1]["request"]
    else:
        assert len(recorded) == 6
        assert all(lacking not in line["request"] for line in recorded)
    if lacking == "max_tokens":
        assert all(line["request"]["max_completion_tokens"] == 200 for line in recorded)


def test_one_who_refuses_what_was_not_said_is_not_asked_for_ever(
    tmp_path: Path, steered: "Steered", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialect, "learn", lambda *_: True)
    steered.tell(faults=["status=400"])
    with pytest.raises(LmmError, match="HTTP 400"):
        ask(tmp_path, steered.base_url)


def test_a_temperature_that_is_not_taken_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    with running_stand_in("--without", "temperature") as base_url, pytest.raises(LmmError) as caught:
        ask(tmp_path, base_url)
    assert caught.value.kind == "rejected"
    assert "set the LMM's `temperature`" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "names"),
    [
        ("unauthorized", "unauthorized", "G3_LMM_API_KEY"),
        ("status=403", "unauthorized", "G3_LMM_API_KEY"),
        ("unknown-model", "unknown-model", "G3_LMM_MODEL"),
        ("insufficient-quota", "unauthorized", "no credit left"),
        ("rate-limited", "unavailable", "HTTP 429"),
        ("rate-limited=3600", "unavailable", "asks to wait 3,600 s"),
        ("status=418", "rejected", "prompt-0 of photo 'p'"),
        ("status=500", "unavailable", "HTTP 500"),
        ("nonsense", "nonsense", "<html>"),
        ("invalid-json", "nonsense", "no chat completion"),
        ("empty-choices", "nonsense", "no chat completion"),
        ("drop", "unavailable", "the connection broke"),
        ("reset", "unavailable", "the connection broke"),
        ("hang", "unavailable", "timeout_seconds"),
    ],
)
def test_failures_are_explained_without_the_key(
    fault: str, kind: str, names: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, steered: "Steered"
) -> None:
    caplog.set_level("DEBUG")
    steered.tell(faults=[fault])
    started = time.monotonic()
    with pytest.raises(LmmError) as caught:
        ask(tmp_path, steered.base_url, count=2, timeout_seconds=0.5, deadline_seconds=1.0)
    assert time.monotonic() - started < 5
    error = caught.value
    assert error.kind == kind
    assert names in str(error)
    assert steered.base_url in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    for text in (repr(error), str(error), caplog.text):
        assert KEY not in text
    assert_nowhere(KEY, tmp_path)


@pytest.mark.parametrize(
    "faults",
    [
        ["status=500:0.3"], ["rate-limited:0.3"], ["rate-limited=0.2:0.3"], ["rate-limited-date:0.3"],
        ["drop:0.3"], ["reset:0.3"], ["invalid-json:0.3"], ["empty-choices:0.3"], ["nonsense:0.2"], ["hang:0.2"],
        ["status=500:0.1", "drop:0.1", "invalid-json:0.1", "fewer:0.1", "rate-limited:0.1", "status=503:0.1"],
    ],
)  # fmt: skip
def test_what_passes_is_survived_and_nothing_is_recorded_twice(
    faults: list[str], tmp_path: Path, steered: "Steered"
) -> None:
    _, undisturbed = ask(tmp_path / "well", steered.base_url, count=30)
    steered.http.delete("/stand-in/ledger")
    steered.tell(faults=faults)
    asked, log = ask(
        tmp_path / "ill", steered.base_url, count=30, max_retries=12, timeout_seconds=0.5, concurrency=8
    )
    steered.tell(faults=[])
    assert texts(log, 30) == texts(undisturbed, 30)
    assert asked.troubles or any("fewer" in fault for fault in faults)
    assert steered.ledger()["answered_again"] == 0
    assert len({(line["key"], line["first"]) for line in lines(log.path)}) == len(lines(log.path))


def test_retry_after_is_waited_for_by_all(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(per_second=20, latency=0.01)
    started = time.monotonic()
    asked, _ = ask(tmp_path, steered.base_url, count=60, concurrency=16)
    assert asked.requests == 60
    assert time.monotonic() - started > 1.5  # 60 at 20 a second, less the first burst
    assert asked.troubles["HTTP 429"] < 60  # not each of them again and again


def test_concurrency_adapts_to_what_the_endpoint_bears(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(capacity=6, latency=0.02)
    asked, _ = ask(tmp_path, steered.base_url, count=300, concurrency=48)
    ledger = steered.ledger()
    assert asked.requests == ledger["answered"] == 300
    assert asked.troubles["HTTP 429"] < 200  # at a fixed 48, seven of eight would be turned away


def test_a_budget_stops_cleanly_and_is_not_passed(tmp_path: Path, steered: "Steered") -> None:
    budget = {"usd": 0.1}
    steered.tell(latency=0.01)
    with pytest.raises(LmmError, match=r"budget of 0\.1 usd.*run again to continue") as caught:
        ask(tmp_path, steered.base_url, count=200, concurrency=16, budget=budget)
    assert caught.value.kind == "budget"
    recorded = lines(tmp_path / "e" / "b.jsonl")
    usage = [line["usage"] for line in recorded]
    spent = sum(u["prompt_tokens"] * 10e-6 + u["completion_tokens"] * 30e-6 for u in usage)
    assert 0.05 < spent <= 0.1
    assert steered.ledger()["answered"] == len(recorded)
    with pytest.raises(LmmError, match="budget"):  # what was spent before counts
        ask(tmp_path, steered.base_url, count=200, concurrency=16, budget=budget)
    assert steered.ledger()["answered"] <= len(recorded) + 10


def test_a_budget_in_usd_needs_a_price(tmp_path: Path, stand_in: str) -> None:
    wanted = LmmSettings(base_url=stand_in, model="nobody-knows-1", budget={"usd": 1.0})  # type: ignore[arg-type]
    with (
        ResponseLog.open(tmp_path, "e", "b") as log,
        pytest.raises(LmmError, match="its price is unknown") as caught,
    ):
        ask_all(items(1), wanted, stand_in, KEY, log, prices_of(wanted))
    assert caught.value.kind == "budget"


def test_replay_asks_nobody(tmp_path: Path, steered: "Steered") -> None:
    ask(tmp_path, steered.base_url, count=2)
    with pytest.raises(LmmError, match="1 requests to 'stand-in' are not recorded") as caught:
        ask(tmp_path, "http://127.0.0.1:9/v1", count=3, transport="replay")
    assert caught.value.kind == "not-recorded"
    assert steered.ledger()["answered"] == 2


def test_the_key_is_redacted_even_if_a_model_repeats_it() -> None:
    endpoint = Endpoint("http://me:pw@host:1/v1?token=t", KEY)
    assert KEY not in repr(endpoint)
    assert endpoint.shown == "http://host:1/v1"
    body = f'{{"choices": [{{"message": {{"content": "your key is {KEY}"}}}}]}}'
    assert read_reply(endpoint, body).texts == ("your key is [G3_LMM_API_KEY]",)
    placeholder = Endpoint("http://host/v1", "0")
    assert placeholder.redacted("10.0, 20.0") == "10.0, 20.0"


@pytest.mark.parametrize(
    "reply",
    ["", "null", "[]", "{}", '{"choices": []}', '{"choices": [7]}', '{"choices": [{}]}', "[" * 100_000],
)
def test_replies_that_are_no_completion_are_nonsense(reply: str) -> None:
    with pytest.raises(LmmError, match="no chat completion") as caught:
        read_reply(Endpoint("http://host/v1", KEY), reply)
    assert caught.value.kind == "nonsense"


def test_an_endpoint_that_is_down_stops_the_run_early(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    started = time.monotonic()
    with pytest.raises(LmmError, match=r"start the endpoint or check G3_LMM_BASE_URL") as caught:
        ask(tmp_path, base_url, count=2000, max_retries=8, patience_seconds=600.0)
    assert time.monotonic() - started < 5
    assert caught.value.kind == "unreachable"
    assert base_url in str(caught.value)


def test_an_endpoint_that_comes_back_in_time_is_waited_for(tmp_path: Path, steered: "Steered") -> None:
    calls, down = 0, threading.Event()

    def load() -> bytes:
        nonlocal calls
        calls += 1
        if calls == 20:
            steered.tell(faults=["status=500"])
            down.set()
        return jpeg()

    def mend() -> None:
        down.wait()
        time.sleep(1.5)
        steered.tell(faults=[])

    threading.Thread(target=mend, daemon=True).start()
    wanted = settings(max_retries=30, patience_seconds=30.0)
    with ResponseLog.open(tmp_path, "e", "b") as log:
        many = [Item(item.question, load, 0, 3) for item in items(60)]
        asked = ask_all(many, wanted, steered.base_url, KEY, log, prices_of(wanted))
    assert asked.requests == 60
    assert 10 <= asked.troubles["HTTP 500"] < 60  # probes, not a storm


def test_some_failures_leave_the_other_answers_and_the_next_run_continues(
    tmp_path: Path, steered: "Steered"
) -> None:
    steered.tell(faults=["status=418:0.2"])
    with pytest.raises(LmmError, match="run again to continue"):
        ask(tmp_path, steered.base_url, count=30)
    before = (tmp_path / "e" / "b.jsonl").read_bytes()
    assert before.count(b"\n") > 10
    steered.tell(faults=[])
    _, log = ask(tmp_path, steered.base_url, count=30)
    assert log.path.read_bytes().startswith(before)
    assert len({line["key"] for line in lines(log.path)}) == len(lines(log.path)) == 30
    assert steered.ledger()["answered_again"] == 0


def test_a_full_disk_stops_the_run_and_loses_nothing_that_was_recorded(
    tmp_path: Path, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = ResponseLog._append, 0

    def full(log: ResponseLog, data: bytes) -> None:
        nonlocal written
        written += 1
        if written > 3:
            raise OSError(28, "No space left on device")
        real(log, data)

    monkeypatch.setattr(ResponseLog, "_append", full)
    with pytest.raises(OSError, match="No space left"):
        ask(tmp_path, stand_in, count=30)
    assert 3 <= len(lines(tmp_path / "e" / "b.jsonl")) < 30


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    tmp_path: Path, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    assert ask(tmp_path, stand_in)[0].requests == 1
