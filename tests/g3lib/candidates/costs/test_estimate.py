"""Estimates: the paper's own bill, calibration on what is recorded, and budgets."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from g3lib.candidates.costs.estimate import Estimate, Usage, estimate, passed_limits, usage_of
from g3lib.candidates.costs.prices import prices_of
from g3lib.candidates.costs.tokens import request_tokens
from g3lib.candidates.prompts import Reference, prompt_set, render
from g3lib.candidates.questions import Question
from g3lib.candidates.responses import Answer, Entry
from g3lib.experiments.lmm import BudgetSettings, LmmSettings

TURBO = LmmSettings(base_url="https://api.example.com/v1", model="gpt-4-turbo", structured="never")
PRICES = prices_of(TURBO)
PHOTOS, ANSWERS = 2997, 10  # of IM2GPS3k, paper section 5.5


def question(number: int = 0, **more: Any) -> Question:
    about = {"image_sha256": f"{number:064}", "model": "gpt-4-turbo", "label": "gpt-4-turbo", "n": ANSWERS}
    rest = {"temperature": 1.2, "seed": 0, "max_tokens": 200, "structured": False}
    given: dict[str, Any] = {"photo_id": str(number), "source": "prompt-0", "text": "Where was this taken?"}
    return Question(**(given | about | rest | more))


def official(pairs: int) -> str:
    """A prompt of the official wording."""
    similar = [Reference(-12.345678 + each, 123.456789 - each) for each in range(pairs)]
    return render(prompt_set("official"), similar, similar[::-1])


def test_the_paper_s_bill_for_im2gps3k() -> None:
    """Table 6: 5.1 million tokens in and 2.16 out with GPT-4-turbo, 51.0 and 64.8 dollars."""
    texts = [official(pairs) for pairs in (0, 5, 10, 15)]
    one = estimate([(question(text=text), ANSWERS) for text in texts], TURBO, PRICES)
    found = one.times(PHOTOS)
    assert (found.questions, found.requests, found.answers) == (11_988, 11_988, 119_880)
    print(f"{found.tokens_in / 1e6:.2f}M in, {found.tokens_out / 1e6:.2f}M out, ${found.usd:.1f}")
    assert found.tokens_in == pytest.approx(5.1e6, rel=0.25)
    assert found.tokens_out == pytest.approx(2.16e6, rel=0.25)
    assert found.usd == pytest.approx(51.0 + 64.8, rel=0.25)
    assert found.usd_batched == pytest.approx((found.usd or 0) / 2)
    assert found.hours == pytest.approx(11_988 * 5 / 16 / 3600)
    assert found.basis == "presumed: 18 tokens per answer, 5 s per request"


def entries(count: int = 100, **more: Any) -> Iterator[Entry]:
    """As many answered requests: 300 tokens in, 25 per answer, 2 seconds."""
    for number in range(count):
        asked = question(number)
        answer = Answer(("{}",) * 4, 300, 100, None, ("stop",) * 4)
        about = {"model": asked.model, "label": asked.label, "endpoint": "https://api.example.com/v1"}
        when: dict[str, Any] = {"finished_at": "2026-01-01T00:00:00+00:00", "latency": 2.0}
        yield Entry(
            key=asked.key, first=0, request=asked.as_request(), answer=answer, **about, **when, **more
        )


def recorded(count: int = 100, settings: LmmSettings = TURBO, **more: Any) -> Usage:
    return sum((usage_of(each, settings, prices_of(settings)) for each in entries(count, **more)), Usage())


def test_what_is_recorded_calibrates() -> None:
    logs = recorded(4211)
    assert (logs.requests, logs.answers, logs.tokens_in, logs.tokens_out) == (4211, 16844, 1_263_300, 421_100)
    assert logs.usd == pytest.approx(1.2633 * 10 + 0.4211 * 30)
    expected = request_tokens(question(), 4, PRICES).tokens_in
    assert logs.estimated_tokens_in == 4211 * expected
    found = estimate([(question(1), 5), (question(2), 3)], TURBO, PRICES, logs, answered=9)
    assert found.basis == "calibrated on 4,211 recorded requests of gpt-4-turbo"
    assert (found.answers, found.recorded) == (8, 9)
    assert found.tokens_in == pytest.approx(2 * 300)
    assert found.tokens_out == pytest.approx(8 * 25)
    assert found.hours == pytest.approx(2 * 2.0 / 16 / 3600)


def test_an_endpoint_that_counts_nothing_does_not_make_tokens_free() -> None:
    silent = replace(recorded(), tokens_in=0, tokens_out=0)
    found = estimate([(question(), 5)], TURBO, PRICES, silent)
    assert found.tokens_in > 90 and found.tokens_out == 5 * 18


def test_batched_answers_say_nothing_of_time_and_cost_half() -> None:
    logs = recorded(batched=True)
    assert (logs.timed, logs.seconds) == (0, 0.0)
    assert logs.usd == pytest.approx((recorded().usd or 0) / 2)
    assert estimate([(question(), 1)], TURBO, PRICES, logs).hours == pytest.approx(5 / 16 / 3600)


def test_the_batch_api_takes_a_day_however_much_it_is() -> None:
    batch = TURBO.model_copy(update={"transport": "batch"})
    one = estimate([(question(), 5)], batch, PRICES)
    assert one.hours == one.times(3000).hours == (one + one).hours == 24
    assert one.usd_due == one.usd_batched == pytest.approx((one.usd or 0) / 2)
    assert estimate([], batch, PRICES).hours == 0 == one.times(0).hours


def test_questions_are_counted_once_and_requests_each() -> None:
    found = estimate([(question(), 2), (question(), 3), (question(1), 5)], TURBO, PRICES)
    assert (found.questions, found.requests, found.answers) == (2, 3, 10)


def test_estimates_add_up() -> None:
    one, other = (estimate([(question(text="x" * n), 5)], TURBO, PRICES, None, n, n > 9) for n in (9, 99))
    both = one + other
    assert (both.requests, both.answers, both.recorded, both.exact) == (2, 10, 108, False)
    assert both.usd == pytest.approx((one.usd or 0) + (other.usd or 0))
    assert both.hours == pytest.approx(one.hours + other.hours)
    assert both.basis == one.basis and both.lmm == "gpt-4-turbo"
    assert (both + Estimate("llava", usd=None)).usd is None
    assert (both + Estimate("llava")).lmm == "all"
    assert one.times(3).tokens_in == 3 * one.tokens_in


def test_a_price_that_is_unknown_stays_so() -> None:
    mystery = LmmSettings(base_url="https://api.example.com/v1", model="mystery")
    found = estimate([(question(), 5)], mystery, prices_of(mystery))
    assert found.usd is None and found.usd_batched is None and found.tokens_in > 0
    assert found.times(9).usd is None
    assert "prices.yaml" in str(found.as_metadata()["USD"])
    assert recorded(2, mystery).usd is None


def test_models_that_think_may_use_all_they_are_given() -> None:
    thinker = LmmSettings(base_url="https://api.example.com/v1", model="gpt-5")
    found = estimate([(question(max_tokens=4000), 5)], thinker, prices_of(thinker))
    assert found.tokens_out == 20_000
    assert "all its max_tokens" in found.basis


def test_the_stand_in_is_fast_and_free() -> None:
    found = estimate([(question(), 5)], LmmSettings(), prices_of(LmmSettings())).times(1000)
    assert found.usd == 0 and found.hours < 0.01


def test_metadata_is_readable() -> None:
    shown = estimate([(question(), 5)], TURBO, PRICES, answered=7).as_metadata()
    assert shown["requests"] == 1.0 and shown["answers"] == 5.0 and shown["answers recorded before"] == 7.0
    assert shown["basis"] == "exact questions; presumed: 18 tokens per answer, 5 s per request"
    assert {type(value) for value in shown.values()} == {float, str}


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (BudgetSettings(), []),
        (BudgetSettings(requests=101, tokens=10**9, usd=100), []),
        (BudgetSettings(requests=100), ["requests: 100 used + 1 estimated > 100"]),
        (BudgetSettings(tokens=40_000), ["tokens: 40,000 used + "]),
        (BudgetSettings(usd=0.6, requests=0), ["requests: 100 used", "usd: 0.6 used + 0.0"]),
    ],
)
def test_budgets_are_of_the_whole_home(budget: BudgetSettings, words: list[str]) -> None:
    found = passed_limits(budget, recorded(), estimate([(question(), 5)], TURBO, PRICES))
    assert len(found) == len(words)
    assert all(said.startswith(word) for said, word in zip(found, words, strict=True)), found


def test_a_budget_in_money_needs_a_price_and_nothing_to_ask_needs_none() -> None:
    mystery = LmmSettings(base_url="https://api.example.com/v1", model="mystery")
    unpriced = estimate([(question(), 5)], mystery, prices_of(mystery))
    assert "price is unknown" in passed_limits(BudgetSettings(usd=1), Usage(), unpriced)[0]
    assert passed_limits(BudgetSettings(usd=0, requests=0), recorded(), Estimate("mystery", usd=None)) == []
