"""A Nominatim server, real but for its answers: what is asked, kept, retried, refused, and resumed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from g3lib.places.geocoding import SCHEMA
from g3lib.places.journal import Answer, Journal
from g3lib.places.nominatim import Server, fields_of, geocode_by_nominatim, keys_of

PARIS = {
    "suburb": "Gros-Caillou",
    "city": "Paris",
    "county": "Paris",
    "state": "Ile-de-France",
    "region": "Metropolitan France",
    "country": "France",
    "country_code": "FR",
    "road": "Quai Branly",
}


class Fake(ThreadingHTTPServer):
    """A server that remembers what it was asked; `answer` maps (lat, lon) to a status and a body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self.failures: list[int] = []  # statuses to answer with first
        self.delay = 0.0

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def answer(self, lat: float, lon: float) -> dict[str, Any]:
        if lat < 0:
            return {"error": "Unable to geocode"}
        return {"lat": str(lat), "lon": str(lon + 0.01), "display_name": "x", "address": PARIS}


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlparse(self.path).query).items()}
        self.server.asked.append(query)
        self.server.agents.add(self.headers["User-Agent"])
        time.sleep(self.server.delay)
        status = self.server.failures.pop(0) if self.server.failures else 200
        body = json.dumps(self.server.answer(float(query["lat"]), float(query["lon"]))).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Fake() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def local(fake: Fake, **changes: Any) -> Server:
    return Server(fake.domain, scheme="http", seconds_after_error=0.01, **changes)


def test_the_eight_fields_and_what_was_asked(fake: Fake, tmp_path: Path) -> None:
    found = geocode_by_nominatim([48.8584, -40.0], [2.2945, 5.0], local(fake), tmp_path / "journal.jsonl")
    assert found.schema == SCHEMA
    row = found.row(0, named=True)
    assert row.pop("place_km") == pytest.approx(0.734, abs=0.001)
    assert row == {
        "neighbourhood": "Gros-Caillou",
        "city": "Paris",
        "county": "Paris",
        "state": "Ile-de-France",
        "region": "Metropolitan France",
        "country": "France",
        "country_code": "fr",
        "continent": "Europe",
        "source": "nominatim",
    }
    sea = found.row(1, named=True)
    assert sea.pop("source") == "nominatim" and set(sea.values()) == {None}
    asked = next(query for query in fake.asked if query["lat"] == "48.8584")
    assert (asked["lon"], asked["accept-language"], asked["zoom"], asked["addressdetails"]) == (
        "2.2945",
        "en",
        "14",
        "1",
    )
    assert fake.agents == {"g3-geolocalization"}


def test_each_place_is_asked_once_and_never_again(fake: Fake, tmp_path: Path) -> None:
    lat, lon = [10.0, 10.00001, 10.0, -40.0, 5.0, 5.0], [20.0, 20.00004, 20.0, 5.0, 180.0, -179.99999]
    told: list[tuple[int, int]] = []
    first = geocode_by_nominatim(lat, lon, local(fake), tmp_path / "j", lambda *each: told.append(each))
    assert len(fake.asked) == 3 and told == [(1, 3), (2, 3), (3, 3)]
    again = geocode_by_nominatim(lat, lon, local(fake), tmp_path / "j")
    assert len(fake.asked) == 3 and again.equals(first)  # the one that nobody could geocode included


def test_errors_are_retried_and_then_raised_with_everything_kept(fake: Fake, tmp_path: Path) -> None:
    from geopy.exc import GeocoderServiceError

    fake.failures = [503, 429, 500]
    one_by_one = local(fake, concurrency=1, retries=3)
    assert geocode_by_nominatim([1.0], [1.0], one_by_one, tmp_path / "j")["city"].to_list() == ["Paris"]
    assert len(fake.asked) == 4
    fake.failures = [200, *[503] * 50]
    with pytest.raises(GeocoderServiceError):
        geocode_by_nominatim([2.0, 3.0], [2.0, 3.0], one_by_one, tmp_path / "j")
    fake.failures, before = [], len(fake.asked)
    geocode_by_nominatim([2.0, 3.0], [2.0, 3.0], one_by_one, tmp_path / "j")
    assert len(fake.asked) == before + 1


