"""Killed, interrupted, out of space, damaged: what is lost, what is said, and how the next run goes on."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from tiny import G3, MAYBE_EMPTY, ROOT, Finished, TinyHome, default_signals, eventually, lines_until

from g3lib.store import Key, Record
from pipelines.commands.failures import FAILED, INTERRUPTED

PHOTOS = 120  # in a gallery shard
ALIVE = {"STARTED", "STARTING", "CANCELING", "QUEUED", "NOT_STARTED"}


@dataclass(frozen=True)
class Stop:
    """One interrupted `g3 run`."""

    returncode: int
    errors: str
    records: dict[Key, Record]
    answers: int
    next_output: str


@dataclass(frozen=True)
class HardLife:
    """A home whose first runs were all interrupted, until one was let go on to its end."""

    tiny: TinyHome
    stops: list[Stop]
    answers: list[str]


# at a line of the output, so many seconds after it, a signal
MOMENTS: list[tuple[str, float, signal.Signals]] = [
    ("photos, captions", 0.3, signal.SIGKILL),
    ("photo_census", 4.0, signal.SIGKILL),  # the encoder is in training
    ("image_features", 0.1, signal.SIGINT),
    ("gallery_index", 0.2, signal.SIGTERM),
]


def answers(tiny: TinyHome) -> list[str]:
    """The key of every question that was asked and answered."""
    return [
        json.loads(line)["key"]
        for path in tiny.home.responses.rglob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.endswith("}")
    ]


def interrupt(tiny: TinyHome, line: str, seconds: float, how: signal.Signals) -> tuple[int, str, str]:
    """Start `g3 run`, send a signal so long after a line; exit status, output until then, errors."""
    process = tiny.start("run", "demo")
    try:
        output = lines_until(process, line)
        time.sleep(seconds)
        assert process.poll() is None, "it was over before it could be interrupted"
        process.send_signal(how)
        rest, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    return process.returncode, "\n".join(output) + rest, errors


def interrupt_while_asking(tiny: TinyHome) -> tuple[int, str, str]:
    """Kill it when the first answers of the LMM are on the disk."""
    process = tiny.start("run", "demo")
    try:
        eventually(lambda: answers(tiny), 60, "an answer")
        process.kill()
        output, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def life(homes: Path) -> HardLife:
    tiny = TinyHome(homes / "hard-life")
    seen: list[tuple[int, str, dict[Key, Record], int]] = []
    outputs = []
    for line, seconds, how in MOMENTS:
        code, output, errors = interrupt(tiny, line, seconds, how)
        seen.append((code, errors, tiny.records(), len(answers(tiny))))
        outputs.append(output)
    code, output, errors = interrupt_while_asking(tiny)
    seen.append((code, errors, tiny.records(), len(answers(tiny))))
    outputs.append(output)
    last = tiny.g3("run", "demo")
    assert last.returncode == 0, last.stdout + last.stderr
    outputs.append(last.stdout)
    stops = [Stop(*facts, outputs[number + 1]) for number, facts in enumerate(seen)]
    return HardLife(tiny, stops, answers(tiny))


@pytest.mark.xdist_group("more whole runs")
class TestInterruptedAgainAndAgain:
    """Five interruptions, one after the other, at ever later moments of what the run before left."""

    def test_exit_codes_and_words(self, life: HardLife) -> None:
        for stop, (line, _, how) in zip(life.stops, MOMENTS, strict=False):
            if how is signal.SIGKILL:
                assert stop.returncode == -signal.SIGKILL, line
            else:
                assert stop.returncode != 0, line
                assert "Interrupted" in stop.errors and "run again" in stop.errors, stop.errors
                assert "Traceback" not in stop.errors
            if how is signal.SIGINT:
                assert stop.returncode == INTERRUPTED

    def test_finished_work_is_kept_and_not_done_again(self, life: HardLife) -> None:
        final = life.tiny.records()
        for stop in life.stops:
            redone = {key for key, record in stop.records.items() if final[key] != record}
            assert redone == set()
        made = [len(stop.records) for stop in life.stops]
        assert made == sorted(made) and made[1] >= 6 and made[-1] > made[1]

    def test_everything_is_whole_at_the_end(self, life: HardLife, finished: Finished) -> None:
        """Also: two runs of the same experiments, one of them torn to pieces, give the same data."""
        records, tiny = life.tiny.records(), life.tiny
        undisturbed = finished.tiny.records()
        assert {k: r.data_version for k, r in records.items()} == {
            k: r.data_version for k, r in undisturbed.items()
        }
        assert all(not tiny.workflow().pending(step) for step in tiny.workflow().steps.values())
        assert tiny.scratch() == []

    def test_every_committed_file_can_be_read(self, life: HardLife) -> None:
        for path in life.tiny.home.commits():
            if path.suffix == ".parquet":
                assert pl.read_parquet(path).height > 0 or path.stem in MAYBE_EMPTY, path

    def test_dead_runs_are_closed(self, life: HardLife) -> None:
        statuses = list(life.tiny.run_statuses().values())
        assert set(statuses) & ALIVE == set()
        assert sum(status in ("FAILURE", "CANCELED") for status in statuses) >= 3
        killed = [stop for stop in life.stops if stop.returncode == -signal.SIGKILL]
        assert any("Closed 1 runs" in stop.next_output for stop in killed)

    def test_mlflow_has_no_run_that_runs_for_ever(self, life: HardLife) -> None:
        statuses = {status for (status,) in life.tiny.mlflow("select status from runs")}
        assert "RUNNING" not in statuses and "FINISHED" in statuses

    def test_no_answer_is_asked_for_twice(self, life: HardLife) -> None:
        asked = life.answers
        assert len(asked) == len(set(asked)) > life.stops[-1].answers > 0


@pytest.fixture(scope="module")
def damaged(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A byte flipped in a tar, and features to be made of it."""
    tiny = new_copy(G3_EXPERIMENTS="[nn-clip]")
    tar = tiny.home.shard("blue-marble", 0)
    photo = pl.read_parquet(tar.with_suffix(".parquet")).row(PHOTOS // 2, named=True)
    with tar.open("rb+") as handle:
        handle.seek(photo["offset"] + photo["bytes"] // 2)
        byte = handle.read(1)[0]
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte ^ 0xFF]))
    tiny.home.card("features", Key("image_features", "blue-marble-000000")).unlink()
    return tiny


