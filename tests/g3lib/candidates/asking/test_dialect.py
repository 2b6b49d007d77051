"""What an endpoint refuses is left out from then on, and nothing that would change the experiment."""

from typing import Any

import pytest

from g3lib.candidates.asking.dialect import Dialect

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where?"},
                {"type": "image_url", "image_url": {"url": "data:", "detail": "low"}},
            ],
        }
    ],
    "n": 5,
    "temperature": 1.2,
    "seed": 0,
    "max_tokens": 200,
    "response_format": {"type": "json_schema"},
}


@pytest.mark.parametrize(
    ("said", "message", "missing"),
    [
        ({"param": "response_format"}, "not supported", "response_format"),
        ({"param": "response_format.json_schema"}, "", "response_format"),
        ({}, "json_schema is not supported by this backend", "response_format"),
        (None, "Unknown parameter: 'seed'", "seed"),
        ({"param": None}, "'n' must be 1", "n"),
        ({"param": "max_tokens"}, "Use 'max_completion_tokens' instead.", "max_tokens"),
    ],
)
def test_a_refusal_teaches(said: Any, message: str, missing: str) -> None:
    dialect = Dialect()
    assert dialect.learn(said, message)
    assert BODY.keys() - dialect.spoken(BODY).keys() == {missing}


def test_the_limit_of_tokens_goes_by_its_newer_name() -> None:
    dialect = Dialect({"max_tokens"})
    assert dialect.spoken(BODY)["max_completion_tokens"] == 200


def test_detail_is_taken_out_of_the_image_alone() -> None:
    spoken = Dialect({"detail"}).spoken(BODY)
    assert spoken["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": "data:"}}
    assert BODY["messages"][0]["content"][1]["image_url"]["detail"] == "low"


@pytest.mark.parametrize(
    ("said", "message"),
    [({"param": "temperature"}, "temperature must be 1"), ({"param": "messages"}, "too long"), ({}, "no")],
)
def test_what_determines_answers_is_never_left_out(said: Any, message: str) -> None:
    dialect = Dialect()
    assert not dialect.learn(said, message)
    assert dialect.spoken(BODY) == BODY


def test_one_answer_where_several_were_wanted_twice_means_one_at_a_time() -> None:
    dialect = Dialect()
    dialect.counted(1, 1)
    dialect.counted(5, 1)
    assert not dialect.one_at_a_time
    dialect.counted(5, 1)
    assert dialect.one_at_a_time
    assert "n" not in dialect.spoken(BODY)


def test_one_who_gave_several_once_is_asked_for_several() -> None:
    dialect = Dialect()
    for received in (3, 1, 1, 1):
        dialect.counted(5, received)
    assert not dialect.one_at_a_time
