"""Reading answers that name places: forms that models use, and text that means harm."""

import json
from time import perf_counter

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from g3lib.candidates.parsing import Failure, Position
from g3lib.candidates.place_answers import parse_place
from g3lib.places import locate_place
from g3lib.places.gazetteer import gazetteer
from g3lib.places.spelling import plain

LARGE = (
    gazetteer()
    .places.filter(pl.col("population") > 100_000)
    .select("city", "state", "gazetteer_name", "lat", "lon", "population")
    .rows()
)
SHADOWED = 8  # of LARGE: more people live in another place of the same name and state

# country, state, city as `locate_place` takes them
PARIS, ROME, TOKYO = ("France", None, "Paris"), ("Italy", None, "Rome"), ("Japan",)
CHICAGO, NEW_YORK = ("US", "Illinois", "Chicago"), ("US", "New York", "New York City")
BRUGES, PRAGUE = ("Belgium", None, "Bruges"), ("Czechia", None, "Prague")

FIELDS = [
    ('{"city": "Paris", "state": "Île-de-France", "country": "France"}', PARIS),
    ('{"city": "Paris", "state": "", "country": "FR"}', PARIS),
    ('```json\n{"City": "Paris", "COUNTRY": "France"}\n```', PARIS),
    ("Sure! {'city': 'Paris', 'country': 'France'} Hope it helps", PARIS),
    ('{"location": {"city": "Paris", "country": "France"}, "confidence": 0.9}', PARIS),
    ('{"location": {"city": "Paris"}, "country": "France"}', PARIS),
    ('{"candidates": [{"city": "Paris", "country": "France"}, {"city": "Rome"}]}', PARIS),
    ('{"location": "Paris, France"}', PARIS),
    ('{"city": "Paris, France"}', PARIS),
    ('{"cityName": "Paris", "country_code": "FR"}', PARIS),
    ('{"town": "Paris", "country": "Frankreich"}', PARIS),
    ('{"municipality": "Bruges", "state/province": "Flanders", "country": "Belgium"}', BRUGES),
    ('{"village": "Zermatt", "region": "Valais", "nation": "Switzerland"}', ("Switzerland", None, "Zermatt")),
    ('{"city": "Springfield", "state": "IL", "country": "USA"}', ("US", "Illinois", "Springfield")),
    ('{"city": "", "county": "Kent", "state": "England", "country": "UK"}', ("UK", "Kent")),
    ('{"city": "Unknown", "state": "Bavaria", "country": "Germany"}', ("Germany", "Bavaria")),
    ('{"city": null, "state": null, "country": "Japan"}', TOKYO),
    ('{"city": "N/A", "state": "not sure", "country": "Japan"}', TOKYO),
    ('{"city": "Nosuchtown", "state": "Bavaria", "country": "Germany"}', ("Germany", "Bavaria")),
    ('{"city": "Rome", "country": "Italy"', ROME),
    ("City: Rome\nCountry: Italy", ROME),
    ("**City:** Rome\n**State/Region:** Lazio\n**Country:** Italy", ROME),
    ("- City = Rome, Country = Italy.", ROME),
    ("Location: Rome, Italy", ROME),
    ('<think>Paris, France?</think>{"city": "Rome", "country": "Italy"}', ROME),
]
PROSE = [
    ("Paris, France", PARIS),
    ("paris, france", PARIS),
    ("Paris", PARIS),
    ("The photo was taken in Paris, France.", PARIS),
    ("This appears to be the Eiffel Tower in Paris.", PARIS),
    ("The Eiffel Tower, Paris, France", PARIS),
    ("Eiffel Tower, Paris", PARIS),
    ("I'm not sure, but it may be Rome, Italy, because of the Colosseum.", ROME),
    ("My best guess: Central Rome!", ROME),
    ("It is in Italy, probably in Rome.", ROME),
    ("My best guess is Prague in the Czech Republic.", PRAGUE),
    ("Downtown, Chicago, USA", CHICAGO),
    ("Downtown Chicago, Illinois", CHICAGO),
    ("Statue of Liberty, New York, USA", NEW_YORK),
    ("The image shows Times Square in New York City.", NEW_YORK),
    ("Rio de Janeiro, Brazil", ("Brazil", None, "Rio de Janeiro")),
    ("Abidjan, Côte d'Ivoire", ("Ivory Coast", None, "Abidjan")),
    ("St. Petersburg, Russia", ("Russia", None, "Saint Petersburg")),
    ("Washington, D.C.", ("US", None, "Washington")),
    ("Kansas City, USA", ("US", "Missouri", "Kansas City")),
    ("California, USA", ("US", "California")),
    ("San Francisco, CA", ("US", "California", "San Francisco")),
    ("Salem, IN", ("US", "Indiana", "Salem")),
    ("Munich, DE", ("Germany", None, "Munich")),
    ("Perth, WA", ("Australia", None, "Perth")),
    ("Paris, Texas", ("US", "Texas", "Paris")),
    ("Atlanta, Georgia", ("US", "Georgia", "Atlanta")),
    ("Tbilisi, Georgia", ("ge", None, "Tbilisi")),
    ("Edinburgh, Scotland", ("UK", None, "Edinburgh")),
    ("Granada", ("Spain", None, "Granada")),
    ("in Bavaria", ("Germany", "Bavaria")),
    ("Probably Japan.", TOKYO),
    ("Somewhere in Japan", TOKYO),
]


