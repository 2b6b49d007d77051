"""The misbehaviour of the stand-in: each fault as a client meets it, and whom faults befall."""

import email.utils
import json
import math
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from g3lib.candidates.stand_in.faults import FAULTS, Fault, befalling, several
from g3lib.candidates.stand_in.running import running_stand_in


def choices(answer: httpx.Response) -> list[dict[str, Any]]:
    """The choices of a completion."""
    assert answer.status_code == 200
    return list(answer.json()["choices"])


REFUSALS: list[tuple[str, int, str | None]] = [
    ("unauthorized", 401, "invalid_api_key"),
    ("status=418", 418, None),
    ("status=503", 503, None),
    ("rate-limited", 429, "rate_limit_exceeded"),
    ("insufficient-quota", 429, "insufficient_quota"),
    ("unknown-model", 404, "model_not_found"),
    ("content-filter", 400, "content_filter"),
]


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS)
def test_refusals(steered: Any, fault: str, status: int, code: str | None) -> None:
    steered.tell(faults=[fault])
    answer = steered.post()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "retry-after" not in answer.headers
    assert steered.ledger()["statuses"] == {str(status): 1}
    assert steered.ledger()["faults"] == {fault: 1}
    assert steered.ledger()["answered"] == 0


def test_unauthorized_repeats_the_key_on_purpose(steered: Any) -> None:
    steered.tell(faults=["unauthorized"])
    client = openai.OpenAI(base_url=steered.base_url, api_key="sk-secret", max_retries=0)
    with client, pytest.raises(openai.AuthenticationError, match="Bearer sk-secret"):
        client.chat.completions.create(**steered.body())


def test_when_to_come_again(steered: Any) -> None:
    steered.tell(faults=["rate-limited=7"])
    assert steered.post().headers["retry-after"] == "7"
    steered.tell(faults=["rate-limited-date=60"])
    date = email.utils.parsedate_to_datetime(steered.post().headers["retry-after"])
    assert 50 < date.timestamp() - time.time() < 65


def test_never_an_answer(steered: Any) -> None:
    steered.tell(faults=["hang"])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{steered.base_url}/chat/completions", json=steered.body(), timeout=0.2, trust_env=False)
    deadline = time.monotonic() + 5
    while steered.ledger()["at_work"] and time.monotonic() < deadline:
        time.sleep(0.01)
    ledger = steered.ledger()
    assert (ledger["at_work"], ledger["abandoned"], ledger["statuses"]) == (0, 1, {})


def test_broken_connections(steered: Any) -> None:
    steered.tell(faults=["reset"])
    with pytest.raises((httpx.ReadError, httpx.WriteError)):
        steered.post()
    steered.tell(faults=["drop"])
    request = steered.http.build_request("POST", "/chat/completions", json=steered.body())
    answer = steered.http.send(request, stream=True)
    assert answer.status_code == 200
    half = b""
    with pytest.raises(httpx.RemoteProtocolError):
        for part in answer.iter_raw():
            half += part
    assert 0 < len(half) < int(answer.headers["content-length"])
    ledger = steered.ledger()
    assert (ledger["received"], ledger["answered"], ledger["statuses"]) == (2, 0, {})


def test_replies_that_are_no_completion(steered: Any) -> None:
    steered.tell(faults=["nonsense"])
    assert steered.post().headers["content-type"].startswith("text/html")
    steered.tell(faults=["invalid-json"])
    answer = steered.post()
    assert int(answer.headers["content-length"]) == len(answer.content) > 100
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    steered.tell(faults=["empty-choices"])
    assert choices(steered.post()) == []
    assert steered.ledger()["answered"] == 0
    assert steered.ledger()["statuses"] == {"200": 3}


def test_too_few_choices(steered: Any) -> None:
    whole = choices(steered.post(n=9))
    steered.tell(faults=["short"])
    assert choices(steered.post(n=9)) == whole[:1]
    steered.tell(faults=["fewer"])
    counts = [len(choices(steered.post(n=9, seed=seed))) for seed in range(60)]
    assert set(counts) == set(range(1, 9))
    assert len(choices(steered.post(n=1))) == 1
    assert steered.ledger()["choices"] == 9 + 1 + sum(counts) + 1


def content(choice: dict[str, Any]) -> str:
    """What a choice says."""
    return str(choice["message"]["content"])


