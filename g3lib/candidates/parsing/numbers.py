"""The numbers of a text that could be coordinates, with their hemispheres, and the labels of axes.

One expression, tried at every character, its repeats bounded or possessive: linear on any text. What looks like a
number of something else (a date, `90%`, `3 km`, `2nd`, `GPT-4.5`) is taken here, so that no other rule sees it.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from g3lib.candidates.parsing.outcomes import Axis

# comma: `48,2`, one number or a pair; triple: `40 26 46` without a letter; noise: a number of something else;
# barrier: of a coordinate, but of which cannot be known, so that nothing is paired across it
Kind = Literal["whole", "fraction", "comma", "triple", "noise", "barrier"]


@dataclass(frozen=True)
class Number:
    """A number at text[start:end], its letter included; a letter or word of hemisphere names the axis."""

    value: float
    start: int
    end: int
    kind: Kind
    axis: Axis | None = None
    letter: Literal["", "before", "after"] = ""  # where its hemisphere stands


@dataclass(frozen=True)
class Label:
    """The name of an axis at text[start:end]; `south latitude` is negative."""

    axis: Axis
    start: int
    end: int
    negative: bool = False


Token = Number | Label

_WORDS = r"north|south|east|west|nord|norte|s[uü]d|sur|oeste|ouest|ovest|ost|[北南][纬緯]|[东東西][经經経]"
_SIDES = {"oeste": "w", "ouest": "w", "ovest": "w", "北": "n", "南": "s", "东": "e", "東": "e", "西": "w"}
_UNSIGNED = r"(?:\d++(?:\.\d++)?|\.\d++)"
_PART = r"\d{1,2}(?:\.\d++)?(?!\d|\.\d)"
_DEGREE = r"(?:°|度|deg(?:rees?|\.)?(?![a-z])|d(?=\d))"
_MINUTE = r"(?:'(?!')|分|min(?:utes?|\.)?(?![a-z])|m(?=\d|[ ]?[NSEW]\b))"
_SECOND = r"(?:\"|''|秒|sec(?:onds?|\.)?(?![a-z])|s(?=[ ]?[NSEW]\b))"
_JOIN = r"(?:,?[ ](?:and[ ])?)?"
_EQUATOR = r"(?![ ]of\b(?![ ](?:the[ ])?(?:equator|greenwich|prime)))"  # 5 west of Paris is not 5 W
_LETTER = rf"(?:[NSEW](?![A-Za-z'])|(?i:{_WORDS})(?![A-Za-z-]){_EQUATOR})"
# the last mark may be missing, but then nothing but a space may stand before the part
_ARC = rf"""(?P<degrees>\d{{1,3}})[ ]?{_DEGREE}
(?:{_JOIN}(?={_PART}[ ]?{_MINUTE})|[ ]?)(?P<minutes>{_PART})(?![ ]?{_DEGREE})(?:[ ]?{_MINUTE})?+
(?:(?:{_JOIN}(?={_PART}[ ]?{_SECOND})|[ ]?)(?P<seconds>{_PART})(?![ ]?{_DEGREE})(?:[ ]?{_SECOND})?+)?"""
_SPACED = rf"""(?P<spaced>\d{{1,3}}(?P<gap>[ :-]){_PART}(?:(?P=gap){_PART})?+)(?![ ]?[°'])"""
_TRIPLE = rf"(?P<triple>\d{{1,3}}[ ]\d{{1,2}}[ ]{_PART})(?![ ]?[°'])"
_NOISE = r"""\d+(?:\.\d+){2,}                      # versions, addresses
| \d{1,4}(?P<dash>[-/])\d{1,2}(?P=dash)\d{1,4}     # dates
| \d{1,2}:\d{1,2}(?::\d{2})?(?![\d.])             # times, 16:9
| \d++/\d++(?!\.?\d)                               # 9/10
| \d{1,3}(?:,\d{3})++\.\d++ | \d{1,3}(?:,\d{3}){2,}  # 1,234,567
| (?m:^)\d{1,2}[.)](?=[ ]) | \d[.)](?=[ ](?i:lat|lon))  # 1. of a list
"""
_UNIT = r"""[ ]?(?:%|‰|(?i:percent|km|kilomet\w{1,9}|m|met(?:er|re)s?|miles?|mi|ft|feet|foot|mm|cm|years?|yrs?|hours?
|hrs?|min(?:ute)?s?|sec(?:ond)?s?|days?|weeks?|months?|people|million|billion|thousand|px|pixels?|mp|points?|stars?
|out[ ]of|of|am|pm)\b|[CFKMxX]\b) | (?![NSEW][\d.])(?=[A-Za-z_])"""
_LABEL = r"""(?:(?<![A-Za-z])(?P<side>(?i:north|south|east|west))(?i:ern)?[ ])?(?<![A-Za-z])m?
(?P<label>(?i:lat(?:itud(?:e|ine)?)?|lon(?:g(?:itud(?:e|ine)?)?)?|lng|breitengrad|l[äa]ngengrad|широта|долгота))s?(?![A-Za-z])
(?:[ ]?\([ ]?°?[ ]?(?P<letter>[NSEW])\)|[ :,(]{1,2}(?P<word>(?i:north|south|east|west))\b(?![ ]of))?
| (?P<chinese>[纬緯经經経])度"""
_TOKEN = re.compile(
    rf"""{_LABEL}
| (?:(?<![A-Za-z'])(?P<before>[NSEW]|(?i:{_WORDS}))(?=[.: ]{{0,2}}[-+.\d])[.:]?[ ]?
    |(?<![A-Za-z0-9_.])|(?:(?i:(?<=lat)|(?<=lon)|(?<=lng)|(?<=long))|(?<=[0-9.°'"][NSEW]))(?=[.\d]))
  (?P<sign>[-+](?:(?<=[:=,;(\[][ ]-)[ ])?)?
  (?: {_ARC} | {_SPACED}(?(before)|(?=[ ]?{_LETTER})) | (?(before)(?!)|(?P<noise>{_NOISE})) | {_TRIPLE}
    | (?:(?P<comma>\d{{1,3}},\d++)(?!\.\d)|(?P<plain>{_UNSIGNED}(?(before)|(?:[eE][-+]?\d++)?)))
      (?P<degree>[ ]?{_DEGREE})? )
  (?:[ ]?(?:±|\+/-)[ ]?{_UNSIGNED}[ ]?°?)?
  (?(before)|(?:[ ]?(?P<bracket>\()?(?P<after>{_LETTER})(?(bracket)\)))?)
  (?P<other>[ ]?O\b)?   # east in German, west in Spanish
  (?P<unit>{_UNIT})?""",
    re.VERBOSE,
)
_GLUED = re.compile(r"[^\W\d_]-$|(?:^|[^A-Za-z0-9.])[A-Za-z]/$")  # GPT-4.5, f/2.8; not 48.85N/2.35E


def tokens_of(text: str) -> Iterator[Token]:
    """Numbers and labels in their order."""
    for found in _TOKEN.finditer(text):
        parts = found.groupdict()
        if parts["label"] or parts["chinese"]:
            yield _label(parts, found.start(), found.end())
        else:
            yield _number(parts, text, found.start(), found.end())


def _label(parts: Mapping[str, str | None], start: int, end: int) -> Label:
    name = (parts["label"] or parts["chinese"] or "").lower()
    axis: Axis = "lat" if name.startswith(("lat", "breite", "широта", "纬", "緯")) else "lon"
    side = parts["side"] or parts["letter"] or parts["word"]
    negative = side is not None and side[0].lower() == ("s" if axis == "lat" else "w")
    return Label(axis, start, end, negative)


def _number(parts: Mapping[str, str | None], text: str, start: int, end: int) -> Number:
    """A number with the sign of its letter; one that says both `-` and `N` is neither."""
    letter = parts["before"] or parts["after"]
    side = _SIDES.get(letter.lower(), _SIDES.get(letter[0], letter[0].lower())) if letter else ""
    axis: Axis | None = ("lat" if side in "ns" else "lon") if side else None
    value, kind = _value(parts)
    negative = (parts["sign"] or "").startswith("-")
    glued = _GLUED.search(text[max(0, start - 3) : start])
    if kind != "noise" and (parts["other"] or glued or (negative and side and side in "ne")):
        kind = "barrier"
    elif parts["unit"] is not None:
        kind = "noise"
    elif axis and kind in ("comma", "triple", "whole"):
        kind = "fraction"
    value = -value if negative or (side and side in "sw") else value
    place: Literal["", "before", "after"] = "before" if parts["before"] else "after" if side else ""
    return Number(value, start, end, kind, axis, place)


def _value(parts: Mapping[str, str | None]) -> tuple[float, Kind]:
    """The number without its sign, and what it looks like."""
    if parts["noise"]:
        return math.nan, "noise"
    if parts["degrees"]:
        return _sexagesimal([parts["degrees"], parts["minutes"] or "0", parts["seconds"] or "0"], "fraction")
    if parts["spaced"]:
        return _sexagesimal(re.split("[ :-]", parts["spaced"]), "fraction")
    if parts["triple"]:
        return _sexagesimal(parts["triple"].split(" "), "triple")
    if parts["comma"]:
        return float(parts["comma"].replace(",", ".")), "fraction" if parts["degree"] else "comma"
    plain = parts["plain"] or "nan"
    return float(plain), "whole" if plain.isdigit() and not parts["degree"] else "fraction"


def _sexagesimal(parts: list[str], kind: Kind) -> tuple[float, Kind]:
    """Degrees of degrees, minutes and perhaps seconds; 75 minutes are none."""
    degrees, *rest = map(float, parts)
    if max(rest) >= 60:
        return math.nan, "noise" if kind == "triple" else "barrier"
    return degrees + sum(part / 60**power for power, part in enumerate(rest, 1)), kind
