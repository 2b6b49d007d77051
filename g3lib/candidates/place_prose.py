"""Places in running text: addresses ("Paris, Île-de-France, France") and names alone ("in Paris").

A name is a row of capitalised words, with small ones inside ("Rio de Janeiro"). Alone it is a place only after a word
such as "in", or if it is a country. What is found most exactly counts, and of equals the first.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from g3lib.places.lookup import Located, locate_place
from g3lib.places.spelling import bare, plain

MOST = 20  # names and addresses that are looked up in one text: a hostile one costs no more than milliseconds
LONGEST = 80  # characters of a name, and of a text that may be nothing but a place, however it is written
PARTS = 4  # of an address: place, city, state, country
CUT = 3  # words before a name that may not belong to it ("Downtown Chicago")

_TOKEN = re.compile(r"(?:St|Ste|Mt|Ft)\.|(?:[^\W\d_]\.){2,}|[^\W\d_]++(?:['-][^\W\d_]++)*+|\d++|[^\w\s]|\n")
_INSIDE = re.compile(
    "a[dlmn]|and|of|on|upon|under|the|d[aeiou]|d[ae]l|de[lnrs]|della|do?s|dos|das|e[ln]|l[aeo]s?|sur|v[ao]n|y",
    re.ASCII,
)
_BEFORE = re.compile("in|near|at|from|of|is|be|around|to|like|say|as|the|outside|:", re.IGNORECASE)
_BESIDE = re.compile("Downtown|Likely|Maybe|Perhaps|Possibly|Probably|Definitely|Somewhere")
_SHORT = re.compile("US|UK|USA|UAE|U\\.S\\.(?:A\\.)?|U\\.K\\.|U\\.A\\.E\\.")
_EXACTNESS = ("city", "county", "state", "country")


class Address(NamedTuple):
    """Names joined by commas, from the smallest place to the largest, and what stands before the first."""

    before: str
    names: list[str]


def place_in_prose(text: str) -> Located | None:
    """The place that a text names; None if it names none that is known."""
    found = [*islice(_addresses(text), MOST)]
    joined = (place_of_address(each.names) for each in found if len(each.names) > 1)
    alone = _alone([each for each in found if len(each.names) == 1])
    best = _best(part for parts in (joined, alone) for part in parts)
    if best is None and len(text) <= LONGEST:
        return place_of_address([part.strip() for part in text.strip(" .\n").split(",")])
    return best


def place_of_address(names: Sequence[str]) -> Located | None:
    """The place of names from the smallest to the largest; the last is a country, a state or a city."""
    *smaller, last = names[-PARTS:] or [""]
    options: list[tuple[str | None, str | None]] = [(last, None), (None, last)]
    if len(last) == 2 and last.isupper():  # "Salem, IN" is not in India
        options.reverse()
    wholes = []
    for country, state in options:
        if whole := locate_place(country, state):
            found = _within(smaller, country, state, whole)
            if found != whole:
                return found
            wholes.append(whole)
    if wholes and (wholes[0].level == "country" or (smaller and wholes[0].level == "state")):
        return wholes[0]
    return _named(last)


def _within(names: Sequence[str], country: str | None, state: str | None, whole: Located) -> Located:
    """The place of an address's smaller names in a country or state, which is at `whole`; that, if none is known.

    From the smallest if all are within a state; else from the largest, or "Downtown, Chicago" is anywhere.
    """
    middle = names[-1] if len(names) > 1 and not state else None
    if middle and locate_place(country, middle) == whole:
        middle = None
    for cut in range(CUT + 1):
        cut_names = [(name, " ".join(name.split()[cut:])) for name in names]
        found = _best(
            _named(rest, country, state or (middle if name != middle else None))
            for name, rest in (cut_names if middle or state else reversed(cut_names))
            if rest
        )
        if found and found != whole:
            return found
    return whole


def _named(name: str, country: str | None = None, state: str | None = None) -> Located | None:
    """A city; or a state that has no such city: "California, USA" is neither California City nor in Maryland."""
    area = locate_place(country, name) if state is None else None
    if area and area.level == "state" and area != locate_place(country):
        inside = locate_place(country, name, name)
        if inside == area or (inside and plain(inside.name) not in (plain(name), bare(plain(area.name)))):
            return area
    return locate_place(country, state, name)


def _alone(found: Sequence[Address]) -> Iterator[Located | None]:
    """The places of names that stand alone, in the first of them that is a country."""
    country = next((name for _, (name,) in found if _is_country(name)), None)
    for before, (name,) in found:
        if _BEFORE.fullmatch(before) and name != country:
            yield _named(name, country)
            yield _named(name.removeprefix("Central "), country)
    yield locate_place(country) if country else None


def _is_country(name: str) -> bool:
    found = locate_place(name) if len(name) > 3 or _SHORT.fullmatch(name) else None
    return found is not None and found.level == "country"


def _best(found: Iterable[Located | None]) -> Located | None:
    """The most exact, of equals the first; after a city nothing more is looked up."""
    best: Located | None = None
    for each in found:
        if each and (best is None or _EXACTNESS.index(each.level) < _EXACTNESS.index(best.level)):
            best = each
        if best and best.level == "city":
            break
    return best


def _addresses(text: str) -> Iterator[Address]:
    """Every row of capitalised words and commas, with what stands before it."""
    before, row = "", list[str]()
    for token in (*_TOKEN.findall(text), "\n"):
        if _is_capitalised(token) or (
            row and (token == "," or (row[-1] != "," and _INSIDE.fullmatch(token)))
        ):
            row.append(token)
            continue
        if names := _split(row):
            yield Address(before, names)
        before, row = token, []


def _is_capitalised(word: str) -> bool:
    """Whether a word begins a name, as d'Ivoire does."""
    return word[0].isupper() or (word[1:2] == "'" and word[2:3].isupper())


def _split(row: Sequence[str]) -> list[str]:
    """The names between the commas of a row, without words that only stand beside them; letters are no names."""
    names = []
    for part in " ".join(row).split(","):
        words = [word for word in part.split() if not _BESIDE.fullmatch(word)]
        while words and not _is_capitalised(words[-1]):
            words.pop()
        name = " ".join(words)
        if len(name) > 2 or (len(name) == 2 and name.isupper()):
            names.append(name)
    return [name for name in names if len(name) <= LONGEST]
