"""The numbers and labels of a text in their order: what joins two numbers, and which are not what they seem."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from g3lib.candidates.parsing.numbers import Label, Number, Token, tokens_of

NEAR = 60  # characters, between a label and its number or two numbers with decimal commas

_STRONG = re.compile(r"[\"']?[ \n]?[,;][ \n]?[\"']?")
_WEAK = re.compile(r"[\"']?[ \n]?(?:[,;]?[ ]?(?:and|und|et|y|by)[ ]|[/|&:])?[ \n]?[\"']?")
_LONGEST = 12  # characters that both may have
_RANGE = re.compile(r" ?(?:-|to|through|\.\.\.?|…) ?")
_BETWEEN = re.compile(r"\bbetween (?:[a-z]{1,12} )?$", re.IGNORECASE)


def between(text: str, one: Number, other: Number) -> Literal["strong", "weak", "far"]:
    """How two numbers are joined: by a comma or the like, by space or a word, or not at all."""
    if other.start - one.end > _LONGEST:
        return "far"
    gap = text[one.end : other.start]
    return "strong" if _STRONG.fullmatch(gap) else "weak" if _WEAK.fullmatch(gap) else "far"


def sequence_of(text: str) -> list[Token]:
    """Labels, and numbers without noise, with decimal points, and with barriers where ranges are."""
    tokens = [each for each in tokens_of(text) if isinstance(each, Label) or each.kind != "noise"]
    tokens = _without_commas(text, tokens)
    for at, (one, other) in enumerate(pairwise(tokens)):
        if isinstance(one, Number) and isinstance(other, Number) and _is_range(text, one, other):
            tokens[at : at + 2] = [replace(one, kind="barrier"), replace(other, kind="barrier")]
    return tokens


def _without_commas(text: str, tokens: Sequence[Token]) -> list[Token]:
    """`48,8566; 2,3522` are two numbers with decimal commas, and so is `(48,2)` two without."""
    numbers = [each for each in tokens if isinstance(each, Number)]
    company: set[Number] = set()
    for one, other in pairwise(numbers):
        if one.kind == other.kind == "comma" and other.start - one.end <= NEAR:
            company |= {one, other}
    resolved: list[Token] = []
    for at, token in enumerate(tokens):
        is_pair = isinstance(token, Number) and token.kind == "comma" and _is_pair(text, tokens, at, company)
        resolved += _split(text, token) if is_pair else [token]
    return resolved


def _is_pair(text: str, tokens: Sequence[Token], at: int, company: set[Number]) -> bool:
    """Whether `48,2` is two integers: in brackets, or the only one, without a label of its own."""
    token = tokens[at]
    if len(text[token.start : token.end].partition(",")[2]) > 3:
        return False
    if token in company:
        return text[token.start - 1 : token.start] + text[token.end : token.end + 1] in ("()", "[]")
    labels = [isinstance(each, Label) for each in tokens[max(0, at - 2) : at]]
    return labels not in ([True], [False, True])


def _split(text: str, token: Token) -> list[Token]:
    first, _, second = text[token.start : token.end].partition(",")
    comma = token.start + len(first)
    return [
        Number(float(first), token.start, comma, "whole"),
        Number(float(second), comma + 1, token.end, "whole"),
    ]


def _is_range(text: str, one: Number, other: Number) -> bool:
    """`48.5-49.5` or `between 48 and 49`; but `48 N - 2 E` is a pair."""
    if (one.axis and other.axis and one.axis != other.axis) or other.start - one.end > _LONGEST:
        return False
    gap = text[one.end : other.start]
    after_between = gap == " and " and _BETWEEN.search(text[max(0, one.start - 24) : one.start])
    return bool(_RANGE.fullmatch(gap) or after_between)
