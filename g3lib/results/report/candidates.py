"""Every candidate of an experiment, and how sure the verifier may be of the chosen one, in as few bytes as can be.

Experiments share most of their candidates: ablations ask the same questions and get the recorded answers. So a position
stands in the page once for each query, in the block of the first experiment that has it; others name its place in the
query's list, which takes a byte.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from g3lib.geo import geodesic_km
from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report.packing import DEGREE, Column, decimals, distances, integers
from g3lib.results.report.queries import SCORE, Block, numbers
from g3lib.results.report.reading import Source

_CANDIDATES = """
select photo_id, source, rank, lat, lon, score, chosen, failure, answer
from results.candidate
where benchmark = $benchmark and experiment = $experiment
"""
_DIAGNOSES = f"""
select photo_id, oracle_km, reference_km, {", ".join(f"probability_{km}_km" for km in THRESHOLDS_KM)}
from results.diagnosis
where benchmark = $benchmark and experiment = $experiment
"""
_KNOWN = pl.Schema({"q": pl.UInt32, "lat5": pl.Int32, "lon5": pl.Int32, "position": pl.UInt32})
_POSITION = ("q", "lat5", "lon5")


@dataclass(frozen=True)
class Candidates:
    """The block of one experiment, how many rows it has, and the positions known once it is in the page."""

    block: Block
    rows: int
    known: pl.DataFrame


def nothing_known() -> pl.DataFrame:
    """The positions before the first block."""
    return _KNOWN.to_frame()


def candidate_block(
    source: Source, benchmark: str, experiment: str, queries: pl.DataFrame, known: pl.DataFrame
) -> Candidates:
    """The candidates of an experiment, query by query, the best score first; failures last.

    Columns: `counts` per query; of each candidate `position` in the query's list, `score`, `source`, `rank`, `failure`,
    and `chosen` per query; of each new position its offset from the truth and its distance. Texts stand in the header.
    """
    asked = queries.select("photo_id", "q", true_lat="lat", true_lon="lon")
    given = {"benchmark": benchmark, "experiment": experiment}
    found = source.rows(_CANDIDATES, **given).join(asked, on="photo_id")
    found = found.sort(
        "q", "score", "source", "rank", descending=[False, True, False, False], nulls_last=True
    )
    found = found.with_columns(
        lat5=(pl.col("lat") * DEGREE).round().cast(pl.Int32),
        lon5=(pl.col("lon") * DEGREE).round().cast(pl.Int32),
    )
    new = _new_positions(found, known)
    known = pl.concat([known, new.select(_KNOWN.names())])
    placed = found.join(known, on=_POSITION, how="left", maintain_order="left")
    counts = (
        found.group_by("q").len().join(asked.select("q"), on="q", how="right").sort("q")["len"].fill_null(0)
    )
    header, columns = _rows(placed)
    diagnosed = source.rows(_DIAGNOSES, **given).join(asked.select("photo_id", "q"), on="photo_id")
    columns |= (
        {"counts": integers(counts)} | _positions(new, queries.height) | _diagnoses(diagnosed, queries.height)
    )
    return Candidates((header, columns), found.height, known)


def _new_positions(found: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Positions that no earlier block has, in order of the queries, each with its place in the query's list."""
    new = (
        found.filter(pl.col("lat").is_not_null() & pl.col("lon").is_not_null())
        .unique(_POSITION, keep="first", maintain_order=True)
        .join(known, on=_POSITION, how="anti", maintain_order="left")
    )
    before = new.join(known.group_by("q").len("before"), on="q", how="left", maintain_order="left")[
        "before"
    ].fill_null(0)
    return new.with_columns(position=(pl.int_range(pl.len()).over("q") + before).cast(pl.UInt32))


def _rows(placed: pl.DataFrame) -> Block:
    texts = {name: sorted(placed[name].drop_nulls().unique()) for name in ("source", "failure")}
    said = placed.with_row_index("row").filter(pl.col("answer").is_not_null())
    codes = {
        name: placed[name].replace_strict(known, range(len(known)), default=None, return_dtype=pl.Int32)
        for name, known in texts.items()
    }
    header: dict[str, Any] = texts | {
        "answers": dict(zip(map(str, said["row"]), said["answer"], strict=True))
    }
    columns = {
        "position": decimals(numbers(placed["position"]), 1),
        "score": decimals(numbers(placed["score"]), SCORE),
        "rank": decimals(numbers(placed["rank"]), 1),
        "chosen": integers(placed["chosen"].fill_null(False).cast(pl.UInt8)),
    }
    return header, columns | {name: decimals(numbers(values), 1) for name, values in codes.items()}


def _positions(new: pl.DataFrame, queries: int) -> dict[str, Column]:
    truth = {name: (new[f"true_{name}"] * DEGREE).round() for name in ("lat", "lon")}
    km = geodesic_km(*(new[name].to_numpy() for name in ("lat", "lon", "true_lat", "true_lon")))
    return {
        "new_counts": integers(np.bincount(new["q"].to_numpy(), minlength=queries)),
        "new_lat": integers(new["lat5"].cast(pl.Int64) - truth["lat"].cast(pl.Int64)),
        "new_lon": integers(new["lon5"].cast(pl.Int64) - truth["lon"].cast(pl.Int64)),
        "new_km": distances(km),
    }


def _diagnoses(rows: pl.DataFrame, queries: int) -> dict[str, Column]:
    """Per query: the chance of each threshold in percent, the best candidate's and the nearest reference's distance."""
    if rows.is_empty():
        return {}
    place = rows["q"].to_numpy()

    def spread(name: str) -> Any:
        values = np.full(queries, np.nan)
        values[place] = numbers(rows[name])
        return values

    chances = {f"chance_{km}": decimals(spread(f"probability_{km}_km"), 100) for km in THRESHOLDS_KM}
    return chances | {name: distances(spread(name)) for name in ("oracle_km", "reference_km")}
