"""From an LMM's answer that names a place to its position, or to a named failure; an answer is hostile until read.

Fields first: JSON in any state, or lines like "City: Paris", wherever they stand in the text. Then prose, and
coordinates only where no place is found. How names are understood: `g3lib.places.lookup`.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

from g3lib.candidates.parsing import Failure, Position, parse_position
from g3lib.candidates.parsing.cleaning import clean
from g3lib.candidates.parsing.objects import Node, read_objects
from g3lib.candidates.place_prose import place_in_prose, place_of_address
from g3lib.places.lookup import Located, locate_place

MOST = 20  # objects that are looked up in one text: a hostile one costs no more than milliseconds

_LEVELS: Mapping[str, tuple[str, ...]] = {  # keys that mean the same, what is more telling first
    "city": ("city", "town", "village", "municipality", "locality", "settlement"),
    "county": ("county", "district"),
    "state": ("state", "region", "province", "prefecture", "territory", "department"),
    "country": ("country", "nation"),
    "address": ("place", "location", "address", "answer"),
}
_KEYS = {key: (level, order) for level, keys in _LEVELS.items() for order, key in enumerate(keys)}
_WORD = re.compile(r"[a-z]+|[A-Z](?:[a-z]+|[A-Z]*)")
_LABEL = re.compile(rf"\b({'|'.join(_KEYS)})\b[ \w/()]{{0,30}}[:=]", re.IGNORECASE)
_VALUE_ENDS = re.compile(r"[\n;|{}]|, ?$")
_BLANK = re.compile(  # "Unknown", "not visible here"
    r"\W*(?:(?:unknown|none|null|n/a|undefined|unspecified|unclear|uncertain|unidentified|string|not)"
    r"\b(?: \w+){0,2}\W*|na\W*)?",
    re.IGNORECASE,
)
Fields = dict[str, str]  # names by level


def parse_place(text: str) -> Position | Failure:
    """Where the place is that an answer names first; never raises.

    Failure("unknown place") if no place is named that the gazetteer has, and otherwise as `parse_position`.
    """
    said = clean(text).text
    for fields in islice(_all_fields(said), MOST):
        if found := _locate(fields):
            return Position(found.lat, found.lon)
    if found := None if _BLANK.fullmatch(said) else place_in_prose(said):
        return Position(found.lat, found.lon)
    read = parse_position(text)
    return Failure("unknown place") if read == Failure("no coordinates") else read


def _all_fields(text: str) -> Iterator[Fields]:
    """The fields of every object, from the first and its outermost inwards, then those of labelled lines."""
    complete, torn = read_objects(text)
    for root in (*complete, *([torn] if torn else [])):
        waiting = deque([root])
        while waiting:
            node = waiting.popleft()
            inner = [each for _, each in node.items if isinstance(each, Node)]
            yield _of_levels(
                [*_texts(node), *(pair for each in inner if not each.is_list for pair in _texts(each))]
            )
            waiting.extend(inner)
    yield _of_levels(_labelled(text))


def _texts(node: Node) -> list[tuple[str, str]]:
    """Keys and values of an object, without those that hold others."""
    return [(key, value) for key, value in node.items if key and isinstance(value, str)]


def _labelled(text: str) -> list[tuple[str, str]]:
    """Labels and what follows them, to the end of the line or the next label."""
    labels = [*_LABEL.finditer(text), None]
    found = []
    for label, following in pairwise(labels):
        if label:
            value = text[label.end() : following.start() if following else len(text)]
            found.append((label[1], _VALUE_ENDS.split(value, maxsplit=1)[0]))
    return found


def _of_levels(named: list[tuple[str, str]]) -> Fields:
    """For each level its most telling key's value that is not blank."""
    found: dict[str, tuple[int, str]] = {}
    for key, value in named:
        value = value.strip(" \n\t,.\"'()[]")
        for word in map(str.lower, _WORD.findall(key)):
            level, order = _KEYS.get(word, ("", 0))
            if level and not _BLANK.fullmatch(value) and (level not in found or order < found[level][0]):
                found[level] = order, value
    return {level: value for level, (_, value) in found.items()}


def _locate(fields: Fields) -> Located | None:
    """The place of some fields; a country that is not understood is left out."""
    country, state, city, county = (fields.get(level) for level in ("country", "state", "city", "county"))
    if not (country or state or county) and (address := fields.get("address") or city):
        return place_of_address([part.strip() for part in address.split(",") if part.strip()])
    found = locate_place(country, state, city or fields.get("address"), county)
    return found or locate_place(None, state, city, county)
