"""Label sets, and which label each photo has."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_world import CITIES

from g3lib.experiments.cities import place_pulse_cities
from g3lib.geo import geodesic_km
from g3lib.im2city.labels import (
    LABELS,
    NONE,
    BadLabels,
    cities_of_gazetteer,
    label_set,
    named_labels,
    photo_labels,
    rows_among,
)

CITY_LABELS, COUNTRY_LABELS = label_set(CITIES, "cities"), label_set(CITIES, "countries")


def named(*names: str) -> pl.DataFrame:
    """Cities of those names, each in a country of its own."""
    return pl.concat(
        [
            CITIES.head(1).with_columns(city=pl.lit(name), country_code=pl.lit(f"c{row}"))
            for row, name in enumerate(names)
        ]
    )


def test_cities_are_labelled_by_their_names_with_and_without_country() -> None:
    assert CITY_LABELS.schema == LABELS
    assert CITY_LABELS["label"].to_list() == CITIES["city"].to_list()
    assert label_set(CITIES, "cities-with-country").equals(CITY_LABELS)  # the prompt differs, not the label


def test_countries_are_each_once_where_their_most_populous_place_is() -> None:
    assert COUNTRY_LABELS["label"].to_list() == ["France", "Italy", "Japan", "Australia"]
    assert COUNTRY_LABELS["city"].null_count() == 4
    paris = CITIES.row(0, named=True)
    france = COUNTRY_LABELS.row(0, named=True)
    assert geodesic_km(france["lat"], france["lon"], paris["lat"], paris["lon"]) < 5


def test_a_country_that_nobody_knows_is_where_its_first_city_is() -> None:
    odd = CITIES.with_columns(country=pl.lit("Atlantis"), country_code=pl.lit(None, pl.String))
    found = label_set(odd, "countries")
    assert found.select("label", "country_code", "lat").rows() == [("Atlantis", "atlantis", 48.85)]


def test_cities_of_one_name_are_told_apart_by_their_country() -> None:
    two = pl.concat(
        [CITIES.head(1), CITIES.head(1).with_columns(country=pl.lit("Texas"), country_code=pl.lit("tx"))]
    )
    assert label_set(two, "cities")["label"].to_list() == ["Paris, France", "Paris, Texas"]


@pytest.mark.parametrize("kind", ["cities", "cities-with-country"])
@pytest.mark.parametrize("twin", ["paris", "PARIS", "Páris", "Paris "])
def test_labels_that_differ_by_case_or_accent_only_are_refused(kind: str, twin: str) -> None:
    with pytest.raises(BadLabels, match="the same but for case, accents"):
        label_set(named("Paris", twin), kind)  # type: ignore[arg-type]


def test_countries_that_differ_by_case_only_are_refused() -> None:
    twins = named("Paris", "Lyon").with_columns(country=pl.Series(["France", "FRANCE"]))
    with pytest.raises(BadLabels, match="'FRANCE' and 'France'"):
        label_set(twins, "countries")


def test_the_56_cities_are_a_label_set() -> None:
    assert label_set(place_pulse_cities(), "cities").height == 56
    assert label_set(place_pulse_cities(), "countries").height == 32


# --- which label a photo has


def test_a_photo_shows_the_nearest_city_within_the_radius() -> None:
    photos = pl.DataFrame(
        {"lat": [48.9, 45.7, 0.0, None, 48.85], "lon": [2.3, 4.8, 0.0, 1.0, 2.35 + 360 - 360]}
    )
    assert photo_labels(photos, CITIES, 25.0).tolist() == [0, 1, NONE, NONE, 0]


@given(st.floats(-90, 90), st.floats(-180, 179.9), st.floats(1, 5000))
def test_it_is_the_nearest_by_geodesics_and_strictly_within(lat: float, lon: float, radius: float) -> None:
    km = geodesic_km(lat, lon, CITIES["lat"], CITIES["lon"])
    expected = int(km.argmin()) if km.min() < radius else NONE
    (found,) = photo_labels(pl.DataFrame({"lat": [lat], "lon": [lon]}), CITIES, radius)
    assert found == expected


def test_published_names_are_read_in_any_spelling() -> None:
    assert named_labels(["roma", "PARIS", None, "Lutetia", "Kyoto", ""], CITIES).tolist() == [
        2,
        0,
        NONE,
        0,
        4,
        NONE,
    ]


def test_place_pulses_own_spellings_are_known() -> None:
    told = [
        "Kyiv",
        "New York City",
        "Washington DC",
        "Sao Paulo",
        "São Paulo",
        "Tel Aviv-Yafo",
        "Rio De Janeiro",
    ]
    cities = place_pulse_cities()
    found = named_labels(told, cities)
    assert cities["city"].gather(found).to_list() == [
        *("Kiev", "New York", "Washington D.C.", "Sao Paulo", "Sao Paulo", "Tel Aviv", "Rio de Janeiro"),
    ]


def test_an_unknown_city_is_named() -> None:
    with pytest.raises(BadLabels, match=r"1 published cities are none of the 6 labels, e.g. \['Atlantis'\]"):
        named_labels(["Paris", "Atlantis"], CITIES)


def test_cities_stand_for_themselves_and_for_their_countries() -> None:
    shown = np.array([0, 1, NONE, 5, 4])
    assert rows_among(shown, CITIES, CITY_LABELS).tolist() == shown.tolist()
    assert rows_among(shown, CITIES, COUNTRY_LABELS).tolist() == [0, 0, NONE, 3, 2]
    without = COUNTRY_LABELS.filter(pl.col("label") != "Japan")
    assert rows_among(shown, CITIES, without).tolist() == [0, 0, NONE, 2, NONE]


# --- labels from the gazetteer


def around(*cities: str, each: int) -> pl.DataFrame:
    """So many photos within 100 km of each of those cities."""
    generator = np.random.default_rng(0)
    rows = [CITIES.row(by_predicate=pl.col("city") == name, named=True) for name in cities]
    places = [
        (row["lat"] + dy, row["lon"] + dx)
        for row in rows
        for dx, dy in generator.uniform(-0.5, 0.5, (each, 2))
    ]
    return pl.DataFrame(places, schema=["lat", "lon"], orient="row")


def test_the_most_populous_cities_that_photos_show_are_chosen() -> None:
    photos = around("Paris", "Rome", "Tokyo", "Sydney", each=30)
    found = cities_of_gazetteer([photos], 3, apart_km=500, radius_km=100, least_photos=20)
    assert found["city"].to_list() == ["Tokyo", "Sydney", "Rome"] or set(found["country_code"]) <= {
        "jp",
        "au",
        "it",
        "fr",
    }
    km = geodesic_km(found["lat"][0], found["lon"][0], found["lat"][1:], found["lon"][1:])
    assert km.min() > 500
    assert (np.bincount(photo_labels(photos, found, 100.0) + 1)[1:] >= 20).all()


def test_every_source_must_show_them() -> None:
    both = [around("Paris", "Tokyo", each=30), around("Tokyo", "Rome", each=30)]
    found = cities_of_gazetteer(both, 1, apart_km=500, radius_km=100, least_photos=20)
    assert found["country_code"].to_list() == ["jp"]
    with pytest.raises(BadLabels, match="only 1 of 2 cities have 20"):
        cities_of_gazetteer(both, 2, apart_km=500, radius_km=100, least_photos=20)
