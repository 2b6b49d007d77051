"""Checks of countries: Namibia's code NA, which looks like "not available" to pandas; one case; photos without any."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.images.fates import Fate
from g3lib.images.metadata.draft import Draft, Rows
from g3lib.images.metadata.table import BadMetadata

# (south, north, west, east) in degrees: ground that is Namibia's alone, and about half of it
INNER_NAMIBIA = ((-28.0, -18.1, 16.0, 19.9), (-21.5, -17.6, 14.0, 16.0))
ALL_OF_NAMIBIA = ((-29.0, -16.9, 11.7, 25.3),)


def check_countries(draft: Draft) -> None:
    """Bring codes into one case, and Namibia's back where a reader took it for nothing."""
    if "country_code" in draft.has:
        _one_case(draft)
        _namibia(draft)
        code = draft.text["country_code"]
        odd = _mask(code.is_not_null() & ~code.str.contains("^[a-z]{2}$"))
        draft.found("odd_country_code", "noted", odd, "country_code is not two letters")
    if "country" in draft.has:
        says = _mask(draft.text["country"].str.to_lowercase().is_in(["na", "nan"]))
        draft.found(
            "country_says_na", "noted", says, "country is the text NA or nan; kept as text, it may be none"
        )


def refuse_without_country(draft: Draft, path: str) -> None:
    """Refuse rows without country, as G3's filter does; BadMetadata if the file tells none at all."""
    told = "country" if "country" in draft.has else "country_code"
    if told not in draft.has:
        raise BadMetadata(
            f"{path}: no column country, but rows without country shall be left out; use MP16-Pro's file"
        )
    missing = _mask(draft.text[told].is_null())
    draft.refuse("no_country", Fate.NO_COUNTRY, missing, f"{told} is empty")


def _one_case(draft: Draft) -> None:
    code = draft.text["country_code"]
    lower = code.str.to_lowercase()
    capital = _mask(code != lower)
    if capital.any():
        mixed = bool(((code == lower) & code.is_not_null()).any())
        detail = "capitals and small letters in one column: two sources were pooled" if mixed else "capitals"
        name = "mixed_case_country_code" if mixed else "capital_country_code"
        draft.found(name, "repaired", capital, f"{detail}; all in small letters now")
        draft.text = draft.text.with_columns(country_code=lower)


def _namibia(draft: Draft) -> None:
    """An empty code is Namibia's where the country says so, or where no row has it and the ground is Namibia's."""
    code = draft.text["country_code"]
    empty = _mask(code.is_null())
    if not empty.any():
        return
    named = np.zeros(empty.size, bool)
    if "country" in draft.has:
        named = empty & _mask(draft.text["country"] == "Namibia")
        _restore(draft, named, "country is Namibia, its code NA was read as nothing")
    elif not (code == "na").any():
        named = empty & draft.usable & _inside(draft, INNER_NAMIBIA)
        _restore(draft, named, "no row has the code NA, and these without code lie well within Namibia")
        around = empty & ~named & draft.usable & _inside(draft, ALL_OF_NAMIBIA)
        detail = "no code, in or near Namibia; not conclusive, left empty"
        draft.found("perhaps_namibia", "noted", around, detail)


def _restore(draft: Draft, rows: Rows, detail: str) -> None:
    draft.found("lost_namibia", "repaired", rows, detail)
    if rows.any():
        code = pl.when(pl.Series(rows)).then(pl.lit("na")).otherwise("country_code")
        draft.text = draft.text.with_columns(country_code=code)


def _inside(draft: Draft, boxes: tuple[tuple[float, float, float, float], ...]) -> Rows:
    lat, lon = draft.lat, draft.lon
    inside = np.zeros(lat.size, bool)
    with np.errstate(invalid="ignore"):
        for south, north, west, east in boxes:
            inside |= (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    return inside


def _mask(condition: pl.Series) -> NDArray[np.bool_]:
    """A condition as rows; unknown is no."""
    return condition.fill_null(False).to_numpy()
