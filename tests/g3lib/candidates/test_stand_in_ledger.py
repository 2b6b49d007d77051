"""Latency, limits, and the count of what was received and answered."""

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from g3lib.candidates.stand_in.protocol import digest_of


def at_once(steered: Any, count: int, **more: Any) -> Counter[int]:
    """The statuses of different requests sent at the same moment."""
    start = threading.Barrier(count)

    def ask(seed: int) -> int:
        with httpx.Client(base_url=steered.base_url, trust_env=False) as http:
            start.wait()
            return http.post("/chat/completions", json=steered.body(seed=seed, **more)).status_code

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(ask, range(count)))


def test_latency_is_waited_for_by_all_at_once(steered: Any) -> None:
    steered.tell(latency=0.25)
    started = time.perf_counter()
    assert at_once(steered, 30) == {200: 30}
    assert 0.25 < time.perf_counter() - started < 5  # one after the other: 7.5
    assert steered.ledger()["most_at_work"] > 10
    steered.tell(latency=0.05, faults=["slow"])
    started = time.perf_counter()
    steered.said()
    assert time.perf_counter() - started > 0.25


def test_capacity_turns_away_one_too_many(steered: Any) -> None:
    steered.tell(latency=1, capacity=4)
    assert at_once(steered, 12) == {200: 4, 429: 8}
    assert steered.ledger()["statuses"] == {"200": 4, "429": 8}
    steered.tell(latency=0)
    assert steered.post().status_code == 200


def test_a_rate_has_its_bucket_and_says_when_to_come_again(steered: Any) -> None:
    steered.tell(per_second=0.5)
    assert steered.post().status_code == 200
    refused = steered.post()
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "2"
    assert 1500 < int(refused.headers["retry-after-ms"]) <= 2000
    steered.tell(per_second=5)
    statuses = [steered.post().status_code for _ in range(60)]
    assert set(statuses[:5]) == {200}
    assert 429 in statuses
    time.sleep(int(steered.post().headers.get("retry-after-ms", "0")) / 1000)
    assert steered.post().status_code == 200


def test_the_ledger_tells_what_was_paid_twice(steered: Any) -> None:
    for seed in (1, 1, 2):
        steered.said(seed=seed, n=3)
    steered.post(n=0)
    ledger = steered.ledger()
    assert (ledger["received"], ledger["answered"], ledger["choices"]) == (4, 3, 9)
    assert (ledger["different_bodies"], ledger["answered_again"]) == (2, 1)
    assert ledger["statuses"] == {"200": 3, "400": 1}
    body = steered.body(seed=1, n=3)
    image = body["messages"][0]["content"][1]["image_url"]
    jpeg = base64.b64decode(image["url"].partition(",")[2])
    image["url"] = f"sha256:{hashlib.sha256(jpeg).hexdigest()}"
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    assert digest == digest_of(body)
    assert ledger["bodies"][digest] == {"received": 2, "answered": 2}
    assert "bodies" not in steered.http.get("/stand-in/ledger?bodies=no").json()
    empty = steered.http.delete("/stand-in/ledger").json()
    assert (empty["received"], empty["bodies"], empty["statuses"]) == (0, {}, {})


@pytest.mark.parametrize("latency", [0.3, 0])
def test_who_leaves_is_not_answered(steered: Any, latency: float) -> None:
    steered.tell(latency=latency, faults=[] if latency else ["hang"])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{steered.base_url}/chat/completions", json=steered.body(), timeout=0.1, trust_env=False)
    deadline = time.monotonic() + 5
    while steered.ledger()["at_work"] and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(latency)  # had it gone on, it would be answered by now
    ledger = steered.ledger()
    assert (ledger["received"], ledger["answered"], ledger["abandoned"]) == (1, 0, 1)
