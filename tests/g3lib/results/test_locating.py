"""What is said of somebody's own photos, and its three forms: for programs, at a terminal, on a page."""

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from g3lib.experiments import experiment
from g3lib.geo import geodesic_km
from g3lib.images.exif import NoPosition, Position
from g3lib.images.fates import Fate, Rejected
from g3lib.images.given import Given, Seen
from g3lib.results.locating import (
    Answer,
    Candidate,
    Located,
    Locations,
    Own,
    Place,
    Refusal,
    Sureness,
    answers,
    as_json,
    sureness,
)
from g3lib.results.locating.drawing import LEAST_KM, REGION_SIZE, SHADES, WORLD_SIZE, region, world
from g3lib.results.locating.page import page
from g3lib.results.locating.terminal import blocks, percent
from g3lib.results.metrics import THRESHOLDS_KM

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "locating.schema.json").read_text(encoding="utf-8"))
PARIS, LONDON, SEA = (48.8584, 2.2945), (51.5007, -0.1246), (-40.0, -150.0)
HOSTILE = "<script>alert(1)</script> [red]&.jpg"


def candidates() -> pl.DataFrame:
    """Of photo `a`: the answer in Paris, London, one at sea, a failure; of photo `b`: failures only."""
    rows = [
        ("a", "retrieval", 0, *LONDON, 0.4, False, None),
        ("a", "prompt-0", 0, None, None, None, False, "refusal"),
        ("a", "prompt-5", 0, *PARIS, 0.6, True, None),
        ("a", "prompt-5", 1, *SEA, -0.2, False, None),
        ("b", "prompt-0", 0, None, None, None, False, "refusal"),
        ("b", "prompt-0", 1, None, None, None, False, "no answer"),
        ("b", "prompt-0", 2, None, None, None, False, "refusal"),
    ]
    names = ("photo_id", "source", "rank", "lat", "lon", "score", "chosen", "failure")
    numbers = {"lat": pl.Float64, "lon": pl.Float64, "score": pl.Float64, "failure": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row").cast(numbers)  # type: ignore[arg-type]


def seen(name: str, digest: str, position: Position | NoPosition | None = None) -> Seen:
    nothing = NoPosition(Fate.NO_EXIF, "it has no EXIF")
    return Seen(Given(Path(name)), digest, 0, 1, position or nothing)


def sure(photos: int = 200) -> Sureness:
    """A score of x is right within any threshold in x of all cases, give or take."""
    scores = np.linspace(-1, 1, photos)
    errors = np.where(np.random.default_rng(0).uniform(-1, 1, photos) < scores, 0.5, 9000.0)
    judged = pl.DataFrame({"benchmark": "toy", "score": scores, "error_km": errors})
    return sureness(judged, "g3")


def locations(*photos: Located, **changed: Any) -> Locations:
    about: dict[str, Any] = {
        "profile": "demo",
        "experiment": experiment("g3"),
        "lmm": "stand-in",
        "warnings": ("It knows satellite tiles only.",),
        "sureness": sure(),
        "bill": {"requests": 3.0, "answers_received": 12.0, "usd_spent": 0.0125},
    }
    return Locations(photos=photos, **(about | changed))


@pytest.fixture(scope="module")
def told() -> tuple[Located, ...]:
    """Located with an own position; the same picture under another name; no candidate; not readable."""
    eiffel = Position(48.8, 2.3, "exif")
    return answers(
        [HOSTILE, "none.heic", "copy.png", "broken.jpg"],
        [seen(HOSTILE, "a", eiffel), seen("none.heic", "b"), seen("copy.png", "a")],
        [Rejected("broken.jpg", Fate.DOES_NOT_DECODE, "truncated")],
        candidates(),
        sure(),
        50.0,
    )


# --- what is said


def test_the_answer_is_the_chosen_one_with_its_place_and_chances(told: tuple[Located, ...]) -> None:
    answer = told[0].answer
    assert answer is not None
    assert (answer.lat, answer.lon, answer.source, answer.score) == (*PARIS, "prompt-5", 0.6)
    assert (answer.place.city, answer.place.country) == ("Paris", "France")
    assert answer.within == pytest.approx(sure().within([0.6])[0])
    assert answer.within is not None and 0.5 < answer.within[0] <= answer.within[4] <= 1


def test_candidates_stand_best_first_with_their_distance_to_the_answer(told: tuple[Located, ...]) -> None:
    found = told[0].candidates
    assert [each.score for each in found] == [0.6, 0.4, -0.2, None]
    assert [each.chosen for each in found] == [True, False, False, False]
    distances = [0.0, float(geodesic_km(*PARIS, *LONDON)), float(geodesic_km(*PARIS, *SEA)), None]
    assert [each.km for each in found] == pytest.approx(distances)
    assert found[1].place is not None and found[1].place.country == "United Kingdom"
    assert found[2].place == Place(None, None, None, None) and "sea" in found[2].place.short
    assert found[3].failure == "refusal" and found[3].place is None


def test_a_name_is_said_once() -> None:
    tokyo, monaco = Place("Tokyo", "Tokyo", "Japan", "Asia"), Place("Monaco", None, "Monaco", "Europe")
    assert (str(tokyo), tokyo.short) == ("Tokyo, Japan", "Tokyo, Japan")
    assert (str(monaco), monaco.short) == ("Monaco", "Monaco")


def test_the_chosen_one_is_first_whatever_its_score() -> None:
    table = candidates().with_columns(chosen=(pl.col("source") == "retrieval"))
    (photo,) = answers(["x"], [seen("x", "a")], [], table, sure(), 50.0)
    assert photo.candidates[0].chosen and photo.candidates[0].score == 0.4


def test_what_the_file_says_is_no_part_of_the_answer_but_beside_it(told: tuple[Located, ...]) -> None:
    own = told[0].own
    assert own is not None and (own.lat, own.lon, own.told_by) == (48.8, 2.3, "EXIF")
    assert own.error_km == pytest.approx(float(geodesic_km(*PARIS, 48.8, 2.3)))
    assert told[2].own is None and told[2].no_own == "it has no EXIF"
    assert told[2].answer == told[0].answer, "the same picture"


def test_a_photo_without_an_answer_says_why(told: tuple[Located, ...]) -> None:
    assert told[1].refusal == Refusal(
        "no_candidate", "none of 3 candidates has a position: 2 x refusal, 1 x no answer"
    )
    assert told[1].answer is None and len(told[1].candidates) == 3
    assert told[3] == Located("broken.jpg", None, Refusal("does_not_decode", "truncated"))


def test_no_photo_at_all() -> None:
    found = answers(["x"], [], [Rejected("x", Fate.EMPTY, "no bytes")], candidates().clear(), sure(), 50.0)
    assert found == (Located("x", None, Refusal("empty", "no bytes")),)


# --- how sure


def judged(scores: list[float | None], errors: list[float | None]) -> pl.DataFrame:
    schema = {"score": pl.Float64, "error_km": pl.Float64}
    return pl.DataFrame({"score": scores, "error_km": errors}, schema=schema).with_columns(
        benchmark=pl.lit("toy")
    )


def test_chances_are_how_often_the_like_was_right() -> None:
    found = sureness(judged([0.1] * 40 + [0.9] * 10, [0.5] * 10 + [900.0] * 30 + [0.5] * 9 + [None]), "g3")
    assert (found.benchmarks, found.photos, found.reason) == (("toy",), 50, "")
    low, none, high = found.within([0.1, None, 0.9])
    # within 2500 km the lower score did better, which is taken for chance: both have the mean
    assert low == pytest.approx((0.25, 0.25, 0.25, 0.25, 0.98)) and none is None
    assert high == pytest.approx((0.9, 0.9, 0.9, 0.9, 0.98))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_chances_rise_with_the_threshold_and_with_the_score(scores: list[float]) -> None:
    found = np.array(sure().within(sorted(scores)))  # type: ignore[arg-type]
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found, axis=1) >= 0) and np.all(np.diff(found, axis=0) >= -1e-12)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (judged([], []), "not been tried"),
        (judged([None] * 40, [1.0] * 40), "no score"),
        (judged([0.5] * 19, [1.0] * 19), "19 photos only; 20"),
    ],
)
def test_where_chances_are_not_known_the_reason_is(table: pl.DataFrame, words: str) -> None:
    found = sureness(table, "g3")
    assert words in found.reason and "g3" in found.reason
    assert found.within([0.3, None]) == [None, None]


