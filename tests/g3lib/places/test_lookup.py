"""Names to places, and that no spelling is too strange and no text too long."""

from time import perf_counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import haversine_km
from g3lib.places import Located, geocode, locate_place
from g3lib.places.countries import country_codes
from g3lib.places.gazetteer import gazetteer
from g3lib.places.name_index import name_index, other_names
from g3lib.places.spelling import Names, bare, plain, readings, squeezed

EMPTY = {"aq", "bv", "hm", "io", "um"}  # codes of lands without a place in the gazetteer
NAMES = st.none() | st.text(max_size=60)


def city(country: str | None, state: str | None = None, name: str | None = None) -> tuple[str, str, str, str]:
    """Level and name of what is found, and the state and country code of the place at that point."""
    found = locate_place(country, state, name)
    assert found is not None
    return (found.level, found.name, *at(found))


def at(found: Located) -> tuple[str, str]:
    """The state and the country code of the place at a point."""
    places = gazetteer().places.filter(lat=found.lat, lon=found.lon)
    (row,) = places.select(pl.col("state").fill_null(""), "code").rows()
    return row


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("France", "Île-de-France", "Paris"), ("city", "Paris", "Île-de-France", "fr")),
        (("france", "ile de france", "PARIS"), ("city", "Paris", "Île-de-France", "fr")),
        (("US", "Texas", "Paris"), ("city", "Paris", "Texas", "us")),
        ((None, None, "Paris"), ("city", "Paris", "Île-de-France", "fr")),
        ((None, "Texas", "Paris"), ("city", "Paris", "Texas", "us")),
        (("USA", "CA", "San Francisco"), ("city", "San Francisco", "California", "us")),
        (("United States", "Calif.", "St. Helena"), ("city", "Saint Helena", "California", "us")),
        ((None, "WA", "Perth"), ("city", "Perth", "Western Australia", "au")),
        (("US", None, "Washington, D.C."), ("city", "Washington", "District of Columbia", "us")),
        (("US", "New York", "City of New York"), ("city", "New York City", "New York", "us")),
        (("Germany", None, "Frankfurt"), ("city", "Frankfurt am Main", "Hesse", "de")),
        (("Germany", None, "Frankfurt (Oder)"), ("city", "Frankfurt (Oder)", "Brandenburg", "de")),
        (("Germany", None, "Cologne"), ("city", "Köln", "North Rhine-Westphalia", "de")),
        (("Germany", None, "Duesseldorf"), ("city", "Düsseldorf", "North Rhine-Westphalia", "de")),
        (("Spain", None, "San Sebastián"), ("city", "Donostia / San Sebastián", "Basque Country", "es")),
        (("Vietnam", None, "Hải Phòng"), ("city", "Haiphong", "Haiphong", "vn")),
        (("Ukraine", None, "Kyiv / Kiev (capital)"), ("city", "Kyiv", "Kyiv City", "ua")),
        (("Russia", "Moscow Oblast", "Moscow"), ("city", "Moscow", "Moscow", "ru")),
        (("France", None, "Saint-Denis"), ("city", "Saint-Denis", "Île-de-France", "fr")),
        (("Réunion", None, "Saint-Denis"), ("city", "Saint-Denis", "Réunion", "re")),
        (("China", None, "Hong Kong"), ("city", "Hong Kong", "", "hk")),
        (("United States", "Puerto Rico", "San Juan"), ("city", "San Juan", "San Juan", "pr")),
        (("Scotland", "Highland", "Inverness"), ("city", "Inverness", "Scotland", "gb")),
        (("United Kingdom", "England", "Cornwall"), ("county", "Cornwall", "England", "gb")),
        (("United Kingdom", "Kent", None), ("county", "Kent", "England", "gb")),
        (("Germany", "Bayern", None), ("state", "Bavaria", "Bavaria", "de")),
        (("Germany", "Bavaria", "No Such Town"), ("state", "Bavaria", "Bavaria", "de")),
        (("United States", "Washington", "Springfield"), ("state", "Washington", "Washington", "us")),
        (("Australia", "No Such State", "No Such Town"), ("country", "Australia", "New South Wales", "au")),
        (("  Japan ", "", " "), ("country", "Japan", "Tokyo", "jp")),
    ],
)
def test_names_are_understood(names: tuple[str | None, ...], expected: tuple[str, ...]) -> None:
    assert city(*names) == expected


