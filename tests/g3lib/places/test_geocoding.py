"""MP16-Pro's fields: its own samples, spots checked by hand, and the city rule against a slow one."""

import numpy as np
import polars as pl
import pytest

from g3lib.geo import coordinates_of, haversine_km
from g3lib.places import geocode
from g3lib.places.gazetteer import gazetteer
from g3lib.places.geocoding import CITY_KM, CLASSES, FEWEST, ONE_CITY, SCHEMA, SOURCES, WITHIN_KM
from g3lib.places.policy import is_in_europe

SAMPLES = [  # the paper's appendix A.1
    (47.217578, 7.542092, "Solothurn", "Solothurn", "Switzerland", "ch"),
    (39.950477, -75.157535, "Philadelphia", "Pennsylvania", "United States", "us"),
    (-34.580365, -58.425464, "Buenos Aires", "Buenos Aires F.D.", "Argentina", "ar"),
]


def at(lat: float, lon: float) -> dict[str, object]:
    return geocode([lat], [lon]).row(0, named=True)


@pytest.mark.parametrize(("lat", "lon", "city", "state", "country", "code"), SAMPLES)
def test_the_samples_of_mp16_pro(
    lat: float, lon: float, city: str, state: str, country: str, code: str
) -> None:
    row = at(lat, lon)
    assert (row["city"], row["state"], row["country"], row["country_code"]) == (city, state, country, code)
    assert row["region"] is None and row["source"] == "polygon+nearest"


def test_a_county_and_a_neighbourhood() -> None:
    row = at(39.950477, -75.157535)
    assert (row["county"], row["neighbourhood"]) == ("Philadelphia County", "Center City")


@pytest.mark.parametrize(
    ("lat", "lon", "city", "state"),
    [
        (40.7580, -73.9855, "New York City", "New York"),  # whose nearest place is Times Square
        (48.8584, 2.2945, "Paris", "Île-de-France"),  # the Eiffel Tower, nearest to Vanves
        (48.8356, 2.2402, "Boulogne-Billancourt", "Île-de-France"),  # a city of its own, 8 km from Paris
        (40.7433, -74.0288, "Hoboken", "New Jersey"),  # across the river from New York, in another state
        (51.4995, -0.1248, "London", "England"),  # Westminster
        (-33.8915, 151.2767, "Sydney", "New South Wales"),  # Bondi Beach
        (22.2819, 114.1581, "Hong Kong", "Central and Western"),
        (31.7587, -106.4869, "El Paso", "Texas"),  # half the size of Ciudad Juárez, 3 km away
    ],
)
def test_the_larger_place_names_the_city_within_its_state(
    lat: float, lon: float, city: str, state: str
) -> None:
    row = at(lat, lon)
    assert (row["city"], row["state"]) == (city, state)


@pytest.mark.parametrize(
    ("lat", "lon", "code", "continent", "source"),
    [
        (44.9521, 34.1024, "ua", "Europe", "policy+nearest"),  # Simferopol
        (45.35, 36.47, "ua", "Europe", "policy+nearest"),  # Kerch
        (45.21, 36.72, "ru", "Europe", "nearest"),  # Taman, across the strait
        (27.1253, -13.1625, "eh", "Africa", "policy+nearest"),  # Laayoune
        (28.43, -11.10, "ma", "Africa", "polygon+nearest"),  # Tan-Tan, north of it
        (41.9022, 12.4568, "va", "Europe", "policy+nearest"),  # St. Peter's Square
        (41.9022, 12.4640, "it", "Europe", "polygon+nearest"),  # 600 m down the road
        (47.6967, 8.6883, "de", "Europe", "policy+nearest"),  # Büsingen
        (45.9697, 8.9714, "it", "Europe", "policy+nearest"),  # Campione
        (46.0037, 8.9511, "ch", "Europe", "polygon+nearest"),  # Lugano, 4 km away
        (51.4425, 4.9303, "nl", "Europe", "polygon+nearest"),  # Baarle-Hertog stays Dutch
        (35.19, 33.36, "cy", "Europe", "polygon+nearest"),  # northern Nicosia
        (34.587, 32.987, "cy", "Europe", "polygon+nearest"),  # Akrotiri
        (45.963, 63.305, "kz", "Asia", "polygon+nearest"),  # Baikonur
        (35.42, 77.11, "in", "Asia", "polygon"),  # Siachen
        (42.6629, 21.1655, "xk", "Europe", "polygon+nearest"),
        (-20.8789, 55.4481, "fr", "Africa", "polygon+nearest"),  # Réunion
        (16.2411, -61.5331, "fr", "North America", "polygon+nearest"),  # Guadeloupe
        (18.4655, -66.1057, "us", "North America", "polygon+nearest"),  # Puerto Rico
        (78.22, 15.65, "no", "Europe", "nearest"),  # Longyearbyen
        (55.751, 37.618, "ru", "Europe", "polygon+nearest"),
        (67.497, 64.061, "ru", "Europe", "polygon+nearest"),  # Vorkuta, west of the Urals at 64° E
        (56.838, 60.597, "ru", "Asia", "polygon+nearest"),  # Yekaterinburg
        (65.78, -169.06, "ru", "Asia", "polygon"),  # Big Diomede, 169° *west*
        (41.008, 28.978, "tr", "Europe", "polygon+nearest"),
        (40.985, 29.060, "tr", "Asia", "polygon+nearest"),  # Kadıköy, across the Bosporus
        (40.155, 26.414, "tr", "Asia", "polygon+nearest"),  # Çanakkale
        (-90.0, 0.0, "aq", "Antarctica", "polygon"),
        (34.0083, -118.4988, "us", "North America", "nearest"),  # Santa Monica Pier
    ],
)
def test_disputed_and_divided_lands(lat: float, lon: float, code: str, continent: str, source: str) -> None:
    row = at(lat, lon)
    assert (row["country_code"], row["continent"], row["source"]) == (code, continent, source)


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 0.0), (90.0, 0.0), (-48.8767, -123.3933), (45.0, 180.0)])
def test_the_sea_stays_empty(lat: float, lon: float) -> None:
    row = at(lat, lon)
    assert row.pop("source") == "none"
    assert set(row.values()) == {None}


