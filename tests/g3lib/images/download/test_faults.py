"""Every way in which a server can fail has its fate, its number of requests, and its words."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hostile_server import HOSTS, HostileServer, jpeg
from hurried import hurried

from g3lib.images.download import Delivered, Request, download
from g3lib.images.download.fetching import forbids_ai, user_agent
from g3lib.images.fates import Fate, Rejected

# kind: fate, requests until it is settled (with two attempts), words of its detail
FAULTS = {
    "missing": (Fate.NOT_FOUND, 1, "404"),
    "gone": (Fate.GONE, 1, "410"),
    "forbidden": (Fate.FORBIDDEN, 1, "403"),
    "noai": (Fate.FORBIDDEN, 1, "X-Robots-Tag"),
    "teapot": (Fate.HTTP_ERROR, 1, "418"),
    "limited": (Fate.RATE_LIMITED, 2, "429"),
    "failing": (Fate.SERVER_ERROR, 2, "500"),
    "unavailable-day": (Fate.SERVER_ERROR, 1, "503"),
    "outside": (Fate.REFUSED_ADDRESS, 1, "file:///etc/passwd"),
    "placeholder": (Fate.PLACEHOLDER, 1, "photo_unavailable.png"),
    "loop": (Fate.TOO_MANY_REDIRECTS, 6, "more than 5"),
    "page": (Fate.NOT_AN_IMAGE, 1, "<!DOCTYPE html>"),
    "long": (Fate.TOO_MANY_BYTES, 1, "1,000,000,000,000"),
    "endless": (Fate.TOO_MANY_BYTES, 1, "1,000,000"),
    "empty": (Fate.EMPTY, 1, "no bytes"),
    "cut": (Fate.CUT_SHORT, 2, "received"),
    "reset": (Fate.CONNECTION_LOST, 2, ""),
    "drip": (Fate.TIMEOUT, 2, "within 1 s"),
    "hang": (Fate.TIMEOUT, 2, "within 1 s"),
}
# kind: requests until it is delivered
DELIVERED = {"good": 1, "failing-once": 2, "untyped": 1, "moved": 1}


@pytest.fixture(scope="module")
def settled(
    running: HostileServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Delivered | Rejected, int]]]:
    """Each kind's outcome, and how often the server was asked for it."""
    running.counts(forget=True)
    kinds = [*FAULTS, *DELIVERED]
    wanted = [Request(kind, running.url(kind, number)) for number, kind in enumerate(kinds)]
    found = list(download(wanted, hurried(), tmp_path_factory.mktemp("spool")))
    asked = running.counts()["asked"]
    yield {kind: (found[n], asked[f"/{kind}/{n}.jpg"]) for n, kind in enumerate(kinds)}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_has_its_fate(settled: dict[str, tuple[Delivered | Rejected, int]], kind: str) -> None:
    (outcome, asked), (fate, requests, words) = settled[kind], FAULTS[kind]
    assert isinstance(outcome, Rejected)
    assert (outcome.photo_id, outcome.fate) == (kind, fate)
    assert words in outcome.detail
    assert asked in ((requests, requests + 1, requests + 2) if kind == "reset" else (requests,))
    assert outcome.attempts == (
        2 if fate in ("rate_limited", "timeout", "cut_short", "connection_lost") else outcome.attempts
    )
    assert outcome.origin.endswith(".jpg")


@pytest.mark.parametrize("kind", DELIVERED)
def test_what_is_good_in_the_end_arrives(
    settled: dict[str, tuple[Delivered | Rejected, int]], kind: str
) -> None:
    outcome, asked = settled[kind]
    assert isinstance(outcome, Delivered)
    number = [*FAULTS, *DELIVERED].index(kind)
    assert outcome.data == jpeg(number, (64, 48))
    assert (outcome.attempts, outcome.http_status) == (DELIVERED[kind], 200)
    assert asked == DELIVERED[kind]
    assert outcome.final_url == (outcome.url.replace("moved", "good"))


def test_nobody_listens(tmp_path: Path) -> None:
    [outcome] = download([Request("a", f"http://{HOSTS[0]}:9/1.jpg")], hurried(), tmp_path)
    assert isinstance(outcome, Rejected)
    assert (outcome.fate, outcome.attempts) == (Fate.CONNECTION_LOST, 2)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=127.0.0.1",
    ]
    try:
        command = [*make, "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no openssl here to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{web.server_address[1]}/1.jpg"
    [outcome] = download([Request("a", url)], hurried(attempts=1), tmp_path / "spool")
    web.shutdown()
    assert isinstance(outcome, Rejected)
    assert (outcome.fate, "certificate" in outcome.detail.lower()) == (Fate.CONNECTION_LOST, True)


def test_a_name_that_nobody_has(tmp_path: Path) -> None:
    [outcome] = download([Request("a", "http://nobody.invalid/1.jpg")], hurried(timeout_seconds=5), tmp_path)
    assert isinstance(outcome, Rejected)
    assert outcome.fate is Fate.CONNECTION_LOST


def test_robots_tags() -> None:
    assert forbids_ai(["noindex, NOAI"])
    assert forbids_ai(["g3: noimageai"])
    assert not forbids_ai(["noindex", "all"])


def test_we_say_who_asks() -> None:
    assert user_agent("").startswith("g3")
    assert user_agent("mail@example.org\r\nX: y").endswith("(+mail@example.orgX: y)")