@pytest.mark.parametrize(
    ("code", "spellings"),
    [
        ("us", "USA;U.S.A.;United States of America;the United States;America"),
        ("gb", "UK;U.K.;Great Britain;United Kingdom;GBR"),
        ("ae", "UAE;United Arab Emirates"),
        ("kr", "South Korea;Korea;Republic of Korea;KOR;Korea, Republic of"),
        ("kp", "North Korea;DPRK"),
        ("cz", "Czechia;Czech Republic;Česko"),
        ("tr", "Türkiye;Turkey;Turkiye"),
        ("ci", "Ivory Coast;Côte d'Ivoire;Cote d’Ivoire"),
        ("nl", "Netherlands;The Netherlands;Holland"),
        ("cd", "Democratic Republic of the Congo;DR Congo;DRC;Congo, The Democratic Republic of the"),
        ("cg", "Congo;Republic of the Congo;Congo-Brazzaville"),
        ("cn", "China;PRC;People's Republic of China"),
        ("tw", "Taiwan;Republic of China"),
        ("mk", "Macedonia;North Macedonia;Republic of North Macedonia"),
        ("mm", "Myanmar (Burma);Burma"),
        ("va", "Vatican City;Holy See (Vatican City State);Vatican"),
        ("na", "Namibia;NA;NAM"),
        ("ph", "Phillipines;Philippines"),
        ("de", "Deutschland;Federal Republic of Germany;de;DEU"),
        ("st", "São Tomé & Príncipe;Sao Tome and Principe"),
        ("kn", "St. Kitts and Nevis;Saint Kitts and Nevis"),
    ],
)
def test_a_country_has_many_names(code: str, spellings: str) -> None:
    for spelling in spellings.split(";"):
        found = locate_place(spelling)
        assert found and found.level == "country" and at(found)[1] == code, spelling


def test_every_country_is_found_by_its_names_and_codes() -> None:
    there = set(gazetteer().places["code"])
    codes = country_codes().select("code", "name", "gazetteer_name").rows()
    for code, *names in codes:
        for name in (code, code.upper(), *names):
            found = locate_place(name)
            assert (found is not None) == (code in there), name
            assert not found or at(found)[1] == code, name
    assert {code for code, *_ in codes} - there == EMPTY


def test_every_other_name_means_what_the_table_says() -> None:
    for level, code, name, others in other_names().rows():
        for other in (name, *others.split("; ")):
            names = {"country": (other,), "state": (code, other), "city": (code, None, other)}[level]
            found = locate_place(*names)
            assert (found is None) == (code in EMPTY), (code, name, other)
            assert found is None or (found.level, found.name) == (level, name), (code, name, other)


def test_unknown_countries_and_lands_without_places_are_nowhere() -> None:
    assert locate_place("Atlantis", None, "Paris") is None
    assert locate_place("Antarctica") is None
    assert locate_place(None) is None and locate_place("", " ", "\n") is None
    assert locate_place(None, None, "Nosuchtown") is None


def test_an_area_is_at_its_most_populous_place() -> None:
    for names, expected in (
        (("Canada",), "Toronto"),
        (("US", "Texas"), "Houston"),
        (("Australia",), "Sydney"),
    ):
        found, place = locate_place(*names), locate_place(names[0], None, expected)
        assert found and place and (found.lat, found.lon) == (place.lat, place.lon)


