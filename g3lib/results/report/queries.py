"""The queries and what every experiment says of each, as columns: a query is its place in this order."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report.packing import DEGREE, Column, decimals, distances, floored, integers
from g3lib.results.report.reading import Source

SCORE = 10_000  # a cosine is shown to four digits
Block = tuple[dict[str, Any], dict[str, Column]]  # header and columns, as `packed` takes them
KINDS = ("hit", "ranking", "retrieval", "coverage", "proposal")  # of results.miss
NOT_JUDGED = len(KINDS)
TEXTS = ("photo_id", "author", "licence", "city", "state", "country", "continent", "scene", "detail")

# results.query lacks the benchmarks of earlier versions; predictions name their truth themselves
_QUERIES = """
with truth as (
    select photo_id, any_value(author) as author, any_value(true_lat) as lat, any_value(true_lon) as lon
    from results.prediction where benchmark = $benchmark group by photo_id
),
stored as (
    select photo_id, any_value(licence) as licence from results.photo where dataset = $benchmark group by photo_id
),
asked as (
    select * exclude (benchmark, author, lat, lon, run_id) from results.query where benchmark = $benchmark
)
from truth left join stored using (photo_id) left join asked using (photo_id) order by photo_id
"""
_PREDICTIONS = """
select
    numbered.number as e, photo_id, lat, lon, error_km, score, source as sources,
    nullif(concat_ws(', ', city, state, coalesce(country, continent)), '') as places
from results.prediction join numbered using (experiment) where benchmark = $benchmark
"""
# as results.miss judges, query by query
_JUDGED = """
case
    when coalesce(error_km < {km}, false) then 0
    when coalesce(least(oracle_km, reference_km) < {km}, false) then 1
    when gallery_policy is null then 4
    when coalesce(gallery_km < {km}, false) then 2
    else 3
end as miss_{km}
"""
_MISSES = f"""
select numbered.number as e, photo_id, {", ".join(_JUDGED.format(km=km) for km in THRESHOLDS_KM)}
from results.diagnosis join numbered using (experiment) where benchmark = $benchmark
"""


def queries(source: Source, benchmark: str) -> pl.DataFrame:
    """Every query, its number `q` first; texts are never null, numbers may be."""
    found = source.rows(_QUERIES, benchmark=benchmark)
    return found.with_columns(pl.col(TEXTS).fill_null("")).with_row_index("q")


def query_block(found: pl.DataFrame) -> Block:
    """Header and columns of the queries."""
    near = [name for name in found.columns if name.startswith("gallery_km")]
    columns = {name: decimals(numbers(found[name]), DEGREE) for name in ("lat", "lon")}
    columns |= {name: distances(numbers(found[name])) for name in near}
    return {"texts": {name: found[name].to_list() for name in TEXTS}}, columns


def prediction_block(source: Source, benchmark: str, found: pl.DataFrame, experiments: int) -> Block:
    """Header and columns of the predictions, `name.number` of each experiment, in the order of the queries.

    Positions are offsets from the truth, which are small where the prediction is good.
    """
    asked = found.select("photo_id", "q", true_lat="lat", true_lon="lon")
    predicted = source.rows(_PREDICTIONS, benchmark=benchmark).join(asked, on="photo_id")
    header = {name: predicted[name].drop_nulls().unique().sort().to_list() for name in ("places", "sources")}
    predicted = offsets(predicted).with_columns(
        pl.col(name).replace_strict(known, range(len(known)), return_dtype=pl.Float64)
        for name, known in header.items()
    )
    judged = source.rows(_MISSES, benchmark=benchmark).join(asked, on="photo_id")
    columns = dict[str, Column]()
    for number in range(experiments):
        columns |= _predicted(predicted.filter(e=number), number, found.height)
        columns |= _judged(judged.filter(e=number), number, found.height)
    return header, columns


def offsets(frame: pl.DataFrame) -> pl.DataFrame:
    """lat and lon as hundred-thousandths of a degree beyond true_lat and true_lon, in degrees."""
    return frame.with_columns(
        lat=((pl.col("lat") * DEGREE).round() - (pl.col("true_lat") * DEGREE).round()) / DEGREE,
        lon=((pl.col("lon") * DEGREE).round() - (pl.col("true_lon") * DEGREE).round()) / DEGREE,
    )


def numbers(values: pl.Series) -> NDArray[np.float64]:
    """Nulls as NaN."""
    found: NDArray[np.float64] = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


def _predicted(rows: pl.DataFrame, number: int, queries: int) -> dict[str, Column]:
    place = rows["q"].to_numpy()

    def spread(name: str) -> NDArray[np.float64]:
        values = np.full(queries, np.nan)
        values[place] = numbers(rows[name])
        return values

    kinds = {"lat": DEGREE, "lon": DEGREE, "score": SCORE, "places": 1, "sources": 1}
    columns = {f"{name}.{number}": decimals(spread(name), per) for name, per in kinds.items()}
    return columns | {f"error.{number}": floored(spread("error_km"))}


def _judged(rows: pl.DataFrame, number: int, queries: int) -> dict[str, Column]:
    columns = {}
    for km in THRESHOLDS_KM if rows.height else ():
        kinds = np.full(queries, NOT_JUDGED)
        kinds[rows["q"].to_numpy()] = rows[f"miss_{km}"].to_numpy()
        columns[f"miss_{km}.{number}"] = integers(kinds)
    return columns
