"""From an LMM's answer to a position, or to a named failure; an answer is hostile until read.

JSON is tried first, wherever it stands in the text; then a tolerant reader of numbers with labels,
hemispheres, degrees-minutes-seconds and decimal commas.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from g3lib.geo import wrap_longitude

LONGEST = 4000  # characters read: an honest answer has some 60, and reading must stay linear

Axis = Literal["lat", "lon"]


@dataclass(frozen=True)
class Position:
    """Degrees, WGS 84: |lat| <= 90 and -180 <= lon < 180."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Failure:
    """Why an answer gives no position: empty, refusal, no coordinates, not finite, out of range."""

    reason: str


_MINUS = str.maketrans(dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"))
_DECODER = json.JSONDecoder(parse_int=float)  # an integer of 400 digits becomes inf, not an error
_KEYS: dict[str, Axis] = {
    "latitude": "lat",
    "lat": "lat",
    "longitude": "lon",
    "lon": "lon",
    "lng": "lon",
    "long": "lon",
}
# atomic, so that `90%` is not read as 9, and linear on hostile text
_NUMBER = r"(?<![\w.])(?>[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?)(?!\.?\d|(?:st|nd|rd|th)\b)"
_SEXAGESIMAL = r"(?:\s*°\s*([\d.]+)\s*['\u2032\u2019](?:\s*([\d.]+)\s*(?:[\"\u2033\u201d]|''))?)?"
_TOKEN = re.compile(
    rf"(?:\b((?-i:[NSEW]))[\s:]*)?({_NUMBER}){_SEXAGESIMAL}"
    r"\s*(?:°|º|degrees?\b|deg\b)?(?:\s*(north|south|east|west|(?-i:[NSEW]))\b)?"
    r"(?!\s*(?:%|km\b|percent\b))",
    re.IGNORECASE,
)
_COMMA = re.compile(r"(?<![\w.])([-+]?\d{1,3}),(\d+)(?!\.?\d)")
_PAIR_IN_BRACKETS = re.compile(r"[(\[]\s*[-+]?\d+,[-+]?\d+\s*[)\]]")
_LABEL = re.compile(r"\b(lat(?:itude)?|lon(?:g(?:itude)?)?|lng)(?![a-z])", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\b(sorry|apologi[sz]e|can(?:not|['\u2019]?t)|unable|not able|won['\u2019]?t|refuse|decline"
    r"|impossible)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Number:
    value: float
    axis: Axis | None
    fractional: bool


def parse_position(text: str) -> Position | Failure:
    """The first position an answer gives; never raises, and never (0, 0) for want of a better one.

    |lat| > 90 is swapped with the longitude only if that alone makes the pair valid; longitudes up
    to one turn out are wrapped. The official parser's traps: reference, paper code (regex).
    """
    text = " ".join(text[:LONGEST].translate(_MINUS).split())
    if not text:
        return Failure("empty")
    pair = _from_json(text) or _from_prose(text)
    if pair is not None:
        return _checked(*pair)
    return Failure("refusal" if _REFUSAL.search(text) else "no coordinates")


def _checked(lat: float, lon: float) -> Position | Failure:
    """A position on Earth, swapped or wrapped where that is what was plainly meant."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return Failure("not finite")
    if abs(lat) > 90 and abs(lon) <= 90 and abs(lat) <= 180:
        lat, lon = lon, lat
    if abs(lat) > 90 or abs(lon) > 360:
        return Failure("out of range")
    return Position(lat, lon if -180 <= lon < 180 else float(wrap_longitude(lon)))


def _from_json(text: str) -> tuple[float, float] | None:
    """The first JSON object that has both coordinates, as numbers or as strings of one."""
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):  # prose, torn JSON, or nesting meant to hurt
            found = {}
        values = {_KEYS.get(key.strip().lower()): _plain(value) for key, value in found.items()}
        lat, lon = values.get("lat"), values.get("lon")
        if lat is not None and lon is not None:
            return lat, lon
        start = text.find("{", start + 1)
    return None


def _plain(value: Any) -> float | None:
    """A JSON value as a number; a string may carry a hemisphere, e.g. `12.5° S`."""
    if isinstance(value, float):
        return value
    numbers = _numbers(value) if isinstance(value, str) else []
    return numbers[0].value if numbers else None


def _from_prose(text: str) -> tuple[float, float] | None:
    """Labelled numbers first; unlabelled ones as (lat, lon), those with decimals first."""
    numbers = _numbers(text)
    spare = [number for number in numbers if number.axis is None]
    if sum(number.fractional for number in spare) >= 2:  # leaves out `1.` and `one of 3 places`
        spare = [number for number in spare if number.fractional]
    lat = next((number for number in numbers if number.axis == "lat"), None)
    lon = next((number for number in numbers if number.axis == "lon"), None)
    lat = lat or (spare.pop(0) if spare else None)
    lon = lon or (spare.pop(0) if spare else None)
    return (lat.value, lon.value) if lat and lon else None


def _numbers(text: str) -> list[_Number]:
    """Every number of the text that could be a coordinate, with the axis that its words name."""
    text = _with_decimal_points(text)
    numbers, end = [], 0
    for match in _TOKEN.finditer(text):
        before, number, minutes, seconds, after = match.groups()
        hemisphere = (before or after or " ")[0].upper()
        value = float(number)
        value += math.copysign(_degrees(minutes, 60) + _degrees(seconds, 3600), value)
        value = -abs(value) if hemisphere in "SW" else value
        fractional = minutes is not None or not number.lstrip("+-").isdigit()
        numbers.append(_Number(value, _axis(hemisphere, text[end : match.start()]), fractional))
        end = match.end()
    return numbers


def _degrees(part: str | None, per_degree: int) -> float:
    """Minutes or seconds of arc in degrees; NaN for what only looks like a number."""
    try:
        return float(part) / per_degree if part else 0.0
    except ValueError:
        return math.nan


def _axis(hemisphere: str, gap: str) -> Axis | None:
    """By hemisphere, else by the label in the words since the last number, if there is just one."""
    if hemisphere in "NSEW":
        return "lat" if hemisphere in "NS" else "lon"
    named = {_KEYS[label.lower()] for label in _LABEL.findall(gap)}
    return named.pop() if len(named) == 1 else None


def _with_decimal_points(text: str) -> str:
    """`48,8566; 2,3522` with points, if there are two such numbers and none with a point."""
    if "." in re.sub(r"\.(?!\d)", "", text) or _PAIR_IN_BRACKETS.search(text):
        return text
    return _COMMA.sub(r"\1.\2", text) if len(_COMMA.findall(text)) >= 2 else text
