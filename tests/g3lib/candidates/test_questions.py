"""The key of an answer names all that determines it, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from small_queries import QUESTION


@pytest.mark.parametrize(
    "change",
    [
        {"text": "?"}, {"image_sha256": "0"}, {"model": "n"}, {"label": "k"}, {"temperature": 0.5}, {"seed": 1},
        {"max_tokens": 9}, {"expected": "place"}, {"structured": False}, {"detail": "high"}, {"longest_side": 512},
    ],
)  # fmt: skip
def test_what_determines_the_answer_is_in_the_key(change: dict[str, Any]) -> None:
    assert replace(QUESTION, **change).key != QUESTION.key


@pytest.mark.parametrize("change", [{"photo_id": "q"}, {"source": "prompt-5"}, {"n": 9}])
def test_whose_question_it_is_and_how_often_it_is_answered_are_not(change: dict[str, Any]) -> None:
    assert replace(QUESTION, **change).key == QUESTION.key


def test_the_text_comes_before_the_image_and_the_seed_moves_along() -> None:
    body = QUESTION.body("data:", first=2, count=1)
    text, image = body["messages"][0]["content"]
    assert (text["text"], image["image_url"]) == ("Where?", {"url": "data:", "detail": "low"})
    assert (body["seed"], body["n"]) == (2, 1)


@pytest.mark.parametrize(
    ("expected", "names"),
    [("coordinates", ["latitude", "longitude"]), ("place", ["city", "state", "country"])],
)
def test_structured_output_is_strict(expected: Any, names: list[str]) -> None:
    asked = replace(QUESTION, expected=expected).body("", 0, 1)["response_format"]["json_schema"]
    assert asked["strict"]
    assert (asked["schema"]["required"], asked["schema"]["additionalProperties"]) == (names, False)
    assert "response_format" not in replace(QUESTION, structured=False).body("", 0, 1)
