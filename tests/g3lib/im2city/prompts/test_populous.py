"""StreetCLIP's countries have our codes; their cities are looked up by code and come by population."""

import polars as pl
import pytest

from g3lib.geo import haversine_km
from g3lib.im2city.labels import LABELS
from g3lib.im2city.prompts import populous_cities, streetclip_countries
from g3lib.places.countries import country_codes
from g3lib.places.gazetteer import gazetteer
from g3lib.places.name_index import lands_named


@pytest.fixture(scope="module")
def countries() -> pl.DataFrame:
    return streetclip_countries()


@pytest.fixture(scope="module")
def cities(countries: pl.DataFrame) -> pl.DataFrame:
    return populous_cities(countries)


def test_the_list_has_193_names_and_as_many_codes(countries: pl.DataFrame) -> None:
    assert countries.schema == LABELS and countries.height == 193
    assert countries["label"].is_unique().all() and countries["country_code"].is_unique().all()
    assert set(countries["country_code"]) <= set(country_codes()["code"])
    assert countries.select(pl.exclude("city")).null_count().sum_horizontal().item() == 0
    assert countries["city"].null_count() == 193


def test_every_name_means_the_country_of_its_code(countries: pl.DataFrame) -> None:
    """Georgia is the country, Palestine one, both Congos and Koreas are told apart."""
    for name, code in countries.select("country", "country_code").iter_rows():
        assert lands_named(name)[0].code == code, name
    codes = dict(countries.select("country", "country_code").iter_rows())
    expected = {"Georgia": "ge", "Palestine": "ps", "Namibia": "na", "Niger": "ne", "Swaziland": "sz"}
    expected |= {"Republic of the Congo": "cg", "Democratic Republic of the Congo": "cd", "Greenland": "gl"}
    assert {name: codes[name] for name in expected} == expected


def test_a_country_is_where_its_most_populous_place_is(countries: pl.DataFrame) -> None:
    georgia = countries.row(by_predicate=pl.col("country") == "Georgia", named=True)
    assert haversine_km(georgia["lat"], georgia["lon"], 41.69, 44.83) < 5  # Tbilisi


def test_cities_come_country_by_country_by_falling_population(
    countries: pl.DataFrame, cities: pl.DataFrame
) -> None:
    assert cities.schema == LABELS and cities["label"].is_unique().all()
    assert cities["country_code"].unique(maintain_order=True).to_list() == countries["country_code"].to_list()
    sizes = cities.group_by("country_code").len()["len"]
    assert sizes.max() == 30 and sizes.min() == 1
    places = gazetteer().places.sort("population", descending=True).unique(["code", "city", "lat", "lon"])
    people = cities.join(
        places, left_on=["country_code", "city", "lat", "lon"], right_on=["code", "city", "lat", "lon"],
        how="left", maintain_order="left",
    )  # fmt: skip
    assert people["population"].null_count() == 0
    falls = people.group_by("country_code").agg(pl.col("population").diff().max().fill_null(0) <= 0)
    assert falls["population"].all()


def test_cities_are_their_own_countrys(cities: pl.DataFrame) -> None:
    def of(code: str) -> list[str]:
        return cities.filter(country_code=code)["city"].to_list()

    assert of("ge")[:2] == ["Tbilisi", "Batumi"] and "Atlanta" not in of("ge")
    assert of("us")[:3] == ["New York City", "Los Angeles", "Chicago"]  # Brooklyn is a part of the first
    assert of("fr")[0] == "Paris" and "Saint-Denis" not in of("fr")  # a suburb, and Réunion's capital
    assert of("cn")[:2] == ["Shanghai", "Beijing"] and "Hong Kong" not in of("cn")
    assert of("sg") == ["Singapore"]
    assert cities.row(by_predicate=pl.col("label") == "Paris, France", named=True)["lat"] > 48


def test_against_a_loop(countries: pl.DataFrame) -> None:
    some = countries.filter(pl.col("country_code").is_in(["ee", "cr", "lu"]))
    for code, country in some.select("country_code", "country").iter_rows():
        expected = list[dict[str, object]]()
        places = gazetteer().places.filter(code=code).sort("population", descending=True, maintain_order=True)
        for place in places.iter_rows(named=True):
            far = all(
                haversine_km(place["lat"], place["lon"], each["lat"], each["lon"]) > 40
                and each["city"] != place["city"]
                for each in expected
            )
            if far and len(expected) < 7:
                expected.append(place)
        found = populous_cities(some, most=7, apart_km=40).filter(country=country)
        assert found["city"].to_list() == [each["city"] for each in expected]


def test_nothing_apart_leaves_the_gazetteers_own_list(countries: pl.DataFrame) -> None:
    singapore = countries.filter(country_code="sg")
    assert populous_cities(singapore, most=3, apart_km=0)["city"].to_list()[0] == "Singapore"
    assert populous_cities(singapore, most=3, apart_km=0).height == 3


def test_a_code_without_places_is_named(countries: pl.DataFrame) -> None:
    wrong = countries.head(2).with_columns(country_code=pl.Series(["af", "AL"]))
    with pytest.raises(ValueError, match=r"no cities of \['AL'\]; country codes are .* lower-case"):
        populous_cities(wrong)
