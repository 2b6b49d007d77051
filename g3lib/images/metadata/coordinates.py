"""Coordinates as text to float64 degrees: plain numbers at once, odd spellings one by one, and how each was read."""

import re
from enum import IntEnum

import polars as pl

COMMA = re.compile(r"[+-]?\d{1,3},\d+")
LETTER = re.compile(
    r"(?P<before>[NSEW])?\s*(?P<number>\d{1,3}(?:[.,]\d+)?)\s*°?\s*(?P<after>[NSEW])?", re.IGNORECASE
)


class How(IntEnum):
    """How a coordinate was read; the greater, the graver."""

    PLAIN = 0
    DECIMAL_COMMA = 1
    HEMISPHERE = 2
    NO_NUMBER = 3
    EMPTY = 4


def spelt(text: str, letters: str) -> tuple[float, How]:
    """A coordinate that is no plain number: decimal comma, or a hemisphere's letter (`letters`: NS or EW).

    Both are conclusive: no thousands are on the Earth, and a letter leaves no choice of sign. A sign beside a
    letter, or degrees with minutes, are not read: NaN, NO_NUMBER.
    """
    text = text.strip().replace("\N{MINUS SIGN}", "-").removesuffix("°").rstrip()
    if COMMA.fullmatch(text):
        return float(text.replace(",", ".")), How.DECIMAL_COMMA
    found = LETTER.fullmatch(text)
    if found and bool(found["before"]) != bool(found["after"]):
        letter = (found["before"] or found["after"]).upper()
        if letter in letters:
            sign = -1.0 if letter in "SW" else 1.0
            return sign * float(found["number"].replace(",", ".")), How.HEMISPHERE
    try:
        plain = re.fullmatch(r"[+-]?\d+(\.\d*)?", text, re.ASCII)
        return (float(text), How.PLAIN) if plain else (float("nan"), How.NO_NUMBER)
    except ValueError:
        return float("nan"), How.NO_NUMBER


def parsed(text: pl.Series, letters: str) -> tuple[pl.Series, pl.Series]:
    """(degrees as Float64, NaN where there is none; How as UInt8) of a column of text, correctly rounded."""
    degrees = text.cast(pl.Float64, strict=False)
    if degrees.null_count() == 0:
        return degrees, pl.repeat(How.PLAIN, text.len(), dtype=pl.UInt8, eager=True)
    rows = degrees.is_null().arg_true()
    read = [spelt(each, letters) if each and not each.isspace() else (None, How.EMPTY) for each in text[rows]]
    values = pl.Series([value if value is not None else float("nan") for value, _ in read], dtype=pl.Float64)
    how = pl.repeat(How.PLAIN, text.len(), dtype=pl.UInt8, eager=True)
    hows = pl.Series([int(way) for _, way in read], dtype=pl.UInt8)
    return degrees.scatter(rows, values), how.scatter(rows, hows)
