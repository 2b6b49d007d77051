"""The 56 cities of Place Pulse 2.0, and label sets of one's own."""

from pathlib import Path

import numpy as np
import pytest

from g3lib.experiments.cities import CITY_SCHEMA, cities_of_file, place_pulse_cities
from g3lib.places import geocode, locate_place

GOOD = "City , country,LAT,lon,population\nParis,France,48.85,2.35,2\nRome,Italy,41.89,12.5,3\n"


def test_there_are_56_cities_in_32_countries() -> None:
    cities = place_pulse_cities()
    assert cities.schema == CITY_SCHEMA and cities.height == 56 and cities["city"].n_unique() == 56
    assert cities["country"].n_unique() == cities["country_code"].n_unique() == 32
    assert (
        cities["city"][0] == "New York" and cities["city"][39] == "Paris" and cities["city"][55] == "Lisbon"
    )
    assert cities.filter(country_code="us").height == 13


def test_each_lies_where_the_gazetteer_has_it() -> None:
    for row in place_pulse_cities().iter_rows(named=True):
        found = locate_place(row["country"], None, row["city"])
        assert found is not None and found.level == "city", row["city"]
        if row["city"] not in ("Portland",):  # the gazetteer's most populous of that name is Oregon's, too
            assert np.hypot(found.lat - row["lat"], found.lon - row["lon"]) < 0.2, row["city"]


def test_each_lies_in_its_country() -> None:
    cities = place_pulse_cities()
    codes = geocode(cities["lat"], cities["lon"], 50.0)["country_code"].to_list()
    assert codes == [code if code != "hk" else "cn" for code in cities["country_code"]]


def test_a_file_of_ones_own_may_have_other_columns_and_spellings_of_these(tmp_path: Path) -> None:
    (tmp_path / "cities.csv").write_text(GOOD)
    found = cities_of_file(tmp_path / "cities.csv")
    assert found.schema == CITY_SCHEMA
    assert found.select("city", "country", "lat").rows() == [
        ("Paris", "France", 48.85),
        ("Rome", "Italy", 41.89),
    ]
    assert found["country_code"].null_count() == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("city,lat,lon\nParis,48,2\n", "no column country; there are: city, lat, lon"),
        (GOOD.replace("48.85", "north"), "line 2 has no city, country or position"),
        (GOOD.replace("41.89", "141.89"), "line 3 has no city, country or position"),
        (GOOD.replace("Rome,Italy", "Rome,"), "line 3 has no city"),
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "cities.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        cities_of_file(tmp_path / "cities.csv")
