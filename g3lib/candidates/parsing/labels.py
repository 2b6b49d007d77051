"""The numbers of a text, each one on the axis that its label names."""

import re
from collections.abc import Sequence
from dataclasses import replace

from g3lib.candidates.parsing.cleaning import SEAM
from g3lib.candidates.parsing.numbers import Label, Number, Token
from g3lib.candidates.parsing.sequence import NEAR, between, sequence_of

_JOINED = re.compile(r"[\s)\]\"']{0,3}(?:[,/|&;-]|and|und|et|y)?[\s(\[\"']{0,3}")
_BEFORE_LABEL = re.compile(r" ?\(? ?(?:of )?")
_AFTER_PAIR = re.compile(r"[ )\]]{0,3}[-:=,]? ?[(\[]? ?(?:in )?")
_BEFORE_NUMBER = re.compile(r"[)\]]?[ :=]{0,3}(?:is|of)? ?")
_BREAK = re.compile(
    rf"\n\n|[.!?;]\s+(?-i:[A-Z])|{SEAM}|\bpoint ?z? ?\(|\b(?:unknown|null|none|n/a|not|unsure|unclear)\b",
    re.IGNORECASE,
)


def numbers_of(text: str) -> list[Number]:
    """Numbers without noise, on the axes of their letters, else of their labels."""
    tokens = sequence_of(text)
    numbers: list[Number] = []
    at = 0
    while at < len(tokens):
        found, taken = _next(text, tokens[at : at + 6])
        numbers += found
        at += taken
    return numbers


def _next(text: str, tokens: Sequence[Token]) -> tuple[list[Number], int]:
    """The first numbers on the axes of their labels, and how many tokens that took."""
    if found := _both_before(text, tokens) or _after(text, tokens):
        return found, 4
    match tokens:
        case [Label() as one, Label() as other, *rest] if _are_joined(text, one, other) and _after(
            text, rest
        ):
            return [], 2  # said twice
        case [Number() as number, *_]:
            return [number], 1
        case [Label() as label, Number() as number, *after] if _is_near(text, label, number):
            if not _leads_on(text, label, tokens[1:]) and _after(text, tokens[1:]):
                return [], 1
            return [_on_axis(label, number) if _is_one(text, number, after) else _barrier(number)], 2
    return [], 1


def _both_before(text: str, tokens: Sequence[Token]) -> list[Number]:
    """`Latitude and longitude: 48.85, 2.35`, in whichever order; not `id, lat, lon: 1, 48.85, 2.35`."""
    match tokens:
        case [Label() as a, Label() as b, Number() as one, Number() as other, *after]:
            near = _is_near(text, b, one) and between(text, one, other) != "far"
            if not near or not _are_joined(text, a, b) or _after(text, tokens[2:]):
                return []
            kinds = [each.kind for each in (one, other, *after[:1]) if isinstance(each, Number)]
            if kinds == ["whole", "fraction", "fraction"]:
                return [_barrier(one), _barrier(other)]
            return [_on_axis(a, one), _on_axis(b, other)]
    return []


def _after(text: str, tokens: Sequence[Token]) -> list[Number]:
    """Labels behind their numbers."""
    return _each_after(text, tokens) or _both_after(text, tokens)


def _each_after(text: str, tokens: Sequence[Token]) -> list[Number]:
    """`48.85 latitude, 2.35 longitude`."""
    match tokens:
        case [Number() as one, Label() as a, Number() as other, Label() as b, *after]:
            first, second = (
                _BEFORE_LABEL.fullmatch(text, one.end, a.start),
                _BEFORE_LABEL.fullmatch(text, other.end, b.start),
            )
            if first and second and a.axis != b.axis and not _leads_on(text, b, after):
                return [_on_axis(a, one), _on_axis(b, other)]
    return []


def _both_after(text: str, tokens: Sequence[Token]) -> list[Number]:
    """`2.35, 48.85 (lon, lat)`."""
    match tokens:
        case [Number() as one, Number() as other, Label() as a, Label() as b, *after]:
            near = between(text, one, other) == "strong" and _AFTER_PAIR.fullmatch(text, other.end, a.start)
            if near and _are_joined(text, a, b) and not _leads_on(text, b, after):
                return [_on_axis(a, one), _on_axis(b, other)]
    return []


def _are_joined(text: str, one: Label, other: Label) -> bool:
    return one.axis != other.axis and bool(_JOINED.fullmatch(text, one.end, other.start))


def _leads_on(text: str, label: Label, after: Sequence[Token]) -> bool:
    """Whether a label is that of the number after it."""
    match after:
        case [Number() as number, *_]:
            return bool(_BEFORE_NUMBER.fullmatch(text, label.end, number.start))
    return False


def _is_near(text: str, label: Label, number: Number) -> bool:
    gap = text[label.end : min(number.start, label.end + NEAR + 1)]
    return len(gap) <= NEAR and not _BREAK.search(gap)


def _is_one(text: str, number: Number, after: Sequence[Token]) -> bool:
    """Not so in `2 or 3`, nor in `40 26.767`, which may be degrees and minutes."""
    if number.axis or not after or isinstance(after[0], Label):
        return True
    gap = text[number.end : after[0].start]
    return gap != " or " and not (gap == " " and number.kind == "whole")


def _barrier(number: Number) -> Number:
    return replace(number, kind="barrier")


def _on_axis(label: Label, number: Number) -> Number:
    """The number on the label's axis; a letter of its own knows better."""
    if number.axis or number.kind == "barrier":
        return number
    value = -abs(number.value) if label.negative else number.value
    kind = number.kind if number.kind == "whole" else "fraction"
    return replace(number, value=value, axis=label.axis, kind=kind)
