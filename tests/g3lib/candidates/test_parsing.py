"""Reading answers: forms that models use, and text that means harm."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from g3lib.candidates.parsing import Failure, Position, parse_position

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180, exclude_max=True)

READABLE = [
    ('{"latitude": 48.85, "longitude": 2.35}', (48.85, 2.35)),
    ('{"latitude": 48, "longitude": 2}', (48, 2)),
    ('{"lat": 48.85, "lng": 2.35}', (48.85, 2.35)),
    ('{"Lon": "2.35", "LAT": "48.85"}', (48.85, 2.35)),
    ('{"latitude": "12.5° S", "longitude": "45° W"}', (-12.5, -45)),
    ('Sure! ```json\n{"latitude": -33.8, "longitude": 151.2}\n``` Hope it helps', (-33.8, 151.2)),
    ('{"location": {"latitude": 48.85, "longitude": 2.35}, "confidence": 0.9}', (48.85, 2.35)),
    ('{"note": "{", "latitude": 48.85, "longitude": 2.35}', (48.85, 2.35)),
    ("{'latitude': 48.85, 'longitude': 2.35}", (48.85, 2.35)),
    ('{"latitude": 48.85, "longitude": 2.35', (48.85, 2.35)),
    ('{"longitude": 2.35, "latitude": 48.85', (48.85, 2.35)),
    ('{"latitude": null, "longitude": null} maybe 48.85, 2.35', (48.85, 2.35)),
    ('{"latitude": 4.885e1, "longitude": -2.35E-1}', (48.85, -0.235)),
    ('{"latitude": \u221248.85, "longitude": \u22122.35}', (-48.85, -2.35)),
    ("(48.85, 2.35)", (48.85, 2.35)),
    ("[48.85,2.35]", (48.85, 2.35)),
    ("48, 2", (48, 2)),
    ("(48,2)", (48, 2)),
    ("(48,2) or (47,3)", (48, 2)),
    ("-33.86 151.2", (-33.86, 151.2)),
    (".5, -.25", (0.5, -0.25)),
    ("4.885e1, 2.35e0", (48.85, 2.35)),
    ("\u221233.86, 151.2", (-33.86, 151.2)),
    ("48,8566, 2,3522", (48.8566, 2.3522)),
    ("48,8566; 2,3522.", (48.8566, 2.3522)),
    ("12.5° S, 45.25° W", (-12.5, -45.25)),
    ("12.5 degrees south and 45 degrees west", (-12.5, -45)),
    ("45.25W 12.5S", (-12.5, -45.25)),
    ("S 12.5, W 45.25", (-12.5, -45.25)),
    ("N 48.85 E 2.35", (48.85, 2.35)),
    ("48°51'24\"N 2°21'03\"E", (48 + 51 / 60 + 24 / 3600, 2 + 21 / 60 + 3 / 3600)),
    ("33°30\u2032S, 70°30\u2032W", (-33.5, -70.5)),
    ("Longitude: 2.35; Latitude: 48.85", (48.85, 2.35)),
    ("The latitude and longitude are 48.85 and 2.35.", (48.85, 2.35)),
    ("I am 90% sure: 48, 2", (48, 2)),
    ("1. Paris: 48.85, 2.35 (20th arrondissement)", (48.85, 2.35)),
    ("48.85, 2.35, some 3.5 km from the centre", (48.85, 2.35)),
]


@pytest.mark.parametrize(("text", "expected"), READABLE)
def test_reads(text: str, expected: tuple[float, float]) -> None:
    position = parse_position(text)
    assert isinstance(position, Position), position
    assert (position.lat, position.lon) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("I'm sorry, I can't help with locating photos.", "refusal"),
        ("I can\u2019t tell.", "refusal"),
        ("Somewhere in France", "no coordinates"),
        ("None", "no coordinates"),
        ("48.85", "no coordinates"),
        ('{"latitude": null, "longitude": null}', "no coordinates"),
        ('{"latitude": true, "longitude": false}', "no coordinates"),
        ('{"latitude": NaN, "longitude": 2.35}', "not finite"),
        ('{"latitude": 48.85, "longitude": -Infinity}', "not finite"),
        ("1e999, 2.5", "not finite"),
        (f'{{"latitude": {"9" * 5000}, "longitude": 2}}', "no coordinates"),
        (f'{{"latitude": {"9" * 400}, "longitude": 2}}', "not finite"),
        ('{"latitude": 95.0, "longitude": 120.0}', "out of range"),
        ('{"latitude": 200.0, "longitude": 20.0}', "out of range"),
        ('{"latitude": 20.0, "longitude": 1000.0}', "out of range"),
    ],
)
def test_failures_are_named(text: str, reason: str) -> None:
    assert parse_position(text) == Failure(reason)


def test_swaps_only_what_that_alone_makes_valid() -> None:
    assert parse_position("151.2, -33.8") == Position(-33.8, 151.2)
    assert parse_position("33.8, 151.2") == Position(33.8, 151.2)
    assert parse_position("190.5, 20.5") == Failure("out of range")


@pytest.mark.parametrize(("given_lon", "lon"), [(180, -180), (200, -160), (-190, 170), (360, 0)])
def test_wraps_longitudes(given_lon: float, lon: float) -> None:
    assert parse_position(f'{{"latitude": 10, "longitude": {given_lon}}}') == Position(10.0, lon)


@given(LATITUDES, LONGITUDES)
@example(0.0, 0.0)
def test_json_round_trips(lat: float, lon: float) -> None:
    for pad in ("{}", "Here: {} - good luck, 7 of 9", "```json\n{}\n```"):
        answer = json.dumps({"latitude": lat, "longitude": lon})
        assert parse_position(pad.format(answer)) == Position(lat, lon)


@given(LATITUDES, LONGITUDES, st.sampled_from([", ", " ", "; ", " / "]))
def test_pairs_round_trip(lat: float, lon: float, between: str) -> None:
    expected = Position(float(f"{lat:.6f}"), max(-180.0, float(f"{lon:.6f}")))
    if expected.lon < 180:
        assert parse_position(f"{lat:.6f}{between}{lon:.6f}") == expected


@given(LATITUDES, st.floats(-179.9, 179.9))
def test_hemispheres_and_decimal_commas_round_trip(lat: float, lon: float) -> None:
    expected = pytest.approx((float(f"{lat:.4f}"), float(f"{lon:.4f}")))
    letters = f"{abs(lat):.4f}° {'S' if lat < 0 else 'N'}, {abs(lon):.4f}° {'W' if lon < 0 else 'E'}"
    commas = f"{lat:.4f}; {lon:.4f}".replace(".", ",")
    for text in (letters, commas):
        position = parse_position(text)
        assert isinstance(position, Position)
        assert (position.lat, position.lon) == expected


@given(st.text() | st.text("0123456789+-.,eE°'\"NSEW {}[]:latitudeon%", max_size=80))
@example('{"a":' * 900)
@example('{"a":' + "[" * 3000)
@example("1°.'.\"")
def test_never_raises_and_never_leaves_the_earth(text: str) -> None:
    found = parse_position(text)
    if isinstance(found, Position):
        assert abs(found.lat) <= 90
        assert -180 <= found.lon < 180
    else:
        assert found.reason in ("empty", "refusal", "no coordinates", "not finite", "out of range")


@pytest.mark.parametrize(
    "piece", [" ", "1", "1 ", "{", '{"a":', "1°", "N:", "1°1'", "lat", "1,1", "-", ".", "1e"]
)
def test_hostile_length_costs_nothing(piece: str) -> None:
    started = time.perf_counter()
    parse_position("7 " + piece * 1_000_000)
    assert time.perf_counter() - started < 1.0
