"""Checks of positions: swapped, missing, impossible, zero, and longitudes that run to 360.

A whole file is swapped back where the evidence leaves no doubt; a single row whose latitude cannot be one is refused
even if swapping would bring it onto the Earth: a lost digit explains it as well, and a truth must not be a guess.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from g3lib.geo import wrap_longitude
from g3lib.images.fates import Fate
from g3lib.images.metadata import plausibility
from g3lib.images.metadata.coordinates import How
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.table import BadMetadata

MANY = 0.05  # a fifth of the world's photos lie beyond 90 degrees of longitude
NEAR = 1e-3  # degrees between a known position and the file's


def check_positions(
    draft: Draft, known: Mapping[str, tuple[float, float]], published_swapped: bool = False
) -> None:
    """Repair what is conclusive, refuse the rest by name; BadMetadata never."""
    _spellings(draft)
    _swapped_file(draft, known, published_swapped)
    _missing(draft)
    _off_earth(draft)
    _longitudes(draft)
    draft.refuse(
        "zero_position",
        Fate.ZERO_POSITION,
        (draft.lat == 0) & (draft.lon == 0),
        "latitude and longitude are 0",
    )
    if draft.coarse is not None:
        draft.found(
            "coarse_accuracy",
            "noted",
            draft.coarse,
            "Flickr accuracy 1 to 5: the position is right to the country at best; kept",
        )


def _spellings(draft: Draft) -> None:
    for how, name, detail in (
        (How.DECIMAL_COMMA, "decimal_comma", "a comma for the decimal point; thousands are not on the Earth"),
        (How.HEMISPHERE, "hemisphere_letter", "a letter N, S, E or W for the sign"),
    ):
        draft.found(name, "repaired", draft.how == how, detail)


def check_known_rows(draft: Draft, path: str, known: Mapping[str, tuple[float, float]], exact: bool) -> None:
    """A row known from elsewhere must stand where it is known to be: else noted, or BadMetadata for a benchmark."""
    for row, (lat, lon) in _known_rows(draft, known).items():
        if draft.usable[row] and not _is_at(draft, row, lat, lon):
            found = f"{draft.text['photo_id'][row]} lies at {draft.lat[row]}, {draft.lon[row]}"
            if exact:
                raise BadMetadata(
                    f"{path}: {found}, but {draft.title} has it at {lat}, {lon}: the positions were changed; "
                    "use the published file"
                )
            rows = np.arange(draft.lat.size) == row
            draft.found("known_row_differs", "noted", rows, f"{found}, published at {lat}, {lon}")


def _known_rows(draft: Draft, known: Mapping[str, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    ids = draft.text["photo_id"]
    rows = ids.is_in(list(known)).arg_true() if known else pl.Series(dtype=pl.UInt32)
    return {int(row): known[ids[int(row)]] for row in rows}


def _is_at(draft: Draft, row: int, lat: float, lon: float) -> bool:
    return bool(abs(draft.lat[row] - lat) < NEAR and abs(draft.lon[row] - lon) < NEAR)


def _swapped_file(draft: Draft, known: Mapping[str, tuple[float, float]], published_swapped: bool) -> None:
    both = np.isfinite(draft.lat) & np.isfinite(draft.lon)
    evidence = (
        _by_known_rows(draft, known)
        or _by_ranges(draft, both, published_swapped)
        or (published_swapped and _by_publisher(draft, both))
        or plausibility.swapped(draft.lat, draft.lon, both)
    )
    if isinstance(evidence, str):
        draft.found("swapped_coordinates", "repaired", both, evidence)
        draft.lat, draft.lon = draft.lon, draft.lat
    elif isinstance(evidence, plausibility.Doubt):
        draft.found("possibly_swapped", "noted", both, evidence.reason)


def _by_known_rows(draft: Draft, known: Mapping[str, tuple[float, float]]) -> str | None:
    """Rows whose position is published elsewhere: all of them swapped, none straight."""
    rows = _known_rows(draft, known)
    straight = sum(_is_at(draft, row, lat, lon) for row, (lat, lon) in rows.items())
    swapped = [row for row, (lat, lon) in rows.items() if _is_at(draft, row, lon, lat)]
    if not swapped or straight:
        return None
    first = draft.text["photo_id"][swapped[0]]
    return f"{first} is known to lie at {known[first]}: the headers of latitude and longitude are swapped"


def _by_ranges(draft: Draft, both: np.ndarray, published_swapped: bool) -> str | None:
    """Latitudes that only longitudes can be, many; and of the reverse next to none."""
    with np.errstate(invalid="ignore"):
        beyond = int(np.count_nonzero(both & (np.abs(draft.lat) > 90) & (np.abs(draft.lon) <= 90)))
        reverse = int(np.count_nonzero(both & (np.abs(draft.lon) > 90) & (np.abs(draft.lat) <= 90)))
    enough = 1 if published_swapped else max(3, MANY * np.count_nonzero(both))
    if beyond < enough or reverse > beyond / 100:
        return None
    return (
        f"{beyond:,} latitudes lie beyond 90 degrees and {reverse:,} longitudes do: "
        "the headers of latitude and longitude are swapped"
    )


def _by_publisher(draft: Draft, both: np.ndarray) -> str | None:
    """A file known to be published with swapped headers, and nothing in it against that."""
    if np.any(np.abs(draft.lon[both]) > 90):
        return None
    return "the publisher's headers are known to be swapped, and no longitude lies beyond 90 degrees"


def _missing(draft: Draft) -> None:
    empty = draft.how == How.EMPTY
    draft.refuse("no_position", Fate.NO_POSITION, empty, "latitude or longitude is empty")
    nothing = ~(np.isfinite(draft.lat) & np.isfinite(draft.lon))
    draft.refuse("no_number", Fate.BAD_POSITION, nothing, "latitude or longitude is no finite number")


def _off_earth(draft: Draft) -> None:
    with np.errstate(invalid="ignore"):
        off = (np.abs(draft.lat) > 90) | (draft.lon < -180) | (draft.lon >= 360)
        turned = off & (np.abs(draft.lon) <= 90) & (np.abs(draft.lat) <= 180)
    detail = "latitude beyond 90 degrees; swapped it would be on Earth, but a lost digit explains it as well"
    draft.refuse("swapped_row", Fate.BAD_POSITION, turned, detail)
    draft.refuse(
        "off_earth", Fate.BAD_POSITION, off, "latitude beyond 90 degrees, or longitude beyond 180 (360)"
    )


def _longitudes(draft: Draft) -> None:
    over = draft.usable & (draft.lon >= 180)
    detail = "longitude from 180 to 360 brought into [-180, 180)"
    draft.found("longitude_wrapped", "repaired", over, detail)
    if over.any():
        draft.lon[over] = wrap_longitude(draft.lon[over])
