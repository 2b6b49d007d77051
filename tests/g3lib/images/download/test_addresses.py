"""Which addresses are asked; the server's counts prove that refused ones were not."""

import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hostile_server import HostileServer
from hurried import hurried

from g3lib.images.download import Request, addresses, download
from g3lib.images.download.addresses import is_public, owner
from g3lib.images.fates import Fate, Rejected

PRIVATE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *(
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
    ),
    *(
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::",
    ),
)
PUBLIC = ("8.8.8.8", "151.101.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


def fates(spool: Path, *urls: str) -> list[tuple[Fate, str]]:
    wanted = [Request(str(number), url) for number, url in enumerate(urls)]
    found = list(download(wanted, hurried(private_networks=False), spool))
    assert all(isinstance(each, Rejected) for each in found)
    return [(each.fate, each.detail) for each in found if isinstance(each, Rejected)]


def test_this_machine_is_not_asked_however_it_is_written(tmp_path: Path, server: HostileServer) -> None:
    hosts = ("127.0.0.1", "127.0.0.2", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0")
    found = fates(tmp_path, *(server.url("good", 1, host) for host in hosts))
    assert {fate for fate, _ in found} == {Fate.REFUSED_ADDRESS}
    assert "private network" in found[0][1]
    assert not server.counts()["asked"]


def test_only_http(tmp_path: Path) -> None:
    urls = (
        "ftp://127.0.0.1/1.jpg",
        "file:///etc/passwd",
        "1.jpg",
        "",
        "http://",
        "http://[",
        "data:image/png,",
    )
    assert {fate for fate, _ in fates(tmp_path, *urls)} == {Fate.REFUSED_ADDRESS}


def test_a_name_is_refused_by_the_address_it_leads_to(
    tmp_path: Path, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a name resolved before: what counts is where the connection would go."""

    async def resolve(_: object, host: str, port: int, family: int) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
        ]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    [(fate, _)] = fates(tmp_path, f"http://rebinding.example:{server.port}/good/1.jpg")
    assert fate is Fate.REFUSED_ADDRESS
    assert not server.counts()["asked"]


def test_a_redirect_is_checked_like_a_first_address(
    tmp_path: Path, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_the_first(address: str) -> bool:
        return address == "127.0.0.1"

    monkeypatch.setattr(addresses, "is_public", only_the_first)
    [(fate, detail)] = fates(tmp_path, server.url("sideways", 1))
    assert (fate, "private network" in detail) == (Fate.REFUSED_ADDRESS, True)
    assert server.counts()["asked"] == {"/sideways/1.jpg": 1}


def test_a_socket_goes_where_it_was_checked_for() -> None:
    address: tuple[Any, ...] = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))
    with addresses.socket_to_public(address) as made:
        assert made.family == socket.AF_INET


def test_flickrs_hosts_share_one_rate() -> None:
    assert owner("farm5.staticflickr.com") == owner("live.staticflickr.com") == "staticflickr.com"
    assert owner("127.0.0.1:80") != owner("127.0.0.1:81")
    assert owner("notstaticflickr.com") == "notstaticflickr.com"
