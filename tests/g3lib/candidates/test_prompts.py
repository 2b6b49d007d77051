"""What the model is told."""

import json

import pytest

from g3lib.candidates.guessing import read_references
from g3lib.candidates.prompts import TEMPLATES, render, write_references
from g3lib.experiments import EXPERIMENTS

PARIS, SYDNEY = (48.8566, 2.3522), (-33.8688, 151.2093)
JSON_LINE = (
    "Your answer should be in the following JSON format without any other information: "
    '{"latitude": float,"longitude": float}.'
)


@pytest.mark.parametrize(("template", "times"), [("g3-zero-shot", 2), ("g3-rag", 2), ("img2loc", 1)])
def test_the_json_line_stands_as_often_as_in_the_official_prompts(template: str, times: int) -> None:
    assert render(template, [], []).count(JSON_LINE) == times


def test_g3_names_similar_and_dissimilar_references() -> None:
    text = render("g3-rag", [PARIS], [SYDNEY])
    assert (
        "For your reference, these are coordinates of some similar images: [[48.8566, 2.3522]], "
        "and these are coordinates of some dissimilar images: [[-33.8688, 151.2093]]."
    ) in text
    assert "Your answer must be to the coordinates level in (latitude, longitude) format." in text


def test_img2loc_wants_the_dissimilar_ones_far_away() -> None:
    before, _, after = render("img2loc", [PARIS], [SYDNEY]).partition("should be far away")
    assert "48.8566" in before
    assert "-33.8688" in after


@pytest.mark.parametrize("template", ["g3-rag", "img2loc"])
def test_the_stand_in_reads_back_what_was_rendered(template: str) -> None:
    assert read_references(render(template, [PARIS] * 2, [SYDNEY])) == ([PARIS] * 2, [SYDNEY])


def test_references_are_plain_json_with_at_most_six_decimals() -> None:
    text = write_references([(1e-7, -0.00000049), (12.34567891, -180.0), (5, 1e-5)])
    assert text == "[[0.0, 0.0], [12.345679, -180.0], [5.0, 0.00001]]"
    assert json.loads(text)[1] == [12.345679, -180.0]


def test_mistakes_are_named() -> None:
    with pytest.raises(KeyError, match="g3-zero-shot, g3-rag, img2loc"):
        render("g4", [], [])
    with pytest.raises(ValueError, match="shows no"):
        render("g3-zero-shot", [PARIS], [])
    with pytest.raises(ValueError, match="nan"):
        render("g3-rag", [(float("nan"), 0.0)], [])


def test_every_experiment_asks_with_a_template_there_is() -> None:
    used = {prompt.template for experiment in EXPERIMENTS for prompt in experiment.prompts}
    assert used == set(TEMPLATES)
