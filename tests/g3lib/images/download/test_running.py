"""Whole downloads: order, resumption after kill -9, full disks, memory, what is never asked twice."""

import asyncio
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_server import HOSTS, PADDING, HostileServer, jpeg
from hurried import fetch, fetch_measured, fetch_with_room, hurried, in_a_process

from g3lib.images.download import Delivered, DiskFull, Request, TooManyFailures, download
from g3lib.images.download.bodies import Room
from g3lib.images.fates import Fate, Rejected

KILLS, PHOTOS = 10, 400


def good(server: HostileServer, *numbers: int, kind: str = "good") -> list[Request]:
    return [Request(f"p{number}", server.url(kind, number)) for number in numbers]


def recorded(spool: Path) -> set[str]:
    """URLs whose delivery the ledger's whole lines name."""
    ledger = spool / "ledger.jsonl"
    lines = ledger.read_bytes().split(b"\n")[:-1] if ledger.exists() else []
    return {facts["url"] for facts in map(json.loads, lines) if facts["fate"] == "stored"}


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def test_order_is_the_lists_and_the_list_may_be_lazy(tmp_path: Path, server: HostileServer) -> None:
    numbers = random.Random(0).sample(range(1000), 300)

    def wanted() -> Iterator[Request]:
        for number in numbers:
            yield Request(f"p{number}", server.url("good", number, HOSTS[number % 3]))

    found = list(download(wanted(), hurried(), tmp_path))
    assert [each.photo_id for each in found] == [f"p{number}" for number in numbers]
    for number, each in zip(numbers, found, strict=True):
        assert isinstance(each, Delivered)
        assert each.data == jpeg(number, (64, 48))


def test_killed_ten_times(tmp_path: Path, server: HostileServer) -> None:
    urls = [request.url for request in good(server, *range(PHOTOS))] + [server.url("missing", 1)]
    draw, snapshots, alive = random.Random(7), list[tuple[set[str], Counter[str]]](), 0
    for _ in range(KILLS):
        pace = {"requests_per_second": 300, "burst": 1}
        before = server.counts()["asked"].total()
        process = in_a_process(fetch, urls, tmp_path, pace)
        while process.is_alive() and server.counts()["asked"].total() == before:
            time.sleep(0.01)  # a busy machine takes its time to start a process
        time.sleep(draw.uniform(0.02, 0.2))
        alive += process.is_alive()
        process.kill()
        process.join()
        time.sleep(0.02)  # what it had sent by then is counted by now
        snapshots.append((recorded(tmp_path), server.counts()["asked"]))
    assert alive >= KILLS - 2  # the kills hit downloads that were under way
    assert len({len(known) for known, _ in snapshots}) > 3
    *found, missing = download([Request(url, url) for url in urls], hurried(), tmp_path)
    for number, each in enumerate(found):
        assert isinstance(each, Delivered)
        assert (each.photo_id, each.data) == (urls[number], jpeg(number, (64, 48)))
    assert isinstance(missing, Rejected)
    asked = server.counts()["asked"]
    for known, then in snapshots:
        assert {path: asked[path] for path in map(path_of, known)} == {
            path: then[path] for path in map(path_of, known)
        }


def test_a_second_run_asks_for_nothing(tmp_path: Path, server: HostileServer) -> None:
    wanted = [
        *good(server, 1, 2),
        *(Request(kind, server.url(kind, 1)) for kind in ("gone", "empty", "placeholder")),
    ]
    first = list(download(wanted, hurried(), tmp_path))
    server.counts(forget=True)
    lines = list[str]()
    assert list(download(wanted, hurried(), tmp_path, report=lines.append)) == first
    assert not server.counts()["asked"]
    assert "5 known before" in lines[-1]


def test_what_failed_for_now_is_asked_again(tmp_path: Path, server: HostileServer) -> None:
    wanted = [*good(server, *range(8)), *good(server, 1, 2, kind="failing-once")]
    strict = hurried(attempts=1, tolerated_failures=0.1)
    with pytest.raises(
        TooManyFailures, match=r"2 of 10 photos failed for now \(2 server_error\).* Run again"
    ):
        list(download(wanted, strict, tmp_path))
    found = list(download(wanted, strict, tmp_path))
    assert all(isinstance(each, Delivered) for each in found)
    assert set(server.counts()["asked"].values()) == {1, 2}


def test_tolerated_failures_come_out(tmp_path: Path, server: HostileServer) -> None:
    wanted = [*good(server, *range(9)), *good(server, 9, kind="failing")]
    *_, last = download(wanted, hurried(tolerated_failures=0.1), tmp_path)
    assert isinstance(last, Rejected)
    assert (last.photo_id, last.fate, last.http_status, last.attempts) == ("p9", Fate.SERVER_ERROR, 500, 2)


def test_what_the_shard_holds_already_is_not_asked_for(tmp_path: Path, server: HostileServer) -> None:
    wanted = good(server, 1, 2, 3)
    held = {wanted[1].url: jpeg(2, (64, 48))}
    found = list(download(wanted, hurried(), tmp_path, stored=held.get))
    assert [each.data for each in found if isinstance(each, Delivered)] == [
        jpeg(n, (64, 48)) for n in (1, 2, 3)
    ]
    assert server.counts()["asked"] == {"/good/1.jpg": 1, "/good/3.jpg": 1}