# --- for programs


def test_the_document_is_as_described(told: tuple[Located, ...]) -> None:
    document = json.loads(as_json(locations(*told)))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    assert [each["located"] for each in document["photos"]] == [True, False, True, False]
    assert document["photos"][0]["photo"] == HOSTILE
    assert document["asked"] == {"requests": 3, "answers": 12, "usd": 0.0125}
    assert list(document["photos"][0]["answer"]["probability_within_km"]) == [str(km) for km in THRESHOLDS_KM]


def test_the_example_of_the_documentation_is_as_described() -> None:
    (example,) = re.findall(
        r"```json\n(.*?)```", (DOCS / "locating.md").read_text(encoding="utf-8"), re.DOTALL
    )
    jsonschema.validate(json.loads(example), SCHEMA)


def test_the_document_where_nothing_is_known() -> None:
    bare = Answer(*SEA, Place(None, None, None, None), "retrieval", float("nan"), None)
    found = locations(
        Located("x", bare, None),
        experiment=experiment("nn-clip"),
        lmm=None,
        sureness=Sureness(reason="no score"),
        bill={},
        warnings=(),
    )
    document = json.loads(as_json(found))
    jsonschema.validate(document, SCHEMA)
    assert document["photos"][0]["answer"]["score"] is None
    assert document["asked"]["usd"] == 0 and document["sureness"]["reason"] == "no score"
    unpriced = json.loads(as_json(locations(bill={"requests": 1.0, "answers_received": 1.0})))
    assert unpriced["asked"]["usd"] is None


