"""Rows of answers: what the endpoint says of an answer, and what each row costs."""

from dataclasses import replace

import pytest
from small_queries import QUESTION

from g3lib.candidates.questions import Expected
from g3lib.candidates.responses import Answer
from g3lib.candidates.table import answered


@pytest.mark.parametrize(
    ("expected", "text", "finish", "failure"),
    [
        ("coordinates", '{"latitude": 48.85, "longitude": 2.35}', "stop", None),
        ("coordinates", '{"latitude": 48.85, "longitude": 2.35}', "length", None),
        ("coordinates", '{"latitude": 48.85, "longitude": 2.35} I am sure bec', "length", None),
        ("coordinates", '{"latitude": 48.85, "longitude": 2.3', "length", "cut off"),
        ("coordinates", "48.85, 2.3", "stop", None),
        ("coordinates", "48.85, 2.3", "length", "cut off"),
        ("coordinates", "It is at 48.85, 2.35, beca", "length", None),
        ("coordinates", '{"latitude": 48.85, "longitude": 2.35}', "content_filter", "content filter"),
        ("coordinates", "I can't help with 48.85, 2.35", "refusal", "refusal"),
        ("place", '{"city": "Paris", "state": "", "country": "France"}', "length", None),
        ("place", "Paris, France", "stop", None),
    ],
)
def test_how_an_answer_ended_tells_how_to_read_it(
    expected: Expected, text: str, finish: str, failure: str | None
) -> None:
    question = replace(QUESTION, n=1, expected=expected)
    (row,) = answered(question, [(0, Answer((text,), 10, 5, finishes=(finish,)))])
    assert row["failure"] == failure
    assert (row["lat"] is None) == (row["answer"] is not None) == (failure is not None)


def test_a_failure_keeps_its_text_to_a_thousand_characters() -> None:
    (row,) = answered(replace(QUESTION, n=1), [(0, Answer(("no " * 10_000,), 10, 5))])
    assert (len(row["answer"]), row["lat"]) == (1000, None)


def test_the_prompt_is_paid_with_the_first_answer_that_is_used() -> None:
    parts = [(0, Answer(("1, 1", "2, 2", "3, 3"), 100, 10)), (3, Answer(("4, 4",), 100, 5))]
    rows = answered(replace(QUESTION, n=4), parts)
    assert [row["tokens_in"] for row in rows] == [100, 0, 0, 100]
    assert sum(row["tokens_out"] for row in rows) == 15
    rows = answered(replace(QUESTION, n=2), parts)
    assert (sum(row["tokens_in"] for row in rows), sum(row["tokens_out"] for row in rows)) == (100, 6)


def test_answers_behind_a_hole_are_not_the_next_ones() -> None:
    rows = answered(replace(QUESTION, n=3), [(0, Answer(("1, 1",), 1, 1)), (2, Answer(("3, 3",), 1, 1))])
    assert [row["failure"] for row in rows] == [None, "no answer", "no answer"]


def test_overlapping_parts_give_each_answer_once() -> None:
    parts = [(0, Answer(("1, 1", "2, 2"), 7, 2)), (1, Answer(("9, 9", "3, 3"), 7, 2))]
    rows = answered(replace(QUESTION, n=3), parts)
    assert [row["lat"] for row in rows] == [1.0, 2.0, 3.0]
    assert [row["tokens_in"] for row in rows] == [7, 0, 7]