def test_a_city_that_the_state_lacks_is_the_nearest_of_that_name_or_the_state() -> None:
    near = locate_place("Ukraine", "Kyiv Oblast", "Kyiv")
    far = locate_place("France", "Normandy", "Lyon")
    assert near and near.level == "city"
    assert far and (far.level, far.name) == ("state", "Normandy")


def test_the_places_of_the_gazetteer_are_found_by_their_names() -> None:
    """Of every thirtieth place, and every one above 100,000 people, by city, state and country."""
    places = gazetteer().places
    large = places.filter(pl.col("population") > 100_000)
    for some, share, within_25_km in ((large, 0.998, 0.999), (places.gather_every(30), 0.98, 0.985)):
        found = [locate_place(*row) for row in some.select("gazetteer_name", "state", "city").rows()]
        here = pl.DataFrame(
            [(each.lat, each.lon) for each in found if each], orient="row", schema=["lat", "lon"]
        )
        assert here.height == some.height
        km = haversine_km(some["lat"], some["lon"], here["lat"], here["lon"])
        assert (km < 1e-4).mean() >= share
        assert (km <= 25.0).mean() >= within_25_km


def test_the_names_of_positions_lead_back_to_them() -> None:
    lat, lon = [48.85, 35.68, -33.87, 40.74, 64.15], [2.35, 139.69, 151.2, -74.03, -21.94]
    found = [locate_place(*row) for row in geocode(lat, lon).select("country", "state", "city").rows()]
    back = [(each.lat, each.lon) for each in found if each]
    assert haversine_km(lat, lon, *zip(*back, strict=True)).max() < 10


@given(NAMES, NAMES, NAMES, NAMES)
def test_no_name_is_an_error(
    country: str | None, state: str | None, name: str | None, county: str | None
) -> None:
    found = locate_place(country, state, name, county)
    assert found is None or (abs(found.lat) <= 90 and -180 <= found.lon < 180)
    assert found == locate_place(country, state, name, county)


@given(st.text(max_size=100))
def test_forms_follow_from_each_other_line_by_line(name: str) -> None:
    line = " ".join(name.split())
    for form in (plain, lambda text: bare(plain(text)), lambda text: squeezed(bare(plain(text)))):
        assert form(f"Paris\n{line}\nRio") == "\n".join([form("Paris"), form(line), form("Rio")])
    assert plain(plain(line)) == plain(line) or "the" in plain(line) or "st" in line.casefold()


def test_the_finest_spelling_decides_and_then_the_number() -> None:
    names = Names([3, 1, 2, 0], ["Nizhny", "Nizhniy", "City of Nizhny", "SS"])
    assert names.find("NIZHNY") == [(0, 3), (1, 2), (2, 1)]
    assert names.find("S") == []  # squeezed, all letters are alike


def test_readings_are_few_and_begin_with_the_whole() -> None:
    assert readings("Kyiv / Kiev (capital)") == [
        "Kyiv / Kiev (capital)",
        "Kyiv / Kiev",
        "Kyiv",
        "Kiev",
        "capital",
    ]
    assert readings(" (!) ") == []
    assert len(readings("a," * 10_000)) <= 5


def test_lookups_are_fast_and_hostile_ones_too() -> None:
    locate_place("France")  # builds the index
    rows = gazetteer().places.sample(10_000, seed=1).select("gazetteer_name", "state", "city").rows()
    start = perf_counter()
    for row in rows:
        locate_place(*row)
    assert perf_counter() - start < 3  # a third of a second on an idle machine
    start = perf_counter()
    for hostile in (
        "(" * 100_000,
        "a" * 100_000,
        "the " * 25_000,
        "city of " * 12_000,
        " /" * 50_000,
        "st." * 33_000,
    ):
        locate_place(hostile, hostile, hostile, hostile)
    assert perf_counter() - start < 1


@pytest.mark.benchmark
def test_how_long_the_index_takes() -> None:
    gazetteer()
    start = perf_counter()
    name_index.__wrapped__()
    print(f"\nnames of {gazetteer().places.height:,} places indexed in {perf_counter() - start:.2f} s")