class TestCorruptShard:
    def test_it_is_named_with_the_remedy(self, damaged: TinyHome) -> None:
        run = damaged.g3("run", "demo")
        tar = damaged.home.shard("blue-marble", 0)
        assert run.returncode == FAILED
        assert f"{tar}: photo" in run.stderr and f"delete {tar} and run again" in run.stderr, run.stderr
        assert "Traceback" not in run.stderr + run.stdout
        assert Key("image_features", "blue-marble-000000") not in damaged.records()

    def test_the_remedy_works(self, damaged: TinyHome) -> None:
        before = damaged.records()
        damaged.home.shard("blue-marble", 0).unlink()
        run = damaged.g3("run", "demo")
        assert run.returncode == 0, run.stdout + run.stderr
        after = damaged.records()
        photos = Key("photos", "blue-marble-000000")
        assert after[photos].run_id != before[photos].run_id
        assert after[photos].data_version == before[photos].data_version
        unchanged = {key for key in before if before[key].run_id == after[key].run_id}
        assert Key("encoder") in unchanged and Key("alignment", "image-gps-text") in unchanged


# In a namespace of its own, on a disk of its own that is as good as full, then larger.
FULL_DISK = """
set -u
mount -t tmpfs -o size="$SMALL" none "$DISK" && cp -a "$G3_HOME/." "$DISK/" || exit 77
mount --bind "$DISK" "$G3_HOME" || exit 77
"$G3" run demo; echo "exit=$?"
echo "half=$(find "$G3_HOME" -name '.*.tmp' -not -path '*/inbox/*' | wc -l)"
mount -o remount,size=500m "$DISK"
"$G3" run demo; echo "exit=$?"
"$G3" run demo --plan
"""


def test_a_full_disk_is_named_and_survived(new_copy: Callable[..., TinyHome], tmp_path: Path) -> None:
    tiny = new_copy(G3_ALIGNMENT__SEED="1", G3_EXPERIMENTS="[nn-g3]")
    used = sum(-(-path.stat().st_size // 4096) * 4096 for path in tiny.root.rglob("*"))
    environment = tiny.environment(SMALL=str(used + 600_000), DISK=str(tmp_path), G3=str(G3))
    run = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", FULL_DISK],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if "exit=" not in run.stdout:
        pytest.skip(f"no disk of one's own can be mounted here: {run.stderr.strip()[-200:]}")
    first, _, second = run.stdout.partition("half=")
    assert f"exit={FAILED}" in first, run.stdout + run.stderr
    assert "The disk is full" in run.stderr and "free some space" in run.stderr, run.stderr
    assert "Traceback" not in run.stderr
    assert second.startswith("0\n"), "no half-written file stays"
    assert "exit=0" in second, run.stdout + run.stderr
    assert all(" 0 of " in line for line in second.splitlines() if line.endswith("to make"))


def test_a_file_larger_than_allowed_is_named_and_leaves_nothing(new_copy: Callable[..., TinyHome]) -> None:
    """Where no disk can be mounted too: the system refuses to let a file grow, as quotas do."""
    tiny = new_copy(G3_ALIGNMENT__SEED="1", G3_EXPERIMENTS="[nn-g3]")
    before = tiny.records()
    (heads,) = tiny.root.glob("models/alignment/*/alignment.safetensors")
    limit = heads.stat().st_size * 3 // 4

    def limited() -> None:
        default_signals()
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    run = subprocess.run(
        [G3, "run", "demo"],
        env=tiny.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=limited,
    )
    assert run.returncode == FAILED, run.stdout + run.stderr
    assert "File too large" in run.stderr and "free some space" in run.stderr, run.stderr
    assert tiny.records() == before and tiny.scratch() == []
