"""Predicted positions from text to degrees: checked as metadata's are, but an answer of (0, 0) stays an answer.

Whole files whose columns are swapped, or in radians, are put right where that is certain: by what a latitude can be, by
where people live (`g3lib.images.metadata.positions`), and by the truth, near which far more predictions then lie.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.geo import haversine_km
from g3lib.images.fates import Fate
from g3lib.images.metadata.coordinates import parsed
from g3lib.images.metadata.draft import FATES, Draft, Rows
from g3lib.images.metadata.positions import check_positions
from g3lib.images.metadata.whereabouts import Whereabouts

# how programs say that there is no answer; other words are no numbers, and named
NOTHING = ("", "nan", "none", "null", "na", "n/a", "nil", "-", "--", "?", "unknown", "undefined", "<na>")
NEAR_KM = 2500.0
FEWEST, RATIO, DISTINCT = 20, 5, 10  # to be certain: so many more near the truth, of so many positions
DOUBTFUL = 10, 2  # to say so

Reading = Literal["swapped", "radians"]
Degrees = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """How many predictions come near the truth only if read otherwise, and only as they stand."""

    reading: Reading
    otherwise: int
    straight: int

    @property
    def is_certain(self) -> bool:
        """One in a million for predictions that have nothing to do with the truth."""
        return self.otherwise >= FEWEST + RATIO * self.straight

    @property
    def words(self) -> str:
        """The numbers, and what they mean."""
        means = {
            "swapped": "latitude and longitude are swapped",
            "radians": "they are in radians, not degrees",
        }
        return (
            f"{self.otherwise} predictions lie within {NEAR_KM:.0f} km of the truth only if "
            f"{means[self.reading]}, {self.straight} only as they stand"
        )


def draft_of(title: str, ids: pl.Series, lat: pl.Series, lon: pl.Series, where: Whereabouts) -> Draft:
    """Text of coordinates as a draft that checks can look at."""
    degrees_lat, how_lat = parsed(_said(lat), "NS")
    degrees_lon, how_lon = parsed(_said(lon), "EW")
    how = np.maximum(how_lat.to_numpy(), how_lon.to_numpy())
    latitude, longitude = (np.array(each.to_numpy(), np.float64) for each in (degrees_lat, degrees_lon))
    return Draft(title, ids.to_frame("photo_id"), latitude, longitude, how, where, frozenset())


def _said(text: pl.Series) -> pl.Series:
    plain = text.str.strip_chars()
    return plain.set(plain.str.to_lowercase().is_in(NOTHING), None)


def check_answers(draft: Draft) -> None:
    """The checks of metadata's positions, after which (0, 0) is a position as any other."""
    check_positions(draft, {})
    _forget_zero(draft)


def check_truths(draft: Draft) -> None:
    """The checks of metadata's positions; (0, 0) is no truth."""
    check_positions(draft, {})


def _forget_zero(draft: Draft) -> None:
    draft.fate[draft.fate == 1 + FATES.index(Fate.ZERO_POSITION)] = 0
    draft.findings = [each for each in draft.findings if each.name != Fate.ZERO_POSITION]


def read_otherwise(draft: Draft, true_lat: Degrees, true_lon: Degrees) -> Draft:
    """The draft, or one of the same rows read as the truth (degrees, NaN where it is not known) says they are meant."""
    for evidence in (
        _evidence(draft, true_lat, true_lon, "swapped"),
        _evidence(draft, true_lat, true_lon, "radians"),
    ):
        if evidence is None:
            continue
        if evidence.is_certain:
            other = _turned(draft, evidence.reading)
            if not any(
                each.name == _NAMES["swapped"] for each in other.findings
            ):  # they contradict each other
                other.found(_NAMES[evidence.reading], "repaired", np.isfinite(other.lat), evidence.words)
                return other
        least, ratio = DOUBTFUL
        if evidence.otherwise >= least + ratio * evidence.straight:
            words = f"{evidence.words}; not conclusive, kept as they are"
            draft.found(f"possibly_{evidence.reading}", "noted", np.isfinite(draft.lat), words)
    return draft


_NAMES = {"swapped": "swapped_coordinates", "radians": "radians"}


def _turned(draft: Draft, reading: Reading) -> Draft:
    """The same rows read otherwise and checked anew."""
    lat, lon = _as(draft.lat, draft.lon, reading)
    other = Draft(draft.title, draft.text, lat.copy(), lon.copy(), draft.how, draft.where, draft.has)
    check_answers(other)
    return other


def _as(lat: Degrees, lon: Degrees, reading: Reading) -> tuple[Degrees, Degrees]:
    return (lon, lat) if reading == "swapped" else (np.degrees(lat), np.degrees(lon))


def _evidence(draft: Draft, true_lat: Degrees, true_lon: Degrees, reading: Reading) -> Evidence | None:
    """None where nothing is to be said for it."""
    rows = np.isfinite(draft.lat) & np.isfinite(draft.lon) & np.isfinite(true_lat) & np.isfinite(true_lon)
    lat, lon = draft.lat[rows], draft.lon[rows]
    if max(pl.Series(each).n_unique() for each in (lat, lon)) < DISTINCT:
        return None
    if reading == "radians" and (np.abs(lat).max() > np.pi / 2 or np.abs(lon).max() > 2 * np.pi):
        return None
    truth = true_lat[rows], true_lon[rows]
    straight, otherwise = _near(lat, lon, *truth), _near(*_as(lat, lon, reading), *truth)
    only = int(np.count_nonzero(otherwise & ~straight)), int(np.count_nonzero(straight & ~otherwise))
    return Evidence(reading, *only) if only[0] else None


def _near(lat: Degrees, lon: Degrees, true_lat: Degrees, true_lon: Degrees) -> Rows:
    near: Rows = (np.abs(lat) <= 90) & (haversine_km(lat, lon, true_lat, true_lon) < NEAR_KM)
    return near