@pytest.mark.parametrize(("text", "names"), FIELDS + PROSE)
def test_reads(text: str, names: tuple[str | None, ...]) -> None:
    expected = locate_place(*names)
    assert expected is not None
    assert parse_place(text) == Position(expected.lat, expected.lon)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("48.8566, 2.3522", (48.8566, 2.3522)),
        ('{"latitude": 48.85, "longitude": 2.35}', (48.85, 2.35)),
        ("Latitude: 48.85, Longitude: 2.35", (48.85, 2.35)),
        ('{"city": "Nosuchtown"} or so: 48.85, 2.35', (48.85, 2.35)),
    ],
)
def test_coordinates_are_read_where_no_place_is_found(text: str, position: tuple[float, float]) -> None:
    assert parse_place(text) == Position(*position)


def test_a_place_goes_before_coordinates() -> None:
    read = parse_place('{"city": "Rome", "country": "Italy"} at 48.85, 2.35')
    assert isinstance(read, Position) and read.lat < 42


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("I'm sorry, I can't help with locating photos.", "refusal"),
        ("I\u2019m sorry, but I can\u2019t determine the exact location of this Image.", "refusal"),
        ('{"city": "Nosuchtown", "state": "", "country": "Nosuchland"}', "unknown place"),
        ('{"city": "", "state": "", "country": ""}', "unknown place"),
        ('{"city": string, "state": string, "country": string}', "unknown place"),
        ("none", "unknown place"),
        ("I see a street.", "unknown place"),
        ("Antarctica", "unknown place"),
        ('{"latitude": 95, "longitude": 200}', "out of range"),
    ],
)
def test_failures_are_named(text: str, reason: str) -> None:
    assert parse_place(text) == Failure(reason)


def test_large_cities_are_found_by_name_but_for_those_in_the_shadow_of_a_larger_one() -> None:
    shadowed = []
    for city, state, country, lat, lon, population in LARGE:
        read = parse_place(json.dumps({"city": city, "state": state, "country": country}))
        assert isinstance(read, Position)
        if abs(read.lat - lat) > 1e-6 or abs(read.lon - lon) > 1e-6:
            shadowed.append((city, state, population, read))
    larger = gazetteer().places
    for city, state, population, read in shadowed:
        (other,) = larger.filter(lat=read.lat, lon=read.lon).select("city", "state", "population").rows()
        assert (plain(other[0]), other[1]) == (plain(city), state) and other[2] >= population
    assert len(LARGE) > 5000 and len(shadowed) == SHADOWED


@given(
    st.sampled_from(LARGE),
    st.sampled_from(["{}", "```json\n{}\n```", "It is {}.", '{{"location": {}}}']),
    st.data(),
)
def test_spelling_and_dress_do_not_matter(
    row: tuple[str, str | None, str, float, float, int], dress: str, data: st.DataObject
) -> None:
    shout = data.draw(st.sampled_from([str, str.upper, str.lower]))
    city, state, country = ("" if name is None else name for name in row[:3])
    bare = parse_place(json.dumps({"city": city, "state": state, "country": country}))
    fields = {"City": shout(city), "STATE": shout(state), "country ": shout(country)}
    spelled = json.dumps(fields, ensure_ascii=data.draw(st.booleans()))
    assert parse_place(dress.format(spelled)) == bare


@given(st.text(max_size=400))
@example("City: ")
@example(",")
@example("A, , B")
@example('{"city": {"city": []}}')
def test_never_raises_and_stays_on_earth(text: str) -> None:
    read = parse_place(text)
    if isinstance(read, Position):
        assert abs(read.lat) <= 90 and -180 <= read.lon < 180


HARM = [
    *(
        "{",
        "[",
        '"',
        "(",
        "a",
        "A",
        "A.",
        "\0",
        "\n",
        "Aa Bb ",
        "Aa de ",
        "in Paris ",
        "A, ",
        "City: ",
        ":",
        "-'",
    ),
    *(
        '{"city":',
        '{"city":"Qq"}',
        '{"city":"Qq"}\n',
        "City: Xx, ",
        "Qq Ww Ee Rr, Aa Ss Dd Ff, Zz Xx, Germany.\n",
    ),
    *(
        "in Aa Bb Cc Dd.\n",
        "Qq Ww Ee Rr, Ss Dd Ff Gg, IN.\n",
        "(Aa/Bb, ",
        "Likely ",
        "d'A",
        "Santa Cruz, IN\n",
    ),
]


@pytest.mark.parametrize("harm", HARM)
def test_hostile_text_is_read_in_linear_time(harm: str) -> None:
    parse_place("Paris")  # builds the index
    start = perf_counter()
    read = parse_place(harm * (100_000 // len(harm)))
    assert perf_counter() - start < 1
    assert isinstance(read, Position | Failure)
