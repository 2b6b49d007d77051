"""The log: what is recorded stays, what is torn goes."""

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from g3lib.candidates.responses import Answer, Entry, ResponseLog


def entry(key: str, text: str = "a\u2028b") -> Entry:
    """A small entry."""
    return Entry(key, "m", "l", {"n": 1}, Answer((text,), 3, 2), "2024-01-01T00:00:00Z", 0.1)


def record(log: ResponseLog, *keys: str) -> None:
    """Record entries at the same time."""

    async def all_at_once() -> None:
        await asyncio.gather(*(log.record(entry(key)) for key in keys))

    asyncio.run(all_at_once())


def test_all_experiments_of_a_benchmark_share_their_answers(tmp_path: Path) -> None:
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k")
    with ResponseLog.open(tmp_path, "two", "b") as log:
        assert log["k"] == Answer(("a\u2028b",), 3, 2)
    with ResponseLog.open(tmp_path, "two", "other") as log:
        assert "k" not in log


@pytest.mark.parametrize("torn", [b"{", b'{"key": "x", "texts": ["48', b"\xff\x00"])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, "k")
    with log.path.open("ab") as handle:
        handle.write(torn)
    with ResponseLog.open(tmp_path, "two", "b") as other:
        assert "k" in other  # a torn line in somebody else's file does no harm
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
        assert ["k1" in log, "k2" in log, "k3" in log] == [True, False, True]


def test_concurrent_answers_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with ResponseLog.open(tmp_path, "one", "b") as log:
        record(log, *map(str, range(64)))
        assert all(str(key) in log for key in range(64))
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
        assert "lost" not in log
        assert log.path.read_bytes() == before
        record(log, "k2")
        assert "k2" in log


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    found: list[bool] = []

    def second() -> None:
        with ResponseLog.open(tmp_path, "two", "b") as log:
            found.append("k" in log)

    thread = threading.Thread(target=second)
    with ResponseLog.open(tmp_path, "one", "b") as log:
        thread.start()
        record(log, "k")
        assert not found
    thread.join(10)
    assert found == [True]