def test_the_pause_between_requests_is_kept(fake: Fake, tmp_path: Path) -> None:
    started = time.perf_counter()
    geocode_by_nominatim([1.0, 2.0, 3.0, 4.0], [0.0] * 4, local(fake, seconds_between=0.1), tmp_path / "j")
    assert time.perf_counter() - started >= 0.3


@pytest.mark.parametrize(
    "domain",
    ["nominatim.openstreetmap.org", "Nominatim.OpenStreetMap.org:443", "nominatim.openstreetmap.org/"],
)
def test_the_public_server_is_refused_for_bulk(domain: str, tmp_path: Path) -> None:
    lat = [index / 100 for index in range(301)]
    with pytest.raises(
        ValueError, match=r"301 positions .* usage policy .*/policies/nominatim/.* of your own"
    ):
        geocode_by_nominatim(lat, lat, Server(domain), tmp_path / "j")


def test_cached_positions_do_not_count_against_the_public_server(tmp_path: Path) -> None:
    lat = [index / 100 for index in range(301)]
    with Journal.open(tmp_path / "j", []) as book:
        for key in keys_of(lat, lat):
            book.record(key, Answer({"country": "Nowhere", "country_code": "xx"}))
    found = geocode_by_nominatim(lat, lat, Server("nominatim.openstreetmap.org"), tmp_path / "j")
    assert found["country"].to_list() == ["Nowhere"] * 301


CHILD = """
import sys
from pathlib import Path
from g3lib.places.nominatim import Server, geocode_by_nominatim
lat = [1 + index / 1000 for index in range(200)]
server = Server(sys.argv[1], scheme="http", concurrency=2)
print(geocode_by_nominatim(lat, lat, server, Path(sys.argv[2]))["city"].n_unique())
"""


def test_killed_and_resumed_nothing_recorded_is_asked_again(fake: Fake, tmp_path: Path) -> None:
    journal, fake.delay = tmp_path / "j", 0.02
    command = [sys.executable, "-c", CHILD, fake.domain, str(journal)]
    child = subprocess.Popen(command, env={**os.environ, "no_proxy": "127.0.0.1"})
    while not journal.exists() or journal.read_bytes().count(b"\n") < 20:
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    recorded = journal.read_bytes().count(b"\n")
    with journal.open("ab") as handle:
        handle.write(b'{"key": [1')  # and the last write was torn
    fake.asked.clear()
    fake.delay = 0.0
    lat = [1 + index / 1000 for index in range(200)]
    assert set(geocode_by_nominatim(lat, lat, local(fake), journal)["city"]) == {"Paris"}
    assert 20 <= recorded < 200 and len(fake.asked) == 200 - recorded
    assert len({json.loads(line)["key"][0] for line in journal.read_bytes().splitlines()}) == 200


def test_a_damaged_line_before_the_last_is_named(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"key": [1, 2], "address": null, "lat": null, "lon": null}\nnonsense\n{}\n')
    with (
        pytest.raises(ValueError, match=r"line 2 is damaged .*; remove that line"),
        Journal.open(tmp_path / "j", []),
    ):
        pass


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    held: list[bool] = []

    def second() -> None:
        with Journal.open(tmp_path / "j", [(1, 2)]) as book:
            held.append((1, 2) in book.answers)

    with Journal.open(tmp_path / "j", []) as book:
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.1)
        assert not held
        book.record((1, 2), Answer(None))
    other.join(10)
    assert held == [True]


def test_only_wanted_answers_are_kept_in_memory(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j", []) as book:
        book.record((1, 2), Answer({"city": "A"}, 1.0, 2.0))
        book.record((3, 4), Answer(None))
    with Journal.open(tmp_path / "j", [(3, 4)]) as book:
        assert book.answers == {(3, 4): Answer(None)}


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ({"town": "Chur"}, "city", "Chur"),
        ({"village": "Vals", "municipality": "Surselva"}, "city", "Vals"),
        ({"municipality": "Surselva"}, "city", "Surselva"),
        ({"city": "Zürich", "town": "x"}, "city", "Zürich"),
        ({"quarter": "Q", "suburb": "S"}, "neighbourhood", "Q"),
        ({"province": "Bolzano"}, "state", "Bolzano"),
        ({"country_code": "DE"}, "country_code", "de"),
        ({}, "country", None),
    ],
)
def test_the_parts_of_an_address(address: dict[str, str], field: str, value: str | None) -> None:
    assert fields_of(Answer(address))[field] == value
