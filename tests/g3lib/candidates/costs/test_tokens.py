"""Token counts without a tokenizer: near the paper's figures, and bounds that hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.candidates.costs.prices import prices_of
from g3lib.candidates.costs.tokens import (
    PRESUMED_SIDE,
    TOKENS_PER_ANSWER,
    logged_tokens_in,
    request_tokens,
    text_tokens,
    text_tokens_at_most,
)
from g3lib.candidates.prompts import Reference, prompt_set, render
from g3lib.candidates.questions import Question
from g3lib.experiments.lmm import LmmSettings

PRICES = prices_of(LmmSettings(base_url="https://api.example.com/v1", model="gpt-4-turbo"))


def question(text: str = "Where?", **more: Any) -> Question:
    given: dict[str, Any] = {"photo_id": "1", "source": "prompt-0", "text": text, "image_sha256": "0" * 64}
    about = {"model": "gpt-4-turbo", "label": "gpt-4-turbo", "n": 5, "temperature": 1.2, "seed": 0}
    return Question(**(given | about | {"max_tokens": 200, "structured": False} | more))


@pytest.mark.parametrize("pairs", [0, 1, 5, 10, 15, 20])
def test_official_prompts_count_as_in_the_paper(pairs: int) -> None:
    """Table 6: 200 tokens and 30 for each pair of a similar and a dissimilar coordinate, photo included."""
    similar = [Reference(48.858372 - each, 2.294481 + each) for each in range(pairs)]
    dissimilar = [Reference(-33.856784 + each, -151.215297 - each) for each in range(pairs)]
    text = render(prompt_set("official"), similar, dissimilar)
    found = request_tokens(question(text), 5, PRICES)
    print(f"{pairs} pairs: {found.tokens_in} tokens, {200 + 30 * pairs} in the paper")
    assert found.tokens_in == pytest.approx(200 + 30 * pairs, rel=0.25)


def test_an_answer_counts_as_in_the_paper() -> None:
    text = json.dumps({"latitude": 48.8584, "longitude": 2.2945})
    assert text_tokens(text) == pytest.approx(TOKENS_PER_ANSWER, abs=4)


@pytest.mark.parametrize(
    ("text", "tokens"),  # by GPT-4's tokenizer
    [
        ("", 0),
        ("hello world", 2),
        ("123456789", 3),
        ("48.8584", 4),
        ("The photo was taken in Paris.", 7),
    ],
)
def test_texts(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


@given(st.text(max_size=300))
def test_the_bound_is_above_the_estimate_for_any_text(text: str) -> None:
    assert text_tokens(text) <= text_tokens_at_most(text) + 1


@given(st.floats(-180, 180))
def test_the_bound_holds_where_every_digit_is_a_token(degrees: float) -> None:
    written = f"{degrees:.6f}"
    assert text_tokens_at_most(written) == len(written)


def test_a_request_pays_its_prompt_once_and_every_answer() -> None:
    one, five = (request_tokens(question(), count, PRICES) for count in (1, 5))
    assert one.tokens_in == five.tokens_in and one.tokens_in_at_most == five.tokens_in_at_most
    assert (one.tokens_out, five.tokens_out) == (18, 90)
    assert (one.tokens_out_at_most, five.tokens_out_at_most) == (200, 1000)
    assert request_tokens(question(max_tokens=10), 5, PRICES).tokens_out == 50
    assert five.tokens_in < five.tokens_in_at_most


def test_a_schema_is_counted_too() -> None:
    plain, held = (request_tokens(question(structured=each), 1, PRICES) for each in (False, True))
    assert 20 < held.tokens_in - plain.tokens_in < 120
    assert held.tokens_in_at_most > plain.tokens_in_at_most


def test_a_photo_of_unknown_size_is_presumed_and_bounded() -> None:
    known, unknown = (
        request_tokens(question(detail="high", longest_side=side), 1, PRICES)
        for side in (PRESUMED_SIDE, None)
    )
    assert unknown.tokens_in == known.tokens_in
    assert unknown.tokens_in_at_most == known.tokens_in_at_most + 4 * 170


@pytest.mark.parametrize("more", [{}, {"structured": True}, {"detail": "high", "longest_side": 512}])
def test_the_log_s_requests_count_alike(more: dict[str, Any]) -> None:
    asked = question(**more)
    logged = json.loads(json.dumps(asked.as_request()))
    found = logged_tokens_in(logged, asked.longest_side, PRICES)
    assert found == request_tokens(asked, 3, PRICES).tokens_in
