"""The Batch API gives the same answers, whatever becomes of batches and of us."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from questions_asked import KEY, ask, assert_nowhere, lines, texts

from g3lib.candidates.asking import batching
from g3lib.candidates.asking.batch_ledger import BatchLedger
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import ResponseLog
from g3lib.candidates.stand_in.running import running_stand_in

if TYPE_CHECKING:
    from conftest import Steered

BATCH: dict[str, Any] = {"transport": "batch", "batch_poll_seconds": 0.05}
ROOT = Path(__file__).parents[4]


def test_the_same_answers_as_one_by_one_at_half_the_price(tmp_path: Path, steered: "Steered") -> None:
    one_by_one, direct = ask(tmp_path / "direct", steered.base_url, count=20)
    steered.http.delete("/stand-in/ledger")
    priced = {"base_url": steered.base_url, "model": "gpt-4o"}  # whose batches are half the price
    asked, log = ask(tmp_path / "batch", steered.base_url, count=20, **priced, **BATCH)
    assert texts(log, 20) == texts(direct, 20)
    assert one_by_one.usd is not None
    assert asked.usd == pytest.approx(one_by_one.usd / 2)
    assert all(line["batched"] for line in lines(log.path))
    assert (asked.requests, steered.ledger()["batch_answered"]) == (20, 20)
    assert BatchLedger(log.path.with_suffix(".batches")).outstanding() == []
    assert_nowhere(KEY, tmp_path)


def test_many_requests_become_several_batches(
    tmp_path: Path, steered: "Steered", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MOST_LINES", 7)
    _, log = ask(tmp_path, steered.base_url, count=40, **BATCH)
    texts(log, 40)
    assert len(json.loads(steered.http.get("/batches?limit=100").content)["data"]) >= 6


@pytest.mark.parametrize(
    ("told", "trouble"),
    [
        ({"batch_error": 0.4}, "HTTP 500"),
        ({"batch_expire": 0.4}, "batch_expired"),
        ({"faults": ["fewer:0.6"]}, ""),
        ({"faults": ["empty-choices:0.4"]}, "no completion"),
    ],
)
def test_what_a_batch_leaves_open_goes_into_another(
    told: dict[str, Any], trouble: str, tmp_path: Path, steered: "Steered"
) -> None:
    _, undisturbed = ask(tmp_path / "well", steered.base_url, count=30)
    steered.tell(**told)
    asked, log = ask(tmp_path / "ill", steered.base_url, count=30, max_retries=20, **BATCH)
    assert texts(log, 30) == texts(undisturbed, 30)
    assert not trouble or trouble in asked.troubles
    assert len({(line["key"], line["first"]) for line in lines(log.path)}) == len(lines(log.path))


def test_a_filter_is_an_answer(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(faults=["content-filter:0.5"])
    _, log = ask(tmp_path, steered.base_url, count=20, **BATCH)
    refusals = [line["refusal"] for line in lines(log.path)]
    assert 0 < sum(refusal is not None for refusal in refusals) < 20


def test_a_batch_that_is_refused_says_why(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(batch_fail=True)
    with pytest.raises(LmmError, match=r"batch .* was refused.*run again to continue") as caught:
        ask(tmp_path, steered.base_url, count=3, **BATCH)
    assert caught.value.kind == "rejected"


def test_what_never_succeeds_is_given_up(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(batch_error=1.0)
    with pytest.raises(LmmError, match="HTTP 500 in 3 batches"):
        ask(tmp_path, steered.base_url, count=3, max_retries=2, **BATCH)


def test_an_endpoint_without_batches_says_so(tmp_path: Path) -> None:
    with running_stand_in("--without", "batches") as base_url, pytest.raises(LmmError) as caught:
        ask(tmp_path, base_url, count=1, **BATCH)
    assert "it has no Batch API" in str(caught.value)


def test_a_budget_makes_batches_smaller_and_then_stops(tmp_path: Path, steered: "Steered") -> None:
    with pytest.raises(LmmError, match=r"budget of 12 requests") as caught:
        ask(tmp_path, steered.base_url, count=30, budget={"requests": 12}, **BATCH)
    assert caught.value.kind == "budget"
    assert len(lines(tmp_path / "e" / "b.jsonl")) == steered.ledger()["batch_answered"] == 12


def test_a_killed_run_finds_its_batches_again(tmp_path: Path, steered: "Steered") -> None:
    steered.tell(batch_seconds=2.0)
    command = [sys.executable, __file__, str(tmp_path), steered.base_url]
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": paths}) as process:
        ledger = tmp_path / "e" / "b.batches"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (ledger.exists() and b'"submitted"' in ledger.read_bytes()):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not lines(tmp_path / "e" / "b.jsonl")
    _, log = ask(tmp_path, steered.base_url, count=20, **BATCH)
    texts(log, 20)
    assert steered.ledger()["batch_answered"] == 20  # paid once


def test_a_batch_whose_id_was_never_heard_is_found_by_our_name_for_it(
    tmp_path: Path, steered: "Steered"
) -> None:
    """Killed between the endpoint's answer and the note of it."""
    _, log = ask(tmp_path, steered.base_url, count=5, **BATCH)
    log.path.write_bytes(b"")
    path = log.path.with_suffix(".batches")
    kept = [line for line in path.read_bytes().splitlines() if b"submitting" in line]
    path.write_bytes(b"\n".join(kept) + b"\n")
    _, again = ask(tmp_path, steered.base_url, count=5, **BATCH)
    texts(again, 5)
    assert steered.ledger()["batch_answered"] == 5


def test_a_lost_reply_hands_nothing_in_twice(
    tmp_path: Path, steered: "Steered", monkeypatch: pytest.MonkeyPatch
) -> None:
    from openai import APIConnectionError
    from openai.resources.batches import AsyncBatches

    real, lost = AsyncBatches.create, []

    async def create(batches: AsyncBatches, **given: Any) -> Any:
        found = await real(batches, **given)
        if not lost:
            lost.append(found.id)
            raise APIConnectionError(request=None)  # type: ignore[arg-type]
        return found

    monkeypatch.setattr(AsyncBatches, "create", create)
    _, log = ask(tmp_path, steered.base_url, count=5, max_retries=2, **BATCH)
    texts(log, 5)
    assert lost
    assert steered.ledger()["batch_answered"] == 5


def test_what_was_never_handed_in_is_handed_in(tmp_path: Path, steered: "Steered") -> None:
    path = tmp_path / "e" / "b.batches"
    path.parent.mkdir()
    BatchLedger(path).submitting("never heard of", ["x"])
    _, log = ask(tmp_path, steered.base_url, count=5, **BATCH)
    texts(log, 5)


def test_a_disk_that_fills_up_while_answers_are_recorded(
    tmp_path: Path, steered: "Steered", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        await asyncio.sleep(0)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(ResponseLog, "record", full)
        with pytest.raises(OSError, match="No space left"):
            ask(tmp_path, steered.base_url, count=5, **BATCH)
    _, log = ask(tmp_path, steered.base_url, count=5, **BATCH)
    texts(log, 5)
    assert steered.ledger()["batch_answered"] == 5  # the batch was still there


if __name__ == "__main__":  # the process that is killed
    ask(Path(sys.argv[1]), sys.argv[2], count=20, **BATCH)
