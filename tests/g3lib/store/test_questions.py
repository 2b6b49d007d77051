"""docs/questions.md: every answer about a drawn home is the one worked out without SQL, and is shaped as described."""

from typing import Any

import asked_home
import pytest
from answers import ANSWERS, Files, Question, assert_answer, questions
from small_home import history_of

from g3lib.store.warehouse import publish, query

ASKED = list(zip(questions(), ANSWERS, strict=True))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    files = asked_home.fill(tmp_path_factory.mktemp("asked"))
    publish(files.home, asked_home.RUNS, history_of(*files.history), files.prices)
    return files


def test_there_are_twelve() -> None:
    assert len(ASKED) == 12
    numbers = [int(question.title.split(".")[0]) for question, _ in ASKED]
    assert numbers == list(range(1, 13))


@pytest.mark.parametrize(("question", "answer"), ASKED, ids=[answer.__name__ for _, answer in ASKED])
def test_the_answer_is_right(files: Files, question: Question, answer: Any) -> None:
    expected = answer(files)
    assert expected, "nothing to compare"
    assert_answer(query(files.home, question.sql), expected)


@pytest.mark.parametrize("question", [question for question, _ in ASKED], ids=lambda each: each.title[:20])
def test_the_answer_has_the_shape_it_is_said_to_have(files: Files, question: Question) -> None:
    described = query(files.home, f"describe {question.sql}")
    assert question.shape == list(zip(described["column_name"], described["column_type"], strict=True))
