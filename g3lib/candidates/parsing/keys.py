"""What an object says the coordinates are, by its keys."""

import math
import re
from collections import deque
from collections.abc import Mapping

from g3lib.candidates.parsing.labels import numbers_of
from g3lib.candidates.parsing.objects import Node, Value
from g3lib.candidates.parsing.outcomes import AXES, Axis, Reading
from g3lib.candidates.parsing.pairs import read_pairs
from g3lib.candidates.parsing.words import (
    BOTH,
    DIRECTIONS,
    FINAL,
    MODIFIERS,
    NAMES,
    OTHERS,
    PARTS,
    PLACES,
    VALUES,
    words_of,
)

_NUMBER = re.compile(r"[-+]?(?:\d++(?:[.,]\d*+)?|\.\d++)(?:[eE][-+]?\d++)?")
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE)
_SHORT = 80  # characters of a value that is a pair; longer ones are prose

Said = tuple[float, bool]  # a value, and whether a letter names its axis


def reading_of(root: Node) -> Reading | None:
    """The outermost coordinates; of several, those under a key such as `answer`, never those under `similar`."""
    waiting = deque([root])
    while waiting:
        node = waiting.popleft()
        values = _axes_in(node)
        if not node.complete and not _are_even(values):
            return None  # the other one was to come
        if pair := _direct(node, values) or _listed(node):
            (lat, lettered), (lon, _) = pair
            return Reading(lat, lon, root.start, root.end, lettered, structured=True)
        children = [(set(words_of(key)), each) for key, each in node.items if isinstance(each, Node)]
        children.sort(key=lambda child: not FINAL & child[0])
        waiting.extend(each for words, each in children if not OTHERS & words)
    return None


def names_axes(root: Node) -> bool:
    """Whether it has a key for an axis somewhere, e.g. as the echo of a schema."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if any(NAMES.keys() & set(words_of(key)) for key, _ in node.items):
            return True
        waiting += [each for _, each in node.items if isinstance(each, Node)]
    return False


def _axes_in(node: Node) -> dict[str, Value]:
    """Values by axis, and under `lat ref` or `lon ref` those of keys such as `latitude_direction`."""
    values: dict[str, Value] = {}
    for key, value in node.items:
        words = words_of(key)
        axes = [NAMES[word] for word in words if word in NAMES]
        rest = set(words) - NAMES.keys()
        if len(axes) == 1 and rest & DIRECTIONS:
            values[f"{axes[0]} ref"] = value
        elif len(axes) == 1 and rest <= MODIFIERS:
            values[axes[0]] = value
    return values


def _are_even(values: Mapping[str, Value]) -> bool:
    """Whether what one axis has the other has, too."""
    return all((f"lat{more}" in values) == (f"lon{more}" in values) for more in ("", " ref"))


def _direct(node: Node, values: Mapping[str, Value]) -> tuple[Said, Said] | None:
    """`{"latitude": 48.85, "longitude": 2.35}`."""
    lat, lon = (_scalar(values.get(axis), axis, values.get(f"{axis} ref")) for axis in AXES)
    return (lat, lon) if lat and lon else None


def _scalar(value: Value | None, axis: Axis, side: Value | None = None) -> Said | None:
    """A number, perhaps as text with a letter, perhaps in a list, perhaps as degrees, minutes and seconds."""
    if isinstance(value, Node):
        if value.is_list:
            return _scalar(value.items[0][1], axis, side) if len(value.items) == 1 else None
        value = _joined(value)
    if value is None:
        return None
    said = _number(f"{value}", axis)
    if said and isinstance(side, str) and side.strip()[:1].lower() in ("s", "w"):
        return -abs(said[0]), True
    return said


def _number(text: str, axis: Axis) -> Said | None:
    """The one number of a text, if it can be of that axis."""
    if _NUMBER.fullmatch(text := text.strip()):
        return float(text.replace(",", ".")), False
    if _NOT_FINITE.fullmatch(text):
        return math.nan, False
    numbers = numbers_of(text)
    if len(numbers) != 1 or numbers[0].kind == "barrier" or numbers[0].axis not in (None, axis):
        return None
    return numbers[0].value, bool(numbers[0].letter)


def _joined(node: Node) -> str:
    """`{"degrees": 48, "minutes": 51, "direction": "N"}` as text; or the value of `{"value": 48.85}`."""
    parts = {
        words[0]: value for key, value in node.items if (words := words_of(key)) and isinstance(value, str)
    }
    whole = next((parts[key] for key in VALUES if key in parts), None)
    if whole is not None:
        return whole
    arc = "".join(f"{value}{PARTS[key]}" for key, value in parts.items() if key in PARTS)
    return arc + "".join(f" {value}" for key, value in parts.items() if key in DIRECTIONS)


def _listed(node: Node) -> tuple[Said, Said] | None:
    """`{"coordinates": [48.85, 2.35]}`, `{"gps": "48.85, 2.35"}`; GeoJSON has the longitude first."""
    kind = next((value for key, value in node.items if key == "type" and isinstance(value, str)), "")
    for key, value in node.items:
        words = words_of(key)
        axes = [NAMES[word] for word in words if word in NAMES]
        known = set(words) & (PLACES | NAMES.keys()) and set(words) <= MODIFIERS | NAMES.keys()
        if not known or len(axes) == 1 or not (pair := _pair(value)):
            continue
        geojson = kind.lower() == "point" and words == ["coordinates"]
        first = next(
            iter(axes or [BOTH[word] for word in words if word in BOTH]), "lon" if geojson else "lat"
        )
        return pair if first == "lat" else (pair[1], pair[0])
    return None


def _pair(value: Value) -> tuple[Said, Said] | None:
    """Two numbers in a list, perhaps with an altitude, or in a short text."""
    if isinstance(value, str):
        pairs = list(read_pairs(value)) if len(value) <= _SHORT else []
        return ((pairs[0].lat, pairs[0].lettered), (pairs[0].lon, False)) if len(pairs) == 1 else None
    if not value.is_list or not value.complete:
        return None
    if len(value.items) == 1 and isinstance(value.items[0][1], Node):
        return _pair(value.items[0][1])
    if len(value.items) not in (2, 3):
        return None
    one, other = (_scalar(value.items[at][1], axis) for at, axis in enumerate(AXES))
    return (one, other) if one and other else None
