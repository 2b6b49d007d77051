"""Borders: every spot in its country, seams and poles without care, and the map a division of the plane."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import coordinates_of
from g3lib.places import build_data, country_at
from g3lib.places.countries import SEA, border_map, countries, country_codes, country_index
from g3lib.places.topology import STEPS, interior_is_left, read_topology, sides


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (46.85, 9.53, "ch"),
        (35.8883, -5.3162, "es"),  # Ceuta, in Africa
        (42.4647, 1.9811, "es"),  # Llívia, inside France
        (25.2707, 56.2770, "ae"),  # Nahwa, inside Oman's Madha, inside the Emirates
        (25.2850, 56.3330, "om"),  # Madha
        (31.7587, -106.4869, "us"),  # El Paso
        (31.7350, -106.4870, "mx"),  # Ciudad Juárez, 3 km away
        (52.9000, 172.9000, "us"),  # Attu, east of the antimeridian
        (65.7800, -169.0600, "ru"),  # Big Diomede
        (65.7530, -168.9200, "us"),  # Little Diomede, 4 km away
        (-20.8789, 55.4481, "fr"),  # Réunion
        (42.6629, 21.1655, "xk"),
        (9.5600, 44.0650, "so"),
        (35.42, 77.11, "in"),  # Siachen Glacier
        (-29.6, 28.2, "ls"),  # Lesotho fills a hole of South Africa
        (65.0, 10.0, None),  # the Norwegian Sea: Russia's ring once covered Norway
        (60.4, 11.0, "no"),
        (-25.0, 135.0, "au"),  # and Fiji's covered Australia
        (-16.8, 179.999, "fj"),
        (-16.8, -179.999, "fj"),
        (-16.8, 180.0, "fj"),
        (66.0, 180.0, "ru"),
        (66.0, -179.9, "ru"),
        (-90.0, 0.0, "aq"),
        (-89.9, -180.0, "aq"),
        (-85.0, 179.999, "aq"),
        (90.0, 0.0, None),
        (0.0, 0.0, None),
        (10.377, 114.366, None),  # the Spratly Islands are nobody's
    ],
)
def test_spots(lat: float, lon: float, code: str | None) -> None:
    assert country_at([lat], [lon]).to_list() == [code]


@given(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True))
def test_a_turn_around_the_globe_changes_nothing(lat: float, lon: float) -> None:
    turned = lon + 360.0 if lon < 0 else lon - 360.0
    here = (turned + 180.0) % 360.0 - 180.0  # what rounding leaves of the longitude
    assert country_at([lat], [turned]).to_list() == country_at([lat], [here]).to_list()


def test_no_border_contradicts_its_neighbours() -> None:
    drawn = border_map()
    assert drawn.broken == 0
    assert len(drawn.start) == STEPS + 1 and (np.diff(drawn.start) > 0).all()
    assert (drawn.below == country_index()["aq"]).all()


def test_a_third_of_the_globe_is_land() -> None:
    lat, lon = coordinates_of(np.random.default_rng(0).normal(size=(20_000, 3)))
    land = country_at(lat, lon).is_not_null()
    assert land.mean() == pytest.approx(0.29, abs=0.01)


def test_codes_are_lower_case_text_and_namibia_is_no_missing_value() -> None:
    codes = country_codes()
    assert codes["code"].str.contains(r"^[a-z]{2}$").all() and codes["code"].is_unique().all()
    assert {"na", "xk", "aq"} <= set(countries()["code"])
    assert country_index()["re"] == country_index()["fr"] and country_index()[""] == SEA
    assert codes.filter(pl.col("code") == "us")["name"].item() == "United States"


def world(units: list[dict[str, Any]], arcs: list[list[list[int]]]) -> dict[str, Any]:
    return {
        "type": "Topology",
        "transform": {"scale": [360 / STEPS, 180 / STEPS], "translate": [-180, -90]},
        "objects": {"countries": {"geometries": units}},
        "arcs": arcs,
    }


def unit(name: str, number: str, *polygons: list[list[int]]) -> dict[str, Any]:
    return {"type": "MultiPolygon", "id": number, "properties": {"name": name}, "arcs": list(polygons)}


# two squares that share an edge (arc 0), walked the other way by the second; and a hole filled by a third
SHARED = [[100, 100], [0, 100]]
FIRST = [[100, 200], [-100, 0], [0, -100], [100, 0]]
SECOND = [[100, 200], [100, 0], [0, -100], [-100, 0]]
HOLE = [[120, 120], [20, 0], [0, 20], [-20, 0], [0, -20]]
SQUARES = world(
    [
        unit("One", "001", [[0, 1]]),
        unit("Two", "002", [[~0, ~2], [3]]),
        unit("Three", "003", [[3]]),
        unit("Point", "004", [[4]]),
    ],
    [SHARED, FIRST, [[100, 200], [100, 0], [0, -100], [-100, 0]], HOLE, [[5, 5], [1, 1], [-1, -1]]],
)
CODES = {"001": "aa", "002": "bb", "003": "cc", "004": "dd"}


def test_the_sides_of_shared_borders_holes_and_rings_without_area(tmp_path: Path) -> None:
    path = tmp_path / "squares.json"
    path.write_text(json.dumps(SQUARES))
    left, right = sides(read_topology(path, CODES))
    assert list(zip(left, right, strict=True)) == [
        ("aa", "bb"),
        ("aa", ""),
        ("", "bb"),
        ("cc", "bb"),
        ("", ""),
    ]


def test_a_ring_around_the_pole_holds_the_south() -> None:
    eastwards = np.array([[0, 10], [STEPS // 2, 12], [STEPS, 10]])
    assert interior_is_left(eastwards) is False
    assert interior_is_left(eastwards[::-1]) is True


def test_other_files_and_unknown_units_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="no quantised TopoJSON of countries; take"):
        read_topology(path, CODES)
    path.write_text(json.dumps(SQUARES))
    with pytest.raises(ValueError, match=r"'Three' \(003\) has no code: add it to WITHOUT_NUMBER"):
        read_topology(path, {"001": "aa", "002": "bb"})


def test_the_same_sources_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    units = [
        {**each, "id": number}
        for each, number in zip(
            SQUARES["objects"]["countries"]["geometries"], ("756", "040", "438", "276"), strict=True
        )
    ]
    (tmp_path / "world.json").write_text(json.dumps(world(units, SQUARES["arcs"])))
    place = {
        "city": "Chur",
        "state": "Grisons",
        "country_code": "CH",
        "latitude": 46.84986,
        "longitude": 9.53287,
    }
    rows = [
        {**place, "population": 5},
        {**place, "city": "Larger", "population": 9},
        {**place, "latitude": -1.5},
    ]
    (tmp_path / "places.gz").write_bytes(gzip.compress(json.dumps(rows).encode()))
    found = []
    for name in ("one", "two"):
        command = [
            "build",
            "--countries",
            tmp_path / "world.json",
            "--places",
            tmp_path / "places.gz",
            "--out",
            tmp_path / name,
        ]
        monkeypatch.setattr("sys.argv", [str(each) for each in command])
        build_data.main()
        found.append([(tmp_path / name / f"{each}.parquet").read_bytes() for each in ("countries", "places")])
    assert found[0] == found[1]
    places = pl.read_parquet(tmp_path / "one" / "places.parquet")
    assert places.select("city", "code", "population", "lat").rows() == [
        ("Chur", "ch", 0, -150_000),
        ("Larger", "ch", 9, 4_684_986),
    ]
