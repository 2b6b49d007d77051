"""Asking over real HTTP: what is recorded, and how each failure is explained."""

import hashlib
import json
import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from g3lib.candidates.client import ask_all
from g3lib.candidates.endpoint import Endpoint, read_reply
from g3lib.candidates.protocol import MODEL
from g3lib.candidates.questions import LmmError, Question
from g3lib.candidates.responses import ResponseLog
from g3lib.candidates.running import running_stand_in
from g3lib.experiments.profile import LmmSettings

KEY = "sk-very-secret-0123456789"
JPEG = b"\xff\xd8\xff\xe0 not much of a photo"
QUESTION = Question(
    photo_id="p",
    source="prompt-0",
    text="Where?",
    image_sha256=hashlib.sha256(JPEG).hexdigest(),
    model=MODEL,
    label="label",
    n=3,
    temperature=1.0,
    seed=0,
    max_tokens=200,
)


def settings(**changed: Any) -> LmmSettings:
    """Impatient settings."""
    return LmmSettings(**({"concurrency": 4, "max_retries": 0, "timeout_seconds": 5.0} | changed))


def ask(folder: Path, base_url: str, count: int = 1, **changed: Any) -> ResponseLog:
    """Ask `count` different questions."""
    questions = [replace(QUESTION, seed=100 * seed) for seed in range(count)]
    with ResponseLog.open(folder, "e", "b") as log:
        ask_all(((each, lambda: JPEG) for each in questions), settings(**changed), base_url, KEY, log)
    return log


def lines(log: ResponseLog) -> list[dict[str, Any]]:
    """What the log's file holds."""
    return [json.loads(line) for line in log.path.read_bytes().splitlines()]


def test_records_request_answers_and_usage(tmp_path: Path, stand_in: str) -> None:
    (line,) = lines(ask(tmp_path, stand_in))
    assert line["key"] == QUESTION.key
    assert (line["model"], line["label"], len(line["texts"])) == (MODEL, "label", 3)
    assert line["usage"]["prompt_tokens"] > 85
    assert line["usage"]["completion_tokens"] > 30
    assert line["finished_at"].endswith("+00:00")
    assert line["latency"] > 0
    text, image = line["request"]["messages"][0]["content"]
    assert text == {"type": "text", "text": "Where?"}
    assert image["image_url"] == {"url": f"sha256:{QUESTION.image_sha256}", "detail": "low"}


def test_the_key_names_all_that_determines_the_answer() -> None:
    changes: list[dict[str, Any]] = [
        {"text": "?"}, {"image_sha256": "0"}, {"model": "m"}, {"label": "l"},
        {"n": 1}, {"temperature": 0.5}, {"seed": 1}, {"max_tokens": 9},
    ]  # fmt: skip
    keys = {QUESTION.key} | {replace(QUESTION, **change).key for change in changes}
    assert len(keys) == 9
    assert replace(QUESTION, photo_id="q", source="prompt-5").key == QUESTION.key


def test_a_question_is_asked_once_and_images_load_lazily(tmp_path: Path, stand_in: str) -> None:
    loaded: list[int] = []

    def load() -> bytes:
        loaded.append(1)
        return JPEG

    for _ in range(2):
        with ResponseLog.open(tmp_path, "e", "b") as log:
            ask_all([(QUESTION, load)] * 5, settings(), stand_in, KEY, log)
    assert loaded == [1]
    assert len(lines(log)) == 1


def test_fewer_choices_than_n_are_asked_for_again(tmp_path: Path) -> None:
    with running_stand_in("--fault", "short") as base_url:
        (line,) = lines(ask(tmp_path, base_url))
    assert len(set(line["texts"])) == 3  # the seed moved along
    assert line["usage"]["prompt_tokens"] > 3 * 85


def test_errors_of_the_server_are_retried(tmp_path: Path) -> None:
    with running_stand_in("--fault", "status=500", "--rate", "0.3") as base_url:
        assert len(lines(ask(tmp_path, base_url, count=10, max_retries=8))) == 10


@pytest.mark.parametrize(
    ("fault", "kind", "names"),
    [
        ("unauthorized", "unauthorized", "G3_LMM_API_KEY"),
        ("status=403", "unauthorized", "G3_LMM_API_KEY"),
        ("status=404", "unknown-model", "G3_LMM_MODEL"),
        ("status=429", "unavailable", "HTTP 429"),
        ("status=418", "rejected", "prompt-0 of photo 'p'"),
        ("nonsense", "nonsense", "<html>It works!</html>"),
        ("hang", "unavailable", "timeout_seconds"),
    ],
)
def test_failures_are_explained_without_the_key(
    fault: str, kind: str, names: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with running_stand_in("--fault", fault) as base_url, pytest.raises(LmmError) as caught:
        ask(tmp_path, base_url, count=2, timeout_seconds=0.5)
    error = caught.value
    assert error.kind == kind
    assert names in str(error)
    assert base_url in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    for text in (repr(error), str(error), caplog.text):
        assert KEY not in text
    assert_nowhere(KEY, tmp_path)


def assert_nowhere(secret: str, folder: Path) -> None:
    """No file under `folder` holds the secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)


def test_the_key_is_redacted_even_if_a_model_repeats_it() -> None:
    endpoint = Endpoint("http://me:pw@host:1/v1?token=t", KEY)
    assert KEY not in repr(endpoint)
    assert endpoint.shown == "http://host:1/v1"
    body = {"choices": [{"message": {"content": f"your key is {KEY}"}}]}
    assert read_reply(endpoint, json.dumps(body)).texts == ("your key is [G3_LMM_API_KEY]",)
    placeholder = Endpoint("http://host/v1", "0")
    assert placeholder.redacted("10.0, 20.0") == "10.0, 20.0"


@pytest.mark.parametrize(
    "reply", ["", "null", "[]", "{}", '{"choices": []}', '{"choices": [7]}', '{"choices": [{}]}']
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
        ask(tmp_path, base_url, count=10_000)
    assert time.monotonic() - started < 5
    assert caught.value.kind == "unreachable"
    assert base_url in str(caught.value)


def test_some_failures_leave_the_other_answers_and_the_next_run_continues(tmp_path: Path) -> None:
    with running_stand_in("--fault", "nonsense", "--rate", "0.2") as base_url:
        with pytest.raises(LmmError, match="run again to continue"):
            ask(tmp_path, base_url, count=30)
        before = (tmp_path / "e" / "b.jsonl").read_bytes()
        assert before.count(b"\n") > 10
    with running_stand_in() as base_url:
        log = ask(tmp_path, base_url, count=30)
    assert log.path.read_bytes().startswith(before)
    assert len({line["key"] for line in lines(log)}) == len(lines(log)) == 30


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    tmp_path: Path, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    assert len(lines(ask(tmp_path, stand_in))) == 1
