"""What the stand-in reads in a prompt, and the form in which it answers."""

import json
import time
from typing import Any

import pytest

from g3lib.candidates.stand_in.answering import answers
from g3lib.candidates.stand_in.forms import Form
from g3lib.candidates.stand_in.references import read_references

PARIS, SYDNEY, ROME = (48.85, 2.35), (-33.9, 151.2), (41.9, 12.5)
COORDINATES = 'Answer in JSON: {"latitude": float,"longitude": float}.'
PLACE = 'Answer in JSON: {"city": string, "state": string, "country": string}.'
NEAR_PARIS = f"similar images: [[48.85, 2.35]]. {PLACE}"


@pytest.mark.parametrize(
    "write",
    [
        "[[48.85, 2.35], [-33.9, 151.2]]",
        "[ [48.85,2.35] ,[-33.9,  151.2] ]",
        "['[48.85, 2.35]', '[-33.9, 151.2]']",
        '["[48.85, 2.35]", "[-33.9, 151.2]"]',
        '[[48.85, 2.35, "Paris, France"], [-33.9, 151.2, "Sydney ], [1, 2]"]]',
        "[[48.85, 2.35, 'L\\'Isle'], [-33.9, 151.2]]",
        """['[48.85, 2.35] Paris, France', "[-33.9, 151.2] L'Isle [of 'M'], GB"]""",
        "[[4885e-2, 2.35e0], [-33.9, 151.2]]",
    ],
)
def test_references_are_read_as_they_are_written(write: str) -> None:
    text = f"some similar images: {write}, and dissimilar images: [[41.9, 12.5]]. {COORDINATES}"
    assert read_references(text) == ([PARIS, SYDNEY], [ROME])
    text = f"some similar images: [], and these [three] of dissimilar images: {write}"
    assert read_references(text) == ([], [PARIS, SYDNEY])


@pytest.mark.parametrize(
    "text", ["[1, 2]", "[[1, 2, 3]]", "[[1]]", "[[a, b]]", "['1, 2']", "[[1, 2]", "[[1e999, 2]]", "[]"]
)
def test_other_brackets_are_prose(text: str) -> None:
    assert read_references(f"similar: {text}") == ([], [])


@pytest.mark.parametrize("text", ["[", "[[1,2],", "['[1,2]", '[[1,2,"a', "[ [1 ", '{"country":', '["[1,2]\\'])
def test_reading_stays_linear(text: str) -> None:
    started = time.perf_counter()
    read_references(text * 20_000)
    Form.of(None, text * 20_000)
    assert time.perf_counter() - started < 2


def schema(**properties: Any) -> dict[str, Any]:
    """A strict response_format."""
    whole = {"type": "object", "properties": properties, "required": list(properties)}
    given = {"name": "answer", "strict": True, "schema": whole | {"additionalProperties": False}}
    return {"type": "json_schema", "json_schema": given}


def strictly(text: str, response_format: dict[str, Any], n: int = 100) -> list[dict[str, Any]]:
    """Parsed answers, which must be bare JSON."""
    said = answers(text, "", 0, 1.0, n, Form.of(response_format, text))
    return [json.loads(each) for each in said]


def test_strict_answers_are_bare_and_have_the_schemas_properties() -> None:
    number = {"type": "number"}
    found = strictly(COORDINATES, schema(latitude=number, longitude=number))
    assert all(list(each) == ["latitude", "longitude"] for each in found)
    (odd,) = strictly(
        "similar: [[48.85, 2.35]]",
        schema(why={"type": "string"}, Lng={"type": ["number", "null"]}, lat={"type": "string"}, sure=number),
        n=1,
    )
    assert odd == {"why": "", "Lng": 2.35, "lat": "48.850000", "sure": 0}


def test_a_place_is_named_by_schema_or_by_the_prompts_example() -> None:
    string = {"type": "string"}
    paris = {"city": "Paris", "state": "Île-de-France", "country": "France"}
    (strict,) = strictly(NEAR_PARIS, schema(city=string, state=string, country=string), n=1)
    assert strict == paris
    both = schema(country=string, latitude={"type": "number"}, longitude={"type": "number"})
    assert strictly(NEAR_PARIS, both, n=1) == [{"country": "France", "latitude": 48.85, "longitude": 2.35}]
    said = answers(NEAR_PARIS, "", 0, 1.0, 200)
    bare = [text for text in said if text.startswith("{")]
    assert 180 < len(bare) < 200
    assert all(json.loads(text) == paris for text in bare)
    (country,) = strictly('{"country": "…"} of [[48.85, 2.35]]', {"type": "json_object"}, n=1)
    assert country == {"country": "France"}


def test_the_form_does_not_move_the_point() -> None:
    number = {"type": "number"}
    strict = strictly(COORDINATES, schema(latitude=number, longitude=number))
    free = answers(COORDINATES, "", 0, 1.0, 100)
    assert (
        sum(json.loads(text) == each for text, each in zip(free, strict, strict=True) if text[0] == "{") > 90
    )


def test_places_are_named_over_the_wire(steered: Any) -> None:
    (text,) = steered.said(NEAR_PARIS, response_format={"type": "json_object"})
    assert json.loads(text)["city"] == "Paris"
