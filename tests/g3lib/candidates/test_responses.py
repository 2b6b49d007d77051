"""The log: what is recorded stays, what is torn goes."""

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from g3lib.candidates.responses import Answer, Entry, Recorded, ResponseLog


def entry(key: str, text: str = "a\u2028b") -> Entry:
    """A small entry."""
    return Entry(
        key=key,
        first=0,
        model="m",
        label="l",
        endpoint="http://host/v1",
        request={"n": 1},
        answer=Answer((text,), 3, 2, finishes=("stop",)),
        finished_at="2024-01-01T00:00:00Z",
        latency=0.1,
    )


def has(log: ResponseLog, key: str) -> bool:
    """Whether an answer of that key is recorded."""
    return not log.recorded.missing(key, 1)


def record(log: ResponseLog, *keys: str) -> None:
    """Record entries at the same time."""

    async def all_at_once() -> None:
        await asyncio.gather(*(log.record(entry(key)) for key in keys))

    asyncio.run(all_at_once())


def test_all_experiments_of_a_benchmark_share_their_answers(tmp_path: Path) -> None:
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k")
    with ResponseLog.open(tmp_path, "two", "b") as log:
        assert log.recorded.parts("k") == [(0, Answer(("a\u2028b",), 3, 2, finishes=("stop",)))]
    with ResponseLog.open(tmp_path, "two", "other") as log:
        assert not has(log, "k")


@pytest.mark.parametrize("torn", [b"{", b'{"key": "x", "texts": ["48', b"\xff\x00"])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k")
    with log.path.open("ab") as handle:
        handle.write(torn)
    with ResponseLog.open(tmp_path, "two", "b") as other:
        assert has(other, "k")  # a torn line in somebody else's file does no harm
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "next")
    lines = log.path.read_bytes().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["k", "next"]


def test_a_damaged_line_opens_its_question_only(tmp_path: Path) -> None:
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k1", "k2", "k3")
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(lines[0] + b"\0" * 20 + b"\n" + lines[2])
    with ResponseLog.open(tmp_path, "one", "b") as log:
        assert [has(log, "k1"), has(log, "k2"), has(log, "k3")] == [True, False, True]


def test_concurrent_answers_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, *map(str, range(64)))
        assert all(has(log, str(key)) for key in range(64))
    assert len(synced) == 1


def test_what_the_disk_refuses_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k")
        before = log.path.read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match=r"No space.*b\.jsonl"):
                record(log, "lost")
        assert not has(log, "lost")
        assert log.path.read_bytes() == before
        record(log, "k2")
        assert has(log, "k2")


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    found: list[bool] = []

    def second() -> None:
        with ResponseLog.open(tmp_path, "two", "b") as log:
            found.append(has(log, "k"))

    thread = threading.Thread(target=second)
    with ResponseLog.open(tmp_path, "one", "b") as log:
        thread.start()
        record(log, "k")
        assert not found
    thread.join(10)
    assert found == [True]


@pytest.mark.parametrize(
    ("parts", "n", "missing"),
    [
        ({}, 3, [(0, 3)]),
        ({0: 3}, 3, []),
        ({0: 3}, 2, []),
        ({0: 2}, 5, [(2, 3)]),
        ({0: 1, 2: 1, 4: 1}, 5, [(1, 1), (3, 1)]),
        ({2: 3}, 3, [(0, 2)]),
        ({0: 5, 3: 1}, 6, [(5, 1)]),
        ({0: 2, 1: 5}, 6, []),
        ({7: 1}, 5, [(0, 5)]),
    ],
)
def test_what_is_missing_of_a_sequence(parts: dict[int, int], n: int, missing: list[tuple[int, int]]) -> None:
    recorded = Recorded()
    for first, count in parts.items():
        recorded.add("k", first, Answer(("a",) * count, 1, 1))
    assert recorded.missing("k", n) == missing


def test_a_refusal_leaves_nothing_to_ask() -> None:
    recorded = Recorded()
    recorded.add("k", 0, Answer((), 0, 0, "content filter"))
    assert recorded.missing("k", 10) == []


def test_a_second_answer_in_the_same_place_changes_nothing() -> None:
    recorded = Recorded()
    for text in ("one", "two"):
        recorded.add("k", 0, Answer((text,), 1, 1))
    assert recorded.parts("k")[0][1].texts == ("one",)
