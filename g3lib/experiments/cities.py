"""The 56 cities of Place Pulse 2.0 as data, in the order of their codes in IM2City's scripts.

Positions are GeoNames' (CC BY 4.0). `other_names` are spellings that files use for the same city, separated by `;`.
"""

from pathlib import Path

import polars as pl

from g3lib.experiments.published import packaged_csv

CITY_SCHEMA = pl.Schema(
    {
        "city": pl.String,
        "country": pl.String,
        "country_code": pl.String,
        "lat": pl.Float64,
        "lon": pl.Float64,
        "other_names": pl.String,
    }
)


def place_pulse_cities() -> pl.DataFrame:
    """The 56 cities, schema CITY_SCHEMA."""
    return packaged_csv("place_pulse_cities.csv", {"lat": pl.Float64(), "lon": pl.Float64()})


def cities_of_file(path: Path) -> pl.DataFrame:
    """Somebody's own cities from a CSV with (at least) the columns city, country, lat and lon.

    Raises ValueError naming the file, and what is missing or wrong in it.
    """
    try:
        found: pl.DataFrame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ValueError(
            f"{path}: no CSV of cities can be read ({problem}); its columns are city, country, lat, lon"
        ) from problem
    found = found.rename({name: name.strip().lower() for name in found.columns})
    missing = [name for name in ("city", "country", "lat", "lon") if name not in found.columns]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}; there are: {', '.join(found.columns)}")
    degrees = [pl.col(name).cast(pl.Float64, strict=False) for name in ("lat", "lon")]
    empty = [pl.lit(None, pl.String).alias(name) for name in CITY_SCHEMA if name not in found.columns]
    found = found.with_columns(*degrees, *empty).select(CITY_SCHEMA.names())
    wrong = found.with_row_index("line", offset=2).filter(
        pl.any_horizontal(pl.col("city", "country", "lat", "lon").is_null())
        | ~pl.col("lat").is_between(-90, 90)
        | ~pl.col("lon").is_between(-180, 180)
    )
    if wrong.height:
        raise ValueError(
            f"{path}: line {wrong['line'][0]} has no city, country or position on Earth: {wrong.row(0)[1:]}"
        )
    return found