# --- at a terminal


def printed(found: Locations, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    for block in blocks(found):
        console.print(block)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_says_it_all_in_80_columns(told: tuple[Located, ...]) -> None:
    text = printed(locations(*told))
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        HOSTILE,
        "48.85840, 2.29450  Paris",
        "within 1 km",
        "its EXIF says 48.80000, 2.30000",
        "6.5 km off",
        "not located: none of 3 candidates",
        "not located: truncated (does_not_decode)",
        "It knows satellite tiles only.",
        "200 photos of toy",
        "2 of 4 photos located by g3; stand-in was asked 3 times for 0.0125 USD.",
    ):
        assert words in re.sub(r"\s*\n\s*", " ", text) or words in text, (words, text)


def test_equal_candidates_take_one_line(told: tuple[Located, ...]) -> None:
    twice = Located("x", told[0].answer, None, told[0].candidates[:1] * 3 + told[0].candidates[1:])
    lines = [line for line in printed(locations(twice)).splitlines() if "prompt-5" in line]
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("chance", "text"),
    [(0.0, "0 %"), (0.004, "< 1 %"), (0.25, "25 %"), (0.997, "> 99 %"), (1.0, "100 %")],
)
def test_no_chance_is_rounded_to_certainty(chance: float, text: str) -> None:
    assert percent(chance) == text


def test_a_bill_of_nothing() -> None:
    assert "stand-in was asked nothing new" in printed(locations(bill={}))
    assert "asked" not in printed(locations(lmm=None, bill={}))
    unpriced = printed(locations(bill={"requests": 1.0}))
    assert "asked 1 time at an unknown price" in unpriced


# --- on a page


