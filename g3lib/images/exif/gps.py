"""Coordinates as cameras and programs write them, made degrees: a good one is never lost, a bad one never believed."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from g3lib.images.exif.tiff import Value
from g3lib.images.fates import Fate

_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_ZERO = 1e-6  # degrees, 0.1 m: nearer to (0, 0) than that no camera stood


@dataclass(frozen=True)
class Position:
    """Degrees, WGS 84, longitude in [-180, 180); and who said it: `exif`, `xmp` or `side-car`."""

    lat: float
    lon: float
    source: str = "exif"


@dataclass(frozen=True)
class NoPosition:
    """Why a file has no position that can be used: the fate a ledger records, and what was found."""

    fate: Fate
    detail: str


class _Refused(ValueError):
    def __init__(self, fate: Fate, detail: str) -> None:
        super().__init__(detail)
        self.refusal = NoPosition(fate, detail)


def from_gps_tags(tags: Mapping[int, Value]) -> Position | NoPosition:
    """The position that the tags of an EXIF GPS directory tell."""
    missing = [name for name, tag in (("latitude", 2), ("longitude", 4)) if not tags.get(tag)]
    if missing:
        return NoPosition(Fate.NO_GPS, f"its GPS tags hold no {' and no '.join(missing)}")
    try:
        lat = _degrees(tags[_LATITUDE], "latitude")
        lon = _degrees(tags[_LONGITUDE], "longitude")
        lat = _signed(lat, _letter(tags.get(_LATITUDE_REF)), "NS", "latitude")
        lon = _signed(lon, _letter(tags.get(_LONGITUDE_REF)), "EW", "longitude")
    except _Refused as problem:
        return problem.refusal
    return _judged(lat, lon, "exif")


def from_texts(latitude: str, longitude: str, source: str) -> Position | NoPosition:
    """The position of two texts that end in their letter, such as XMP's `48,53.32N`."""
    try:
        lat = _signed_text(latitude.strip(), "NS", "latitude")
        lon = _signed_text(longitude.strip(), "EW", "longitude")
    except _Refused as problem:
        return problem.refusal
    return _judged(lat, lon, source)


def _signed_text(text: str, letters: str, name: str) -> float:
    letter = text[-1:] if text[-1:].isalpha() else ""
    return _signed(_degrees_in(text.removesuffix(letter), name), letter.upper(), letters, name)


def _judged(lat: float, lon: float, source: str) -> Position | NoPosition:
    if abs(lat) > 90 or abs(lon) > 180:
        return NoPosition(Fate.GPS_OUT_OF_RANGE, f"({lat:.6g}, {lon:.6g}) is not on Earth")
    if abs(lat) < _ZERO and abs(lon) < _ZERO:
        return NoPosition(Fate.GPS_ZERO, "(0, 0): the device knew no position")
    return Position(lat, -180.0 if lon == 180 else lon, source)


def _degrees(value: Value, name: str) -> float:
    if isinstance(value, bytes):  # a text where numbers belong: its letter has a tag of its own
        return _degrees_in(value.decode("latin-1").strip("\0 \t\r\n"), name)
    return _combined(value, name)


def _combined(parts: Sequence[float], name: str) -> float:
    """Degrees, minutes and seconds made one; negative if the degrees, or all that is not 0, are negative."""
    written = ", ".join(f"{part:g}" for part in parts)
    if not 1 <= len(parts) <= 3:
        _refuse(Fate.GPS_NOT_A_NUMBER, f"its {name} has {len(parts)} numbers")
    degrees, minutes, seconds = (*parts, 0.0, 0.0)[:3]
    if math.isnan(seconds):
        seconds = 0.0  # 0/0: decimal minutes say it all
    if math.isnan(minutes) and seconds == 0 and degrees % 1:
        minutes = 0.0  # likewise decimal degrees; whole ones alone would be a guess
    if not all(map(math.isfinite, (degrees, minutes, seconds))):
        _refuse(Fate.GPS_NOT_A_NUMBER, f"its {name} is ({written})")
    negative = degrees < 0 or (degrees == 0 and min(minutes, seconds) < 0)
    if negative:
        degrees, minutes, seconds = abs(degrees), abs(minutes), abs(seconds)
    if not (0 <= minutes <= 60 and 0 <= seconds <= 60):  # 60 itself is 59.99… rounded
        _refuse(Fate.GPS_OUT_OF_RANGE, f"its {name} is ({written}): minutes and seconds end at 60")
    total = degrees + minutes / 60 + seconds / 3600
    return -total if negative else total


def _degrees_in(text: str, name: str) -> float:
    """Degrees of a text: `52.84`, `48,53.32`, `48 53' 19.4"`, or with decimal commas `52,00000,50,00000,34,01180`."""
    numbers = re.findall(r"[-+]?\d+(?:\.\d+)?", text)
    if not numbers or len(text) > 100 or re.search(r"[^-+\d.,;:/°'\"′″\s]", text):
        _refuse(Fate.GPS_NOT_A_NUMBER, f"its {name} is {text[:100]!r}")
    whole = "." not in text
    if (
        "," in text and whole and re.search(r"[^-+\d,]", text)
    ):  # commas within, something else between the numbers
        numbers = [number.replace(",", ".") for number in re.findall(r"[-+]?\d+(?:,\d+)?", text)]
    elif "," in text and whole and len(numbers) == 6:
        numbers = [f"{left}.{right}" for left, right in zip(numbers[::2], numbers[1::2], strict=True)]
    elif "," in text and whole and len(numbers) == 2 and len(numbers[1]) > 2:
        numbers = [".".join(numbers)]
    elif "/" in text:
        _refuse(Fate.GPS_NOT_A_NUMBER, f"its {name} is {text!r}")
    return _combined([float(number) for number in numbers], name)


def _letter(value: Value | None) -> str:
    if isinstance(value, tuple):  # bytes where a text belongs
        value = bytes(int(number) for number in value if 0 <= number < 256)
    return (value or b"").decode("latin-1").strip("\0 \t\r\n").upper()


def _signed(degrees: float, letter: str, letters: str, name: str) -> float:
    """The half of the Earth that the letter names; `letters` are those of the positive and the negative half."""
    words = {"NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W"}
    letter = words.get(letter, letter)
    if letter not in tuple(letters):
        found = f"{letter[:20]!r}" if letter else "none"
        _refuse(Fate.GPS_NO_REFERENCE, f"its {name} needs {letters[0]} or {letters[1]}, found {found}")
    if degrees < 0 and letter == letters[0]:
        _refuse(Fate.GPS_OUT_OF_RANGE, f"its {name} is {degrees:g} {letter}: sign and letter disagree")
    return -abs(degrees) if letter == letters[1] else degrees


def _refuse(fate: Fate, detail: str) -> NoReturn:
    raise _Refused(fate, detail)
