"""Names of predicted and true positions, by one geocoder for both, so that equal places have equal names."""

import polars as pl

from g3lib.places.geocoding import geocode

LEVELS = ("city", "state", "country", "continent")


def names_by_level(positions: pl.DataFrame, near_km: float) -> pl.DataFrame:
    """Columns LEVELS for every row of `positions` (lat, lon in degrees), null without one and where nothing is named.

    `near_km` is how far a place may lie that names a position without a city (`geocode`).
    """
    numbered = positions.select("lat", "lon").with_row_index("row")
    known = numbered.drop_nulls(["lat", "lon"])
    names = geocode(known["lat"], known["lon"], near_km).select(LEVELS)
    found = known.select("row").hstack(names)
    return numbered.select("row").join(found, on="row", how="left", maintain_order="left").drop("row")
