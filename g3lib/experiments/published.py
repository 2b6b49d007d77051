"""The numbers that papers print, from CSV files people can edit; what we measure is not here.

In published.csv accuracies are percent, as printed, one column per threshold in km. `experiment` names the entry of
the catalogue that repeats a row; a row that none repeats names none. `basis` says how we know a row, `caveat` what
stands against a comparison; docs/published.md lists them all.
"""

import hashlib
import io
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, get_args

import polars as pl

Basis = Literal["paper", "code", "secondary", "re-run", "unverified"]

THRESHOLD_COLUMNS = ("1", "25", "200", "750", "2500")  # km
BASES: tuple[Basis, ...] = get_args(Basis)

PUBLISHED_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("paper", "paper_table"), pl.String()),
        "year": pl.Int64(),
        **dict.fromkeys(("method", "variant", "benchmark", "experiment"), pl.String()),
        "threshold_km": pl.Int64(),
        "accuracy": pl.Float64(),
        **dict.fromkeys(("basis", "source", "caveat", "note"), pl.String()),
    }
)


def published() -> pl.DataFrame:
    """Published accuracies as fractions, one row per method, benchmark and printed threshold.

    A threshold that is not printed has no row. A row that prints only a relative gain stays one row, its threshold and
    accuracy null. Raises ValueError if a percentage lies outside [0, 100].
    """
    wide = published_rows()
    printed = pl.any_horizontal(pl.col(THRESHOLD_COLUMNS).is_not_null())
    about = [name for name in wide.columns if name not in THRESHOLD_COLUMNS]
    long = (
        wide.filter(printed)
        .with_row_index("row")
        .unpivot(THRESHOLD_COLUMNS, index=["row", *about], variable_name="threshold_km")
        .drop_nulls("value")
        .with_columns(
            pl.col("threshold_km").cast(pl.Int64), accuracy=(pl.col("value") / 100).round(6)
        )  # 0.1903
        .sort("row", "threshold_km")
    )
    outside = long.filter(~pl.col("accuracy").is_between(0, 1))
    if outside.height:
        row = outside.row(0, named=True)
        raise ValueError(
            f"published.csv: {row['method']} {row['variant'] or ''} on {row['benchmark']}: "
            f"{row['value']} at {row['threshold_km']} km; percentages from 0 to 100 are expected"
        )
    gains = wide.filter(~printed).with_columns(
        threshold_km=pl.lit(None, pl.Int64), accuracy=pl.lit(None, pl.Float64)
    )
    names = PUBLISHED_SCHEMA.names()
    return pl.concat([long.select(names), gains.select(names)]).match_to_schema(PUBLISHED_SCHEMA)


def published_rows() -> pl.DataFrame:
    """published.csv as it stands: percent, a column per threshold, in the order in which the papers have them."""
    return packaged_csv(
        "published.csv", {"year": pl.Int64(), **dict.fromkeys(THRESHOLD_COLUMNS, pl.Float64())}
    )


def published_metrics() -> pl.DataFrame:
    """Published measures other than accuracy within a distance, one row each: GeoScore, errors in km, oracles, …"""
    return packaged_csv("published_metrics.csv", {"value": pl.Float64()})


def published_references() -> pl.DataFrame:
    """G3's Table 3: distances in km from a query to its `top` retrieved references.

    Mean, median, maximum and minimum per query, then (the likely reading) averaged over queries.
    """
    kilometres = ("mean_km", "median_km", "max_km", "min_km")
    types = {"top": pl.Int64(), **dict.fromkeys(kilometres, pl.Float64())}
    return packaged_csv("published_references.csv", types)


def packaged_csv(name: str, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A CSV of this package; columns without a type are text, empty cells null."""
    header = packaged_text(name).splitlines()[0].split(",")
    schema = {column: types.get(column, pl.String()) for column in header}
    return pl.read_csv(io.BytesIO(_bytes(name)), schema=schema)


def packaged_text(name: str) -> str:
    """A CSV of this package as it stands."""
    return _bytes(name).decode("utf-8")


def packaged_digest(name: str) -> str:
    """SHA-256 of a CSV of this package, for the lineage of what is made of it."""
    return hashlib.sha256(_bytes(name)).hexdigest()


def _bytes(name: str) -> bytes:
    return files("g3lib.experiments").joinpath(name).read_bytes()
