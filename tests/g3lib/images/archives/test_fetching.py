"""Files from a server: whole or absent, resumed after a kill, never of two versions."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ranged import Answer, RangedServer, Request, first, status

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.archives import fetching
from g3lib.images.archives.fetching import WrongDigest, fetch_file
from g3lib.images.archives.web import Unreachable

FAST = DownloadSettings(requests_per_second=10_000, backoff_seconds=0.001, attempts=2)
DATA = np.random.default_rng(0).bytes(1_000_000)

CHILD = """
import sys
from pathlib import Path
from g3lib.images.archives import fetching
fetching.WEB_CHUNK = 100_000
fetching.fetch_file(sys.argv[1], Path(sys.argv[2]), connections=1)
"""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WEB_CHUNK", 100_000)


def test_a_file_arrives_once(server: RangedServer, tmp_path: Path) -> None:
    url, told = server.put("/a", DATA), list[str]()
    path = fetch_file(url, tmp_path / "new" / "a", settings=FAST, report=told.append)
    assert path.read_bytes() == DATA
    assert told == ["a: 1 of 1 MB"]
    server.requests.clear()
    assert fetch_file(url, path, settings=FAST) == path
    assert server.requests == []
    assert {each.name for each in path.parent.iterdir()} <= {"a", ".a.lock"}


def test_what_came_before_a_failure_is_not_fetched_again(server: RangedServer, tmp_path: Path) -> None:
    url = server.put("/a", DATA)
    server.faults.append(lambda request, answer: Answer(503, b"") if request.start >= 500_000 else answer)
    with pytest.raises(Unreachable):
        fetch_file(url, tmp_path / "a", settings=FAST, connections=1)
    assert not (tmp_path / "a").exists()
    server.faults.clear()
    server.requests.clear()
    assert fetch_file(url, tmp_path / "a", settings=FAST, connections=1).read_bytes() == DATA
    assert min(each.start for each in server.requests if each.stop > 1) >= 400_000


def test_another_version_begins_anew(server: RangedServer, tmp_path: Path) -> None:
    url = server.put("/a", DATA)
    server.faults.append(lambda request, answer: Answer(503, b"") if request.start >= 500_000 else answer)
    with pytest.raises(Unreachable):
        fetch_file(url, tmp_path / "a", settings=FAST)
    server.faults.clear()
    server.put("/a", DATA[::-1])
    assert fetch_file(url, tmp_path / "a", settings=FAST).read_bytes() == DATA[::-1]
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))


def test_an_empty_file_is_a_file(server: RangedServer, tmp_path: Path) -> None:
    assert fetch_file(server.put("/a", b""), tmp_path / "a", settings=FAST).read_bytes() == b""


@pytest.mark.parametrize("right", [True, False])
def test_an_announced_digest_is_checked(server: RangedServer, tmp_path: Path, right: bool) -> None:
    url = server.put("/a", DATA)
    etag = hashlib.sha256(DATA if right else b"other").hexdigest()

    def announce(request: Request, answer: Answer) -> Answer:
        return Answer(answer.status, answer.body, answer.headers | {"ETag": f'"{etag}"'})

    server.faults.append(announce)
    if right:
        assert fetch_file(url, tmp_path / "a", settings=FAST).read_bytes() == DATA
        return
    with pytest.raises(WrongDigest, match=r"announced was .*run again"):
        fetch_file(url, tmp_path / "a", settings=FAST)
    assert not (tmp_path / "a").exists() and not list(tmp_path.glob(".*.part"))


def test_a_killed_process_is_continued(server: RangedServer, tmp_path: Path) -> None:
    url = server.put("/a", DATA)

    def slow(request: Request, answer: Answer) -> Answer:
        time.sleep(0.5 if request.start >= 300_000 else 0)
        return answer

    server.faults.append(slow)
    command = [sys.executable, "-c", CHILD, url, str(tmp_path / "a")]
    child = subprocess.Popen(command, env=os.environ | {"NO_PROXY": "*"})
    try:
        while not any(part.stat().st_size >= 300_000 for part in tmp_path.glob(".a.*.part")):
            assert child.poll() is None
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    (part,) = tmp_path.glob(".a.*.part")
    had = part.stat().st_size
    assert 300_000 <= had < len(DATA) and part.read_bytes() == DATA[:had]
    server.faults.clear()
    server.requests.clear()
    assert fetch_file(url, tmp_path / "a", settings=FAST).read_bytes() == DATA
    assert min(each.start for each in server.requests if each.stop > 1) == had


def test_the_first_answers_may_fail(server: RangedServer, tmp_path: Path) -> None:
    server.faults.append(first(1, status(503)))
    assert fetch_file(server.put("/a", DATA), tmp_path / "a", settings=FAST).read_bytes() == DATA