def test_a_fallback_is_asked_where_there_is_nothing(tmp_path: Path, server: HostileServer) -> None:
    missing, there = server.url("missing", 1, suffix="_z.jpg"), server.url("good", 1, suffix="_z.jpg")
    wanted = [
        Request("a", missing, fallback=server.url("good", 1)),
        Request("b", there, fallback=server.url("good", 2)),
        Request("c", missing, fallback=server.url("gone", 3)),
    ]
    for _ in range(2):
        a, b, c = download(wanted, hurried(), tmp_path)
        assert isinstance(a, Delivered)
        assert isinstance(b, Delivered)
        assert isinstance(c, Rejected)
        assert (a.url, b.url, c.fate) == (server.url("good", 1), there, Fate.GONE)
    asked = server.counts()["asked"]
    assert asked == {path_of(each): 1 for each in (missing, there, a.url, server.url("gone", 3))}


def test_one_address_of_two_photos_is_asked_once(tmp_path: Path, server: HostileServer) -> None:
    twice = [Request("a", server.url("good", 1)), Request("b", server.url("good", 1)), *good(server, 2)]
    found = list(download(twice, hurried(), tmp_path))
    assert [each.photo_id for each in found] == ["a", "b", "p2"]
    assert set(server.counts()["asked"].values()) == {1}


@pytest.mark.parametrize(
    ("authors", "count", "fate"),
    [
        (["a", "b", "c", "d"], 8, Fate.PLACEHOLDER),
        (["a", "b", "c"], 8, Fate.STORED),
        ([None], 8, Fate.PLACEHOLDER),
        (["a", "b", "c", "d"], 7, Fate.STORED),
    ],
)
def test_the_same_bytes_again_and_again(
    tmp_path: Path, server: HostileServer, authors: list[str | None], count: int, fate: Fate
) -> None:
    same = [Request(f"s{n}", server.url("same", n), authors[n % len(authors)]) for n in range(count)]
    *found, real = download([*same, *good(server, 5)], hurried(), tmp_path)
    assert isinstance(real, Delivered)
    assert {each.fate if isinstance(each, Rejected) else Fate.STORED for each in found} == {fate}
    if isinstance(found[0], Rejected):
        assert "same bytes at 8 addresses" in found[0].detail


def test_file_size_limit_then_room(tmp_path: Path, server: HostileServer) -> None:
    """The operating system refuses a file more bytes than a limit: as a full disk does."""
    requests, told = good(server, *range(60)), tmp_path / "told"
    in_a_process(fetch_with_room, [each.url for each in requests], tmp_path / "spool", 50_000, told).join()
    assert told.read_text().startswith("DiskFull")
    assert "run again: what was delivered is kept" in told.read_text()
    resumes(server, requests, tmp_path / "spool")


def test_full_disk_then_room(tmp_path: Path, server: HostileServer) -> None:
    disk, requests = tmp_path / "disk", good(server, *range(60))
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        with pytest.raises(DiskFull, match="Make room"):
            list(download(requests, hurried(), disk / "spool"))
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        resumes(server, requests, disk / "spool")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def resumes(server: HostileServer, requests: list[Request], spool: Path) -> None:
    """What was delivered before the disk was full is not asked for again, and all comes."""
    known = recorded(spool)
    assert 0 < len(known) < len(requests)
    server.counts(forget=True)
    assert all(isinstance(each, Delivered) for each in download(requests, hurried(), spool))
    assert not server.counts()["asked"].keys() & set(map(path_of, known))


def test_memory_does_not_grow_with_the_photos(tmp_path: Path, server: HostileServer) -> None:
    urls, told = [each.url for each in good(server, *range(500), kind="padded")], tmp_path / "told"
    in_a_process(fetch_measured, urls, tmp_path / "spool", told).join()
    assert int(told.read_text()) < 80e6 < 500 * PADDING


def test_bodies_wait_for_room() -> None:
    """A hundred bodies of ten kilobytes in room for two: never more than three at once, and all get through."""
    room, most = Room(capacity=20_000), 0

    async def body() -> None:
        nonlocal most
        async with room.share() as share:
            for _ in range(10):
                await share.grow(1000)
                most = max(most, room.taken)
                await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(body() for _ in range(100)))

    asyncio.run(all_of_them())
    assert most <= 20_000 + 10_000
    assert room.taken == 0


def test_inside_a_running_event_loop(tmp_path: Path, server: HostileServer) -> None:
    """As in a notebook."""

    async def cell() -> list[Delivered | Rejected]:
        return list(download(good(server, 1, 2), hurried(), tmp_path))

    assert all(isinstance(each, Delivered) for each in asyncio.run(cell()))


def test_nothing_is_wanted(tmp_path: Path) -> None:
    assert list(download([], hurried(), tmp_path)) == []


def test_an_interruption_ends_it_at_once(tmp_path: Path, server: HostileServer) -> None:
    """As Dagster interrupts a step: by an exception from a signal's handler."""

    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)  # the alarm is pytest-timeout's
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with pytest.raises(Interrupted):
            timer.start()
            list(download(good(server, *range(1000)), hurried(requests_per_second=50, burst=1), tmp_path))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert all(
        isinstance(each, Delivered) for each in download(good(server, *range(50)), hurried(), tmp_path)
    )
