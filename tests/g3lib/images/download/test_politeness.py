"""What servers ask for is done: waits, rates, and no host suffers for another."""

import time
from pathlib import Path

import pytest
from hostile_server import HOSTS, HostileServer
from hurried import hurried

from g3lib.images.download import Delivered, Request, TooManyFailures, download
from g3lib.images.fates import Fate, Rejected


def requests(server: HostileServer, kind: str, count: int, host: str = HOSTS[0]) -> list[Request]:
    return [Request(f"{kind}-{host}-{n}", server.url(kind, n, host)) for n in range(count)]


def test_the_rate_is_kept(tmp_path: Path, server: HostileServer) -> None:
    started = time.monotonic()
    found = list(download(requests(server, "good", 40), hurried(requests_per_second=50, burst=5), tmp_path))
    assert all(isinstance(each, Delivered) for each in found)
    assert 35 / 50 <= time.monotonic() - started < 3


@pytest.mark.parametrize("kind", ["limited-once", "unavailable-once", "date-once"])
def test_retry_after_pauses_the_host(tmp_path: Path, server: HostileServer, kind: str) -> None:
    started = time.monotonic()
    wanted = [*requests(server, kind, 1), *requests(server, "good", 3)]
    found = list(download(wanted, hurried(concurrency_per_host=1), tmp_path))
    assert all(isinstance(each, Delivered) for each in found)
    assert 0.99 <= time.monotonic() - started < 4
    assert server.counts()["asked"][f"/{kind}/0.jpg"] == 2


def test_a_pause_is_one_hosts_alone(tmp_path: Path, server: HostileServer) -> None:
    paused, others = requests(server, "limited-once", 1), requests(server, "good", 200, HOSTS[1])
    lines, started = list[str](), time.monotonic()
    found = list(download([*paused, *others], hurried(), tmp_path, report=lines.append))
    assert all(isinstance(each, Delivered) for each in found)
    assert time.monotonic() - started >= 0.99
    ledger = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert "limited-once" in ledger[-1]  # all others came while its host was left alone
    assert "201/201 photos" in lines[-1]


def test_a_host_that_wants_too_long_a_pause_is_left_alone(tmp_path: Path, server: HostileServer) -> None:
    shut, others = requests(server, "limited-day", 50), requests(server, "good", 50, HOSTS[1])
    with pytest.raises(
        TooManyFailures, match=r"50 rate_limited.*Run again.*left alone for 86,400 s"
    ) as caught:
        list(download([*shut, *others], hurried(concurrency_per_host=2, tolerated_failures=0.1), tmp_path))
    assert caught.value.failed == {Fate.RATE_LIMITED: 50}
    asked = server.counts()["asked"]
    assert sum(n for path, n in asked.items() if "limited" in path) <= 2
    assert sum(n for path, n in asked.items() if "good" in path) == 50


def test_a_long_wait_of_one_photo_ends_only_its_tries(tmp_path: Path, server: HostileServer) -> None:
    wanted = [*requests(server, "unavailable-day", 1), *requests(server, "good", 5)]
    first, *others = download(wanted, hurried(attempts=5), tmp_path)
    assert isinstance(first, Rejected)
    assert (first.fate, first.attempts) == (Fate.SERVER_ERROR, 1)
    assert all(isinstance(each, Delivered) for each in others)


def test_concurrency_is_bounded(tmp_path: Path, server: HostileServer) -> None:
    """Six requests that hang, two at once: three rounds."""
    for number, bound in enumerate(("concurrency", "concurrency_per_host")):
        settings, started = hurried(attempts=1, timeout_seconds=0.3, **{bound: 2}), time.monotonic()
        list(download(requests(server, "hang", 6), settings, tmp_path / str(number)))
        assert time.monotonic() - started >= 3 * 0.3
