"""References as a question shows them: positions, and the names of their places if those are shown, too.

In one of two formats of the official scripts:

- strings: `['[48.8566, 2.3522]', '[35.0, 135.75]']`, a Python list of strings, as the one for GPT-4V prints them;
- lists: `[[48.8566, 2.3522], [35.0, 135.75]]`, a JSON list of lists, as the one for LLaVA does;

with names `['[48.8566, 2.3522] Paris, France']` and `[[48.8566, 2.3522, "Paris, France"]]`. Numbers have at most
DECIMALS decimals (0.1 m). Names are strangers' data: put on one line and quoted by each format's own rules.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from g3lib.experiments.experiment import ReferenceFormat

__all__ = ["FORMATS", "Reference", "ReferenceFormat", "write_references"]

FORMATS: tuple[ReferenceFormat, ...] = get_args(ReferenceFormat)
DECIMALS = 6
LONGEST_NAME = 200  # characters of a place's name that are shown


@dataclass(frozen=True)
class Reference:
    """A position to show (degrees), and the name of its place, if that is shown too."""

    lat: float
    lon: float
    place: str | None = None


def write_references(references: Sequence[Reference], format: ReferenceFormat) -> str:
    """References as a list in one of the two formats; ValueError for another and for positions not finite."""
    if format == "lists":
        return f"[{', '.join(map(_as_list, references))}]"
    if format == "strings":
        return str([" ".join(filter(None, (_pair(each), _name(each)))) for each in references])
    raise ValueError(f"no reference format {format!r}; there are: {', '.join(FORMATS)}")


def _as_list(reference: Reference) -> str:
    name = _name(reference)
    quoted = f", {json.dumps(name, ensure_ascii=False)}" if name else ""
    return f"{_pair(reference)[:-1]}{quoted}]"


def _pair(reference: Reference) -> str:
    return f"[{_decimal(reference.lat)}, {_decimal(reference.lon)}]"


def _name(reference: Reference) -> str:
    """The place's name on one line, without what does not print, and not endless."""
    words = " ".join((reference.place or "").split())
    return "".join(filter(str.isprintable, words))[:LONGEST_NAME].strip()


def _decimal(degrees: float) -> str:
    """At most DECIMALS decimals, at least one, never in scientific notation, never minus zero."""
    if not math.isfinite(degrees):
        raise ValueError(f"a reference coordinate is {degrees}; drop photos without a position")
    whole, _, fraction = f"{round(degrees, DECIMALS) + 0.0:.{DECIMALS}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"
