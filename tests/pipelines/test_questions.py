"""docs/questions.md asked of a home that `g3 run` has finished, beside answers worked out from its files."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from answers import ANSWERS, Files, Question, assert_answer, questions
from tiny import BENCHMARK, Finished, TinyHome

from assets.events import materialization_history, runs
from g3lib.candidates.costs.prices import known_prices
from g3lib.store import Record
from g3lib.store.warehouse import publish, query

CHANGED_NOTHING = {"what_changed"}  # everything was made once


@pytest.fixture(scope="module")
def files(finished: Finished, new_copy: Callable[..., TinyHome]) -> Files:
    tiny = new_copy()
    profile = tiny.profile()
    with patch.dict("os.environ", tiny.environment()), tiny.dagster() as instance:
        history, all_runs = materialization_history(instance), runs(instance)
    prices = known_prices([profile.lmm, *profile.lmms.values()], tiny.home.prices)
    publish(tiny.home, all_runs, history, prices)
    records = [Record.from_json(text) for text in history["record"]]
    return Files(tiny.home, records, all_runs.to_dicts(), dict(prices), BENCHMARK)


@pytest.mark.parametrize(
    ("question", "answer"),
    list(zip(questions(), ANSWERS, strict=True)),
    ids=[answer.__name__ for answer in ANSWERS],
)
def test_a_finished_home_answers(files: Files, question: Question, answer: Any) -> None:
    expected = answer(files)
    assert bool(expected) == (answer.__name__ not in CHANGED_NOTHING)
    assert_answer(query(files.home, question.sql.replace("im2gps3k", BENCHMARK)), expected)