def test_far_from_any_place_there_is_a_state_and_no_city() -> None:
    row = at(52.9, 172.9)  # Attu
    assert (row["country_code"], row["state"]) == ("us", "Alaska")
    assert [row[name] for name in ("neighbourhood", "city", "county", "place_km")] == [None] * 4


def test_near_a_border_state_and_city_are_the_countrys_own() -> None:
    """Everywhere along the Rhine, the nearest place may be on the other bank."""
    lat, lon = np.meshgrid(np.linspace(47.5, 48.9, 60), np.linspace(7.4, 8.2, 40))
    found = geocode(lat.ravel(), lon.ravel())
    own = (
        gazetteer().places.with_columns(country_code=pl.col("code")).select("country_code", "state").unique()
    )
    assert (
        found.select("country_code", "state")
        .unique()
        .join(own, on=["country_code", "state"], how="anti")
        .is_empty()
    )
    assert set(found["country_code"]) == {"de", "fr", "ch"}


def by_hand(lat: float, lon: float, code: str, state: str | None) -> str | None:
    """The city rule, one place after another."""
    known = gazetteer().places.filter(pl.col("code") == code, pl.col("state").eq_missing(state))
    known = known.with_columns(km=pl.Series(haversine_km(lat, lon, known["lat"], known["lon"])))
    near = known.filter(pl.col("km") <= CITY_KM).sort("km")
    if near.is_empty():
        return None
    size = pl.col("population").map_batches(
        lambda people: np.digitize(people, CLASSES[1:]), return_dtype=pl.Int64
    )
    first = near.group_by(size.alias("size"), maintain_order=True).first()
    people = pl.col("population").clip(FEWEST)
    return str(first.sort(pl.col("km").clip(WITHIN_KM) / people.sqrt())["city"][0])


def test_the_city_rule_against_a_slow_one() -> None:
    generator = np.random.default_rng(3)
    places = gazetteer().places.filter(~pl.col("code").is_in([*ONE_CITY, "aq"]))
    rows = generator.integers(places.height, size=150)
    rows = np.concatenate([rows, places.with_row_index().sort("population")["index"].tail(50).to_numpy()])
    lat = places["lat"].to_numpy()[rows] + generator.normal(0, 0.04, len(rows))
    lon = places["lon"].to_numpy()[rows] + generator.normal(0, 0.04, len(rows))
    found = geocode(lat, lon)
    compared = 0
    for row, north, east in zip(found.iter_rows(named=True), lat, lon, strict=True):
        if row["country_code"] is None:
            continue
        expected = by_hand(north, east, row["country_code"], row["state"])
        if expected is not None:
            assert row["city"] == expected, (north, east)
            compared += 1
    assert compared > 130


def test_the_order_and_company_of_positions_do_not_matter() -> None:
    lat, lon = coordinates_of(np.random.default_rng(5).normal(size=(300, 3)))
    together, order = geocode(lat, lon), np.random.default_rng(6).permutation(300)
    assert geocode(lat[order], lon[order]).equals(together[order])
    assert geocode(lat[:1], lon[:1]).equals(together[:1])
    assert geocode(lat[:1], lon[:1] + 360.0)["country"].equals(together[:1]["country"])


def test_the_schema_holds_without_rows_and_sources_are_the_listed_ones() -> None:
    empty = geocode([], [])
    assert empty.schema == SCHEMA and empty.height == 0
    lat, lon = coordinates_of(np.random.default_rng(5).normal(size=(300, 3)))
    found = geocode(lat, lon)
    assert found.schema == SCHEMA and set(found["source"]) <= set(SOURCES)
    assert (found["place_km"].is_null() == found["city"].is_null()).all()
    assert found["place_km"].max() <= 50.0  # type: ignore[operator]


def test_a_position_off_the_earth_is_named() -> None:
    with pytest.raises(ValueError, match=r"row 2 is no position on Earth: latitude 0.0, longitude inf"):
        geocode([0.0, 1.0, 0.0], [0.0, 1.0, np.inf])


def test_only_divided_countries_are_divided() -> None:
    with pytest.raises(KeyError):
        is_in_europe("kz", np.zeros(1), np.zeros(1))


def test_pictures_that_show_more_look_further() -> None:
    sahara = ([21.0], [3.0])
    near, far = geocode(*sahara), geocode(*sahara, near_km=300)
    assert near["city"].to_list() == [None] and near["country_code"].to_list() == ["dz"]
    assert far["city"][0] is not None and 50 < far["place_km"][0] <= 300
