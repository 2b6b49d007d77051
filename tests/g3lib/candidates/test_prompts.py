"""What the model is told, and what a file of wordings may hold."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from g3lib.candidates.prompts import (
    PromptSet,
    Reference,
    ReferenceFormat,
    load_prompt_set,
    prompt_set,
    prompt_set_names,
    render,
    write_references,
)
from g3lib.experiments import EXPERIMENTS

PARIS, SYDNEY = Reference(48.8566, 2.3522), Reference(-33.8688, 151.2093)
NAMED = Reference(48.8566, 2.3522, "Paris, Île-de-France, France")
JSON_LINE = (
    "Your answer should be in the following JSON format without any other information: "
    '{"latitude": float,"longitude": float}.'
)
LEVEL = "coordinates level in (latitude, longitude) format"
MINIMAL = {"name": "mine", "source": "us", "answer": "place", "references": "lists", "zero_shot": "Where?"}
PLACES = st.floats(-90, 90), st.floats(-180, 180)


def test_the_sets_there_are() -> None:
    assert prompt_set_names() == ["img2loc", "official", "paper", "place-name"]
    for name in prompt_set_names():
        found = prompt_set(name)
        assert found.name == name
        assert found.answer == ("place" if name == "place-name" else "coordinates")
        assert prompt_set(name) is found  # read once


def test_every_experiment_asks_with_a_set_there_is() -> None:
    assert {experiment.prompt_set for experiment in EXPERIMENTS} <= {*prompt_set_names()}


@pytest.mark.parametrize(
    ("name", "times"), [("official", 2), ("img2loc", 1), ("paper", 0), ("place-name", 0)]
)
def test_the_json_line_stands_as_often_as_in_the_official_prompts(name: str, times: int) -> None:
    prompts = prompt_set(name)
    texts = [text for text in (prompts.zero_shot, prompts.with_references) if text]
    assert [text.count(JSON_LINE) for text in texts] == [times] * len(texts)


@pytest.mark.parametrize("name", ["official", "paper"])
def test_g3_names_similar_and_dissimilar_references(name: str) -> None:
    text = render(prompt_set(name), [PARIS], [SYDNEY], "lists")
    assert (
        "For your reference, these are coordinates of some similar images: [[48.8566, 2.3522]], "
        "and these are coordinates of some dissimilar images: [[-33.8688, 151.2093]]."
    ) in text
    assert f"Your answer must be to the {LEVEL}." in text


def test_the_papers_prompts_share_their_opening_and_ask_for_no_json() -> None:
    paper = prompt_set("paper")
    zero_shot, rag = render(paper, [], []), render(paper, [PARIS], [SYDNEY])
    assert rag.startswith(zero_shot) and LEVEL in zero_shot
    assert "JSON" not in rag


def test_img2loc_wants_the_dissimilar_ones_far_away_and_has_no_other_text() -> None:
    text = render(prompt_set("img2loc"), [PARIS], [SYDNEY])
    before, _, after = text.partition("should be far away")
    assert "48.8566" in before and "-33.8688" in after
    with pytest.raises(ValueError, match="'img2loc' has no zero_shot, asked with 0 similar and 0 dissimilar"):
        render(prompt_set("img2loc"), [], [])


def test_a_place_is_asked_for_by_city_state_and_country() -> None:
    for text in (render(prompt_set("place-name"), [], []), render(prompt_set("place-name"), [PARIS], [])):
        assert '{"city": string, "state": string, "country": string}' in text
        assert "latitude" not in text


def test_references_are_shown_as_either_official_script_does() -> None:
    assert "similar images: ['[48.8566, 2.3522]', '[-33.8688, 151.2093]'], and" in render(
        prompt_set("official"), [PARIS, SYDNEY], [SYDNEY]
    )
    assert write_references([PARIS, SYDNEY], "lists") == "[[48.8566, 2.3522], [-33.8688, 151.2093]]"
    assert write_references([], "lists") == write_references([], "strings") == "[]"


def test_references_are_shown_with_the_names_of_their_places() -> None:
    assert write_references([NAMED, SYDNEY], "lists") == (
        '[[48.8566, 2.3522, "Paris, Île-de-France, France"], [-33.8688, 151.2093]]'
    )
    assert write_references([NAMED, SYDNEY], "strings") == (
        "['[48.8566, 2.3522] Paris, Île-de-France, France', '[-33.8688, 151.2093]']"
    )


def test_numbers_have_one_to_six_decimals_and_no_exponent() -> None:
    text = write_references(
        [Reference(1e-7, -0.00000049), Reference(12.34567891, -180.0), Reference(5, 1e-5)], "lists"
    )
    assert text == "[[0.0, 0.0], [12.345679, -180.0], [5.0, 0.00001]]"


HOSTILE = "{similar}\n{dissimilar} \"'] [0.0, 0.0] \\ {0} %s \u202e\x00 L'Aquila\u2028" + "x" * 1000


@given(*PLACES, st.text(max_size=300))
@example(1.0, 2.0, HOSTILE)
@example(1.0, 2.0, "{dissimilar}")
def test_a_hostile_name_stays_a_name(lat: float, lon: float, name: str) -> None:
    shown = render(prompt_set("img2loc"), [Reference(lat, lon, name)], [PARIS], "lists")
    rest = render(prompt_set("img2loc"), [], [PARIS], "lists")
    before, after = rest.split("[]", 1)
    assert shown.startswith(before) and shown.endswith(after)
    assert shown.count("\n") == rest.count("\n")
    ((first, second, *names),) = json.loads(shown[len(before) : len(shown) - len(after)])
    assert (first, second) == (pytest.approx(lat, abs=1e-6), pytest.approx(lon, abs=1e-6))
    assert all(len(each) <= 200 and each.isprintable() for each in names)


@given(*PLACES, st.text(max_size=300))
@example(1.0, 2.0, HOSTILE)
def test_a_hostile_name_stays_in_its_string(lat: float, lon: float, name: str) -> None:
    (text,) = ast.literal_eval(write_references([Reference(lat, lon, name)], "strings"))
    pair, _, _ = text.partition("]")
    assert json.loads(pair + "]") == pytest.approx([lat, lon], abs=1e-6)


def test_what_cannot_be_asked_is_named() -> None:
    one_kind = PromptSet("mine", "us", "place", "lists", None, "Like {similar}?")
    assert render(one_kind, [PARIS], []) == "Like [[48.8566, 2.3522]]?"
    with pytest.raises(
        ValueError, match=r"'mine' has no place for dissimilar references, 1 given; .*{dissimilar}"
    ):
        render(one_kind, [PARIS], [SYDNEY])
    with pytest.raises(
        ValueError, match="'mine' has no with_references, asked with 1 similar and 0 dissimilar"
    ):
        render(PromptSet("mine", "us", "place", "lists", "Where?"), [PARIS], [])
    with pytest.raises(ValueError, match="nan"):
        render(one_kind, [Reference(float("nan"), 0.0)], [])
    unknown: Any = "tuples"
    with pytest.raises(ValueError, match="no reference format 'tuples'; there are: strings, lists"):
        render(one_kind, [PARIS], [], unknown)


@pytest.mark.parametrize("format", ["strings", "lists"])
def test_a_users_own_file_is_a_set(tmp_path: Path, format: ReferenceFormat) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL | {"references": format}), encoding="utf-8")
    assert load_prompt_set(str(path)) == PromptSet("mine", "us", "place", format, "Where?")
    path.write_text(yaml.safe_dump(MINIMAL | {"zero_shot": "And now?\n"}), encoding="utf-8")
    assert prompt_set(str(path)).zero_shot == "And now?"  # not what was read before


def test_sets_that_are_not_there() -> None:
    with pytest.raises(KeyError, match="no prompt set 'g4'; there are: img2loc, official, paper, place-name"):
        prompt_set("g4")
    with pytest.raises(KeyError, match=r"no prompt set '\.\./prompts'"):
        prompt_set("../prompts")
    with pytest.raises(FileNotFoundError, match=r"no prompt set at /nowhere/mine\.yaml; .*official"):
        prompt_set("/nowhere/mine.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nome": "x"}, "nome is 'x'; no such field; there are: name, source, answer"),
        ({"name": "yours"}, "name is 'yours'; call it 'mine'"),
        ({"source": None}, "source is None; give it a text"),
        ({"answer": "country"}, "answer is 'country'; make it one of: coordinates, place"),
        ({"references": ["lists"]}, r"references is \['lists'\]; make it one of: strings, lists"),
        ({"zero_shot": 5}, "zero_shot is 5; leave it out or give it a text"),
        ({"zero_shot": " "}, "zero_shot is ' '; leave it out"),
        ({"zero_shot": "Like {similar}?"}, "no references to put for {similar}"),
        ({"with_references": "Like this?"}, "say {similar}, {dissimilar} or both"),
        ({"with_references": "{similar} {disimilar}"}, "{disimilar} stands for nothing"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(MINIMAL | changes), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"prompt set {path}: .*{message}"):
        load_prompt_set(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: [", "is no YAML"),
        (b"\xff\xfe\x00", "is no YAML"),
        (b"- name", r"holds \['name'\]; give it the fields name, source"),
        (b"", "holds None"),
        (
            b"name: mine\nsource: us\nanswer: place\nreferences: lists",
            "has no text; give it zero_shot or with_ref",
        ),
        (b"source: us", "name is None"),
        (b"? [a, b]\n: c", "is no YAML|no such field"),
    ],
)
def test_a_file_that_is_no_set_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_prompt_set(str(path))
