"""Photos near some cities: the part of a publication that a dataset takes, and every reason why a row is not in it.

Which rows stay depends on each row's own facts, and for a draw on the others of its city; never on their order.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.cities import cities_of_file, place_pulse_cities
from g3lib.experiments.datasets import WithinCities
from g3lib.geo.nearest import nearest_within
from g3lib.images.metadata.findings import Finding, as_table
from g3lib.images.metadata.table import SCENES, BadMetadata, Metadata

PLACE_PULSE = "place-pulse"  # the cities that need no file
REASONS = (None, "no position", "outside of the cities", "indoor", "cannot be used", "not drawn")
STAYS, NOWHERE, OUTSIDE, INDOOR, REFUSED, NOT_DRAWN = range(len(REASONS))


def own_cities(settings: WithinCities, folder: Path) -> Path | None:
    """The CSV in a dataset's folder that names the cities; None for those that come with the package."""
    return None if settings.cities == PLACE_PULSE else folder / settings.cities


def read_cities(settings: WithinCities, folder: Path) -> pl.DataFrame:
    """The cities (schema CITY_SCHEMA). FileNotFoundError or BadMetadata names the file and what to do."""
    path = own_cities(settings, folder)
    if path is None:
        return place_pulse_cities()
    remedy = f"`within.cities` names a CSV with city, country, lat and lon, or is {PLACE_PULSE}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {remedy}")
    try:
        cities = cities_of_file(path)
    except (ValueError, pl.exceptions.PolarsError) as problem:
        raise BadMetadata(f"{path}: {problem}; {remedy}") from problem
    if cities.is_empty():
        raise BadMetadata(f"{path}: no city in it; {remedy}")
    return cities


def within_cities(found: Metadata, settings: WithinCities, cities: pl.DataFrame) -> Metadata:
    """The rows of `found` near `cities` (schema CITY_SCHEMA), with a finding for every reason and one by city.

    A row without a position is in no city. Where photos are drawn, only those that can be used are, so that rows which
    cannot do not take their place; else such rows stay with their fate. Raises BadMetadata if no row is left.
    """
    lat, lon = (found.table[axis].fill_null(np.nan).to_numpy() for axis in ("lat", "lon"))
    city = nearest_within(lat, lon, cities["lat"], cities["lon"], settings.radius_km)
    why = np.where(city < 0, np.where(np.isnan(lat) | np.isnan(lon), NOWHERE, OUTSIDE), STAYS)
    shown = _scenes(found)
    if settings.outdoor:
        why[(city >= 0) & (shown == "indoor").to_numpy()] = INDOOR
    there = np.bincount(city[why == STAYS], minlength=cities.height)
    if settings.most_per_city is not None:
        _draw(found.table, city, why, settings.most_per_city, settings.seed)
    kept = np.bincount(city[why == STAYS], minlength=cities.height)
    if not kept.any():
        raise BadMetadata(_nothing_left(why, settings, cities))
    findings = [*_left_out(found.table, why, settings, cities)]
    if settings.outdoor:
        findings += _without_scene(found.table, (why == STAYS) & ~shown.is_in(SCENES).to_numpy())
    findings.append(_by_city(kept, there, cities))
    return found.without(pl.Series(REASONS, dtype=pl.String).gather(why), as_table(findings))


def _scenes(found: Metadata) -> pl.Series:
    """Each row's scene, empty where nobody tells; the table of scenes has a row for each, or none."""
    if not found.scenes.height:
        return pl.repeat("", found.table.height, dtype=pl.String, eager=True)
    return found.scenes["scene"].fill_null("")


def _draw(table: pl.DataFrame, city: NDArray[np.int64], why: NDArray[np.int64], most: int, seed: int) -> None:
    """Of each city the `most` photos with the smallest digests of seed and id stay: nothing but ids decides."""
    why[(why == STAYS) & table["refused"].is_not_null().to_numpy()] = REFUSED
    rows = np.flatnonzero(why == STAYS)
    rows = rows[np.bincount(city[rows])[city[rows]] > most]
    ids = table["photo_id"].gather(rows)
    digests = (hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest() for name in ids)
    lots = pl.Series([int.from_bytes(digest, "big") for digest in digests], dtype=pl.UInt64)
    drawn = pl.DataFrame({"row": rows, "city": city[rows], "lot": lots, "id": ids}).sort("city", "lot", "id")
    why[drawn.filter(pl.int_range(pl.len()).over("city") >= most)["row"].to_numpy()] = NOT_DRAWN


def _left_out(
    table: pl.DataFrame, why: NDArray[np.int64], settings: WithinCities, cities: pl.DataFrame
) -> Iterator[Finding]:
    where = f"{settings.radius_km:g} km around {cities.height} cities ({settings.cities})"
    drawn = f"{settings.most_per_city} photos, of which so many are drawn with seed {settings.seed}"
    for reason, name, detail in (
        (OUTSIDE, "outside_cities", f"not within {where}"),
        (NOWHERE, "no_city", f"without a position, so not known to lie within {where}"),
        (INDOOR, "indoor", "their scene is indoor; the dataset takes photos from out of doors"),
        (REFUSED, "refused_in_city", "cannot be used, so they are not drawn for their city"),
        (NOT_DRAWN, "not_drawn", f"their city has more than {drawn}"),
    ):
        rows = why == reason
        if rows.any():
            example = str(table["photo_id"][int(rows.argmax())] or "")
            yield Finding(name, "left out", int(rows.sum()), detail, example)


def _without_scene(table: pl.DataFrame, rows: NDArray[np.bool_]) -> Iterator[Finding]:
    if rows.any():
        detail = f"none of the scenes {', '.join(SCENES)} is told: they may be indoors, and are kept"
        example = str(table["photo_id"][int(rows.argmax())] or "")
        yield Finding("without_scene", "noted", int(rows.sum()), detail, example)


def _by_city(kept: NDArray[np.int64], there: NDArray[np.int64], cities: pl.DataFrame) -> Finding:
    """How many rows of each city stay, of how many before a draw; and which cities have none."""
    shared = pl.col("city").is_duplicated()
    names = cities.select(
        pl.when(shared).then(pl.concat_str("city", "country", separator=", ")).otherwise("city")
    ).to_series()
    most = np.argsort(-there, kind="stable").tolist()
    told = ", ".join(f"{names[row]} {_of(int(kept[row]), int(there[row]))}" for row in most if there[row])
    empty = ", ".join(names.filter(pl.Series(there == 0)))
    detail = f"by nearest city: {told}" + (f"; none near {empty}" if empty else "")
    return Finding("kept_by_city", "noted", int(kept.sum()), detail)


def _of(kept: int, there: int) -> str:
    return f"{kept:,}" if kept == there else f"{kept:,} of {there:,}"


def _nothing_left(why: NDArray[np.int64], settings: WithinCities, cities: pl.DataFrame) -> str:
    counts = np.bincount(why, minlength=len(REASONS)).tolist()
    told = [f"{n:,} {reason}" for n, reason in zip(counts, REASONS, strict=True) if n]
    return (
        f"no photo is left within {settings.radius_km:g} km of the {cities.height} cities ({settings.cities}): "
        f"{', '.join(told) or 'no row at all'}; raise `within.radius_km`, name other cities, or check that this is the "
        "right metadata file"
    )
