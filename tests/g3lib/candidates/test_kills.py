"""kill -9 at ten moments of one run: what is paid twice was in flight, and the table is that of an undisturbed run."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr
from small_queries import G3, logged, queries, references

from g3lib.candidates.generation import generate
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.experiments.lmm import LmmSettings

if TYPE_CHECKING:
    from conftest import Steered

ROOT = Path(__file__).parents[3]
COUNT, PROMPTS, CONCURRENCY, KILLS = 120, 4, 16, 10


def settings(base_url: str) -> LmmSettings:
    """Of the run that is killed."""
    return LmmSettings(
        base_url=base_url, model=MODEL, api_key=SecretStr("any-key-at-all"), concurrency=CONCURRENCY
    )


def start(folder: Path, base_url: str) -> "subprocess.Popen[bytes]":
    """A process that generates all candidates."""
    paths = f"{ROOT}:{Path(__file__).parent}"
    command = [sys.executable, __file__, str(folder), base_url]
    return subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": paths}, stderr=subprocess.DEVNULL)


def test_ten_kills_cost_what_was_in_flight_and_change_nothing(tmp_path: Path, steered: "Steered") -> None:
    expected = generate(
        queries(COUNT), references(COUNT), G3, "b", settings(steered.base_url), tmp_path / "calm"
    )
    steered.http.delete("/stand-in/ledger")
    steered.tell(latency=0.2)
    folder, draw = tmp_path / "killed", random.Random(4)
    for kill in range(KILLS):
        with start(folder, steered.base_url) as process:
            more = draw.randint(1, 2 * COUNT * PROMPTS // KILLS // 2)
            goal, deadline = logged(folder) + more, time.monotonic() + 60
            while logged(folder) < goal and process.poll() is None and time.monotonic() < deadline:
                time.sleep(draw.random() * 0.01)
            assert process.poll() is None, f"it ended before kill {kill}"
            process.send_signal(signal.SIGKILL)
    steered.tell(latency=0.0)
    with start(folder, steered.base_url) as process:
        assert process.wait(120) == 0
    ledger = steered.ledger()
    needed = logged(folder)
    assert needed == COUNT * PROMPTS
    assert 0 <= ledger["answered"] - needed <= KILLS * CONCURRENCY  # what was in flight at each kill
    print(
        f"{KILLS} kills of {needed} requests, {CONCURRENCY} at a time: {ledger['answered'] - needed} answered twice"
    )
    again = generate(queries(COUNT), references(COUNT), G3, "b", settings(steered.base_url), folder)
    assert steered.ledger()["received"] == ledger["received"]  # nobody was asked for this table
    assert again.equals(expected)


if __name__ == "__main__":  # the process that is killed
    generate(queries(COUNT), references(COUNT), G3, "b", settings(sys.argv[2]), Path(sys.argv[1]))