SPOILED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "refusal": lambda choice: (
        choice["message"]["content"] is None and "sorry" in choice["message"]["refusal"]
    ),
    "filtered": lambda choice: choice["finish_reason"] == "content_filter" and content(choice) == "",
    "long": lambda choice: len(content(choice)) == 100_000 and not re.search(r"\d", content(choice)),
    "instructions": lambda choice: "rm -rf /" in content(choice) and content(choice).endswith("}"),
    "latitude-95": lambda choice: json.loads(content(choice)) == {"latitude": 95, "longitude": 200},
    "nan": lambda choice: all(math.isnan(value) for value in json.loads(content(choice)).values()),
    "other-keys": lambda choice: set(json.loads(content(choice))) == {"lat", "lng"},
    "length": lambda choice: choice["finish_reason"] == "length" and content(choice).count("}") == 0,
}


@pytest.mark.parametrize("fault", SPOILED)
def test_spoiled_answers(steered: Any, fault: str) -> None:
    steered.tell(faults=[fault])
    found = choices(steered.post(n=3, response_format={"type": "json_object"}))
    assert len(found) == 3
    assert all(SPOILED[fault](choice) for choice in found)
    with openai.OpenAI(base_url=steered.base_url, api_key="any", max_retries=0) as client:
        assert len(client.chat.completions.create(**steered.body(n=3)).choices) == 3
    assert steered.ledger()["choices"] == 6


def test_every_fault_is_tested_here() -> None:
    tested = {fault.partition("=")[0] for fault, _, _ in REFUSALS} | set(SPOILED)
    others = {"hang", "reset", "drop", "nonsense", "invalid-json", "empty-choices", "short", "fewer"}
    assert tested | others | {"rate-limited-date", "slow"} == set(FAULTS)


def test_shares_are_drawn_alike_whatever_the_order() -> None:
    faults = several(["hang:0.2", "status=500:0.3", "slow:0.1"])

    def befallen(attempt: int = 1, seed: int = 0) -> list[Fault | None]:
        return [befalling(faults, seed, f"body {number}", attempt) for number in range(3000)]

    found = befallen()
    assert found == befallen()
    assert befallen(attempt=2) != found != befallen(seed=1)
    for fault, rate in zip((*faults, None), (0.2, 0.3, 0.1, 0.4), strict=True):
        assert found.count(fault) / 3000 == pytest.approx(rate, abs=0.03)


def test_a_repeated_run_is_befallen_alike(steered: Any) -> None:
    def run() -> list[int]:
        steered.http.delete("/stand-in/ledger")
        return [steered.post(seed=number % 10).status_code for number in range(40)]

    steered.tell(faults=["status=500:0.3", "rate-limited:0.2"])
    first = run()
    assert set(first) == {200, 429, 500}
    assert first[:10] != first[10:20]  # asking again has its chance
    assert run() == first


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("hand", "no fault 'hand'; there are: unauthorized, status=NNN, rate-limited"),
        ("status", "takes a value: status=NNN"),
        ("status=200", "400 to 599"),
        ("hang=3", "takes no value"),
        ("hang:2", "0 to 1"),
        ("hang:often", "'often' is no number"),
        ("rate-limited=soon", "'soon' is no number"),
        ("rate-limited=nan", "no number of seconds"),
    ],
)
def test_unknown_faults_are_refused(steered: Any, wrong: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Fault.parse(wrong)
    answer = steered.http.post("/stand-in/faults", json={"faults": [wrong]})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_the_command_line_takes_faults_as_well() -> None:
    with (
        pytest.raises(RuntimeError, match=r"shares add up to 1\.5"),
        running_stand_in("--fault", "hang", "--fault", "short:0.5"),
    ):
        pass


@pytest.mark.parametrize(
    "wrong", [{"faults": "hang"}, {"latency": -1}, {"hang": 1}, {"capacity": 0.5}, {"batch_fail": 1}]
)
def test_changes_without_sense_change_nothing(steered: Any, wrong: dict[str, Any]) -> None:
    before = steered.http.get("/stand-in/faults").json()
    assert steered.http.post("/stand-in/faults", json={"latency": 0.5} | wrong).status_code == 400
    assert steered.http.get("/stand-in/faults").json() == before
