"""Who names a place: its publisher where he does, else the geocoder that the profile asks for."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import polars as pl
import pytest

from g3lib.experiments.profile import PlaceSettings
from g3lib.places import geocode, place_names
from g3lib.places.geocoding import SCHEMA

FIELDS = ("neighbourhood", "city", "county", "state", "region", "country", "country_code", "continent")
PHOTOS = pl.DataFrame(
    {"lat": [48.85, 40.0, -36.85], "lon": [2.35, -74.6, 174.76]}
    | dict.fromkeys(FIELDS, pl.Series([None, None, None], dtype=pl.String))
).with_columns(
    country=pl.Series([None, "Elsewhere", None], dtype=pl.String),
    city=pl.Series([None, "A town", "never alone"], dtype=pl.String),
)


def test_a_publishers_names_are_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    names = place_names(PHOTOS, PlaceSettings(), tmp_path / "journal")
    offline = geocode(PHOTOS["lat"], PHOTOS["lon"])
    assert names.schema == pl.Schema(SCHEMA)
    assert names.row(1, named=True) | {"city": "A town", "state": None, "source": "published"} == names.row(
        1, named=True
    )
    assert names[[0, 2]].equals(offline[[0, 2]]), "a city without its country is not believed"


def test_a_profile_may_ignore_them(tmp_path: Path) -> None:
    names = place_names(PHOTOS, PlaceSettings(published=False), tmp_path / "journal")
    assert names.equals(geocode(PHOTOS["lat"], PHOTOS["lon"]))


def test_no_photos_give_a_typed_table(tmp_path: Path) -> None:
    assert place_names(PHOTOS.clear(), PlaceSettings(), tmp_path / "journal").schema == pl.Schema(SCHEMA)


class Nominatim(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        address = {"city": "Town", "country": "Land", "country_code": "ld"}
        body = json.dumps({"lat": "1", "lon": "2", "display_name": "x", "address": address}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def nominatim() -> Iterator[str]:
    Nominatim.asked = []
    server = HTTPServer(("127.0.0.1", 0), Nominatim)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/maps/"
    server.shutdown()
    server.server_close()


def test_ones_own_nominatim_is_asked_once(tmp_path: Path, nominatim: str) -> None:
    settings = PlaceSettings(geocoder="nominatim", nominatim_url=nominatim, nominatim_zoom=12)
    told = list[str]()
    names = place_names(PHOTOS, settings, tmp_path / "journal", told.append)
    assert names["country"].to_list() == ["Land", "Elsewhere", "Land"]
    assert names["source"].to_list() == ["nominatim", "published", "nominatim"]
    assert all(path.startswith("/maps/reverse?") and "zoom=12" in path for path in Nominatim.asked)
    assert told == ["2 of 2 positions named by 127.0.0.1"]
    assert place_names(PHOTOS, settings, tmp_path / "journal").equals(names) and len(Nominatim.asked) == 2