def photo_of(*positions: tuple[float, float, float], own: tuple[float, float] | None = None) -> Located:
    """Candidates (lat, lon, score), the first of them chosen."""
    place = Place(None, None, None, None)
    first = positions[0]
    found = tuple(
        Candidate(
            "prompt-0", n, lat, lon, score, place, n == 0, float(geodesic_km(*first[:2], lat, lon)), None
        )
        for n, (lat, lon, score) in enumerate(positions)
    )
    truth = None if own is None else Own(*own, "exif", place, 1.0)
    return Located("x", Answer(*first[:2], place, "prompt-0", first[2], None), None, found, truth)


def test_the_region_holds_the_near_and_leaves_out_the_far() -> None:
    drawn = region(photo_of((*PARIS, 0.9), (*LONDON, 0.5), (*SEA, 0.1), own=(48.0, 4.0)))
    assert drawn is not None and len(drawn.marks) == 2
    chosen = drawn.marks[-1]
    assert chosen.chosen and (chosen.x, chosen.y) == (REGION_SIZE[0] / 2, REGION_SIZE[1] / 2)
    assert chosen.shade == SHADES - 1
    london = drawn.marks[0]
    assert london.x < chosen.x and london.y < chosen.y, "north-west of Paris"
    pixels = math.hypot(london.x - chosen.x, london.y - chosen.y)
    kilometres = float(geodesic_km(*PARIS, *LONDON))
    assert pixels / kilometres == pytest.approx(drawn.scale_pixels / drawn.scale_km, rel=0.05)
    assert drawn.own is not None and drawn.own[0] > chosen.x
    assert drawn.land.startswith("M") and drawn.borders.startswith("M")


@settings(max_examples=25)
@given(
    st.tuples(st.floats(-90, 90), st.floats(-180, 179.99)),
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 179.99), st.floats(-1, 1)), max_size=4),
)
def test_wherever_on_earth_everything_lies_within_the_drawings(
    first: tuple[float, float], others: list[tuple[float, float, float]]
) -> None:
    photo = photo_of((*first, 0.5), *others, own=first)
    for drawn, size in ((region(photo), REGION_SIZE), (world(photo), WORLD_SIZE)):
        assert drawn is not None and sum(mark.chosen for mark in drawn.marks) == 1
        for mark in drawn.marks:
            assert 0 <= mark.x <= size[0] and 0 <= mark.y <= size[1] and 0 <= mark.shade < SHADES
        assert "nan" not in drawn.land + drawn.borders
    least = REGION_SIZE[1] / 2 / LEAST_KM
    drawn = region(photo)
    assert drawn is not None and 0 < drawn.scale_pixels / drawn.scale_km <= least * 1.001


def test_either_side_of_the_antimeridian_is_one_region() -> None:
    drawn = region(photo_of((-17.0, 179.9, 0.5), (-17.0, -179.9, 0.4)))
    assert drawn is not None and len(drawn.marks) == 2
    assert 0 < drawn.marks[0].x - drawn.marks[1].x < 60


def test_a_photo_that_is_not_located_has_no_region() -> None:
    assert region(Located("x", None, Refusal("empty", "no bytes"))) is None


def a_photo() -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a secret garden"
    Image.new("RGB", (800, 600), "green").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_the_page_needs_nothing_from_elsewhere_and_says_the_same(told: tuple[Located, ...]) -> None:
    html = page(locations(*told), lambda _: a_photo())
    assert "<script" not in html and "&lt;script&gt;" in html
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", html)
    assert links and all(each.startswith(("#", "data:image/")) for each in links)
    assert "default-src 'none'" in html
    for words in (
        "48.85840, 2.29450",
        "Paris",
        "does_not_decode",
        "It knows satellite tiles only.",
        "200 photos",
    ):
        assert words in html
    assert html.count('class="map region"') == 2 and html.count("<img ") == 3
    assert "secret" not in html
    assert len(html) < 200_000


def test_the_page_of_many_draws_the_world_once(told: tuple[Located, ...]) -> None:
    one, many = (page(locations(*told[:1] * n), lambda _: a_photo()) for n in (1, 11))
    assert (len(many) - len(one)) / 10 < 0.6 * len(one)
