"""Which two numbers of a text are a latitude and a longitude.

Numbers whose axes are named pair over some distance; others only side by side, and the less they look like coordinates,
the more their surroundings have to say so (`bare`): prose is full of numbers.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from g3lib.candidates.parsing.bare import CONTEXT, is_pair
from g3lib.candidates.parsing.cleaning import SEAM
from g3lib.candidates.parsing.labels import numbers_of
from g3lib.candidates.parsing.numbers import Number
from g3lib.candidates.parsing.outcomes import Reading
from g3lib.candidates.parsing.sequence import between

FAR = 300  # characters, between two numbers whose axes are named
CORNERS = 25  # characters, between the latitudes of a box
SAME = 0.05  # degrees, between two ways to write one number
ROOM = 12  # characters that a letter of the hemisphere may need, with its markup

# longitude first: WKT, which has no comma, and PostGIS
_POINT = re.compile(r"POINT ?Z? ?\(+$", re.IGNORECASE)
_MAKE_POINT = re.compile(r"ST_(?:Make)?Point\($", re.IGNORECASE)


def read_pairs(text: str) -> Iterator[Reading]:
    """Every latitude with its longitude, in the order of the text."""
    numbers = numbers_of(text)
    at = 0
    while at + 1 < len(numbers):
        kinds = _run(text, numbers, at)
        if len(kinds) > 3:  # a list of something
            at += len(kinds)
        elif kinds == ["whole", "fraction", "fraction"]:
            at += 1  # a row that begins with its number
        else:
            found, taken = _first(text, numbers, at)
            if found:
                yield found
            at += taken


def _run(text: str, numbers: list[Number], at: int) -> list[str]:
    """The kinds of the numbers without axes that commas join, from here on."""
    last = numbers[at]
    kinds: list[str] = [last.kind]
    for each in islice(numbers, at + 1, None):
        if (
            each.axis
            or last.axis
            or between(text, last, each) != "strong"
            or ";" in text[last.end : each.start]
        ):
            break
        kinds.append(each.kind)
        last = each
    return kinds


def _first(text: str, numbers: list[Number], at: int) -> tuple[Reading | None, int]:
    """The pair that begins here, if one does, and how many numbers that took."""
    one, other, *after = numbers[at : at + 4]
    if found := _by_axes(text, numbers, at, at + 1):
        return found, 2
    skipping, taken = _skipping(text, numbers, at)
    if skipping and not one.letter:
        return skipping, taken
    if _is_point(text, one, other):
        return _reading(text, other, one), 2
    if found := _half(text, one, other, after) or _bare(text, one, other):
        beside = text[numbers[at - 1].end : one.start] if at else ""
        beyond = text[other.end : after[0].start] if after and after[0].kind == "fraction" else ""
        if " " not in (beside, beyond):  # else of a list without commas
            return found, 2
    return skipping, taken


def _is_point(text: str, one: Number, other: Number) -> bool:
    before = text[max(0, one.start - 14) : one.start]
    spaced = other.start - one.end == 1 and text[one.end] == " "
    return bool(_POINT.search(before) if spaced else _MAKE_POINT.search(before))


def _skipping(text: str, numbers: list[Number], at: int) -> tuple[Reading | None, int]:
    """`48.85° N (48°51'), 2.35° E`: what stands between two axes is another way to say the first."""
    for later in range(at + 2, min(at + 4, len(numbers))):
        if numbers[later].axis:
            found = _by_axes(text, numbers, at, later)
            return found, later + 1 - at if found else 1
    return None, 1


def _reading(text: str, lat: Number, lon: Number) -> Reading:
    """The pair; it is torn if the text ends with it inside a bracket."""
    start, end = min(lat.start, lon.start), max(lat.end, lon.end)
    torn = False
    if text[end : end + 2] in ("", "."):
        line = text[max(0, start - CONTEXT) :]
        torn = any(line.rfind(one) > line.rfind(other) for one, other in ("()", "[]", "{}"))
    return Reading(lat.value, lon.value, start, end, bool(lat.letter), torn)


def _by_axes(text: str, numbers: list[Number], at: int, later: int) -> Reading | None:
    """Two of named and different axes; the corners of a box are none."""
    one, other = numbers[at], numbers[later]
    if not one.axis or not other.axis or one.axis == other.axis or other.start - one.end > FAR:
        return None
    if any(each.kind == "barrier" for each in numbers[at : later + 1]) or SEAM in text[one.end : other.start]:
        return None
    before = numbers[at - 1] if at else one
    if before.axis == one.axis and one.start - before.end < CORNERS and abs(before.value - one.value) > SAME:
        return None
    return _reading(text, one, other) if one.axis == "lat" else _reading(text, other, one)


def _half(text: str, one: Number, other: Number, after: Sequence[Number]) -> Reading | None:
    """`33.86 S, 151.2`: one axis says the other; not in `66 W, 48.8, 2.3`, nor where a letter may be cut off."""
    named, bare = (one, other) if one.axis else (other, one)
    if (
        bare.axis
        or not named.axis
        or (named.kind, bare.kind) not in (("fraction", "fraction"), ("whole", "fraction"))
    ):
        return None
    if between(text, one, other) != "strong" or named.letter == "before":
        return None
    if named.letter and len(text) - other.end < ROOM:
        return None
    third = after[0] if after else None
    if third and third.kind == "fraction" and not third.axis and between(text, other, third) == "strong":
        return None
    return _reading(text, named, bare) if named.axis == "lat" else _reading(text, bare, named)


def _bare(text: str, one: Number, other: Number) -> Reading | None:
    """Side by side, latitude first."""
    return _reading(text, one, other) if is_pair(text, one, other) else None
