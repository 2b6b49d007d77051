"""What reading an answer ends in: a position on Earth, or a named failure."""

import math
from dataclasses import dataclass
from typing import Literal

from g3lib.geo import wrap_longitude

Axis = Literal["lat", "lon"]
AXES: tuple[Axis, Axis] = ("lat", "lon")


@dataclass(frozen=True)
class Position:
    """Degrees, WGS 84: |lat| <= 90 and -180 <= lon < 180."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Failure:
    """Why an answer gives no position: one of REASONS."""

    reason: str


EMPTY = Failure("empty")  # nothing but space, or nothing after the reasoning
REFUSAL = Failure("refusal")
NO_COORDINATES = Failure("no coordinates")  # or several of references, none said to be the answer
NOT_FINITE = Failure("not finite")
OUT_OF_RANGE = Failure("out of range")
CUT_OFF = Failure("cut off")  # in the reasoning, or in the JSON; a number that ends there may be half of one
TOO_LONG = Failure("too long")  # not read as a whole, and what was read is not marked as the answer
REASONS = tuple(
    failure.reason
    for failure in (EMPTY, REFUSAL, NO_COORDINATES, NOT_FINITE, OUT_OF_RANGE, CUT_OFF, TOO_LONG)
)


@dataclass(frozen=True)
class Reading:
    """Two numbers said to be latitude and longitude, and where: text[start:end]."""

    lat: float
    lon: float
    start: int
    end: int
    lettered: bool = False  # hemispheres name the axes
    torn: bool = False  # the text ends in the midst of it
    structured: bool = False  # JSON or the like

    def outcome(self) -> Position | Failure:
        """On Earth, wrapped where that is plainly meant, swapped where that alone makes it valid.

        Longitudes of up to one turn are wrapped. Letters name the axes for certain: 95° N is not swapped.
        """
        lat, lon = self.lat, self.lon
        if self.torn:
            return CUT_OFF
        if not (math.isfinite(lat) and math.isfinite(lon)):
            return NOT_FINITE
        if abs(lon) <= 90 < abs(lat) <= 180 and not self.lettered:
            lat, lon = lon, lat
        if abs(lat) > 90 or abs(lon) > 360:
            return OUT_OF_RANGE
        return Position(lat, lon if -180 <= lon < 180 else float(wrap_longitude(lon)))
