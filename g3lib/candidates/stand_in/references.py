"""The coordinates that a prompt shows, in any of the formats in which they are written.

`[[48.85, 2.35], …]`, the list of strings `['[48.85, 2.35]', …]` that G3's GPT script prints, and
either with place names: `[[48.85, 2.35, "Paris, France"], …]`, `['[48.85, 2.35] Paris, France', …]`.
"""

import math
import re

Point = tuple[float, float]

# possessive throughout: reading stays linear on text that was made to be slow
_NUMBER = r"-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+"
_INSIDE = {quote: rf"(?:[^{quote}\\]|\\.)*+" for quote in ("'", '"')}
_STRING = "|".join(f"{quote}{inside}{quote}" for quote, inside in _INSIDE.items())


def _item(number: str) -> str:
    """The pattern of one reference, in any format; `number` is that of a number."""
    pair = rf"\[\s*+{number}\s*+,\s*+{number}\s*+"
    quoted = "|".join(rf"{quote}{pair}\]{inside}{quote}" for quote, inside in _INSIDE.items())
    return rf"(?:{pair}(?:,\s*+(?:{_STRING})\s*+)?+\]|{quoted})"


_ITEM = re.compile(_item(f"({_NUMBER})"))
_LIST = re.compile(rf"\[\s*+(?:{_item(_NUMBER)}\s*+(?:,\s*+{_item(_NUMBER)}\s*+)*+)?+\]")


def read_references(text: str) -> tuple[list[Point], list[Point]]:
    """Similar and dissimilar (lat, lon) of a prompt: the words before a list tell which."""
    found: dict[bool, list[Point]] = {True: [], False: []}
    end = 0
    for match in _LIST.finditer(text):  # brackets that are no list of pairs are prose to us
        before = text[end : match.start()].lower()
        found["dissimilar" not in before] += _points(match.group())
        end = match.end()
    return found[True], found[False]


def _points(written: str) -> list[Point]:
    """The finite pairs of a list."""
    points = []
    for item in _ITEM.finditer(written, 1):
        lat, lon = (float(number) for number in item.groups() if number is not None)
        if math.isfinite(lat) and math.isfinite(lon):
            points.append((lat, lon))
    return points
