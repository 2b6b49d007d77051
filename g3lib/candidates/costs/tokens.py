"""How many tokens a request has, before any endpoint has counted them, and without a tokenizer's tables.

Texts are cut as GPT's tokenizers cut them before they look anything up: words, groups of up to three digits,
punctuation. Images are image_tokens.py's business.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.questions import Question

TOKENS_PER_ANSWER = 18  # source: paper table 6; {"latitude": 48.8584, "longitude": 2.2945}
PRESUMED_SIDE = 1024  # pixels, of a photo of unknown size: what Flickr serves
_OF_A_MESSAGE = 7  # role, separators, and the beginning of the answer
_LETTERS = 8  # of an English word that is one token
_PIECES = re.compile(r" ?(?P<word>[^\W\d_]+)|\d{1,3}| ?(?P<marks>(?:[^\w\s]|_)+)|\s+")


@dataclass(frozen=True)
class Tokens:
    """What a request will count, and the most that it can."""

    tokens_in: int
    tokens_in_at_most: int
    tokens_out: int
    tokens_out_at_most: int


def text_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return sum(map(_of_piece, _PIECES.finditer(text)))


def _of_piece(piece: re.Match[str]) -> int:
    word, marks = piece["word"], piece["marks"]
    if word and not word.isascii():  # tokenizers cut other scripts finer: about two bytes each
        return ceil(len(word.encode()) / 2)
    return ceil(len(word) / _LETTERS) if word else ceil(len(marks) / 2) if marks else 1


def text_tokens_at_most(text: str) -> int:
    """More tokens than any tokenizer makes of a text: digits and signs one each, letters two to a token."""
    letters = sum(each.isascii() and each.isalpha() for each in text)
    return ceil(letters / 2) + len(text.encode()) - letters


def request_tokens(question: Question, count: int, prices: Prices) -> Tokens:
    """Tokens of one request for `count` answers; the prompt and the photo are counted once.

    tokens_in is expected, of a photo of PRESUMED_SIDE if its size is not limited; `at_most` are bounds for
    reservations, with an image rule that fits the model.
    """
    expected, bound = _of_text(question.text, _schema_of(question))
    longest = count * question.max_tokens
    return Tokens(
        tokens_in=expected + prices.image_tokens(question.detail, question.longest_side or PRESUMED_SIDE),
        tokens_in_at_most=bound + prices.image_tokens(question.detail, question.longest_side),
        tokens_out=longest if prices.thinks else min(longest, count * TOKENS_PER_ANSWER),
        tokens_out_at_most=longest,
    )


def logged_tokens_in(request: Mapping[str, Any], longest_side: int | None, prices: Prices) -> int:
    """What `request_tokens` expects to go in with a request as the log has it (Question.as_request)."""
    text, image = request["messages"][0]["content"]
    expected, _ = _of_text(text["text"], _schema_text(request))
    return expected + prices.image_tokens(image["image_url"]["detail"], longest_side or PRESUMED_SIDE)


@lru_cache(maxsize=1024)  # what is not known yet is estimated with the same text for every photo
def _of_text(text: str, schema: str) -> tuple[int, int]:
    """What text and schema count, and count at most, in a message."""
    parts = (text, schema)
    return (
        _OF_A_MESSAGE + sum(map(text_tokens, parts)),
        2 * _OF_A_MESSAGE + sum(map(text_tokens_at_most, parts)),
    )


def _schema_of(question: Question) -> str:
    """The JSON schema that goes along with structured output, and is counted as text."""
    return _schema_text(question.body("", 0, 1)) if question.structured else ""


def _schema_text(body: Mapping[str, Any]) -> str:
    schema = body.get("response_format")
    return json.dumps(schema) if schema else ""
