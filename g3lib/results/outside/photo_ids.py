"""Whose photo each row is about, and by which column of the file."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.results.outside.columns import OPTION, BadPredictions, listed
from g3lib.results.outside.identity import matched
from g3lib.results.outside.reading import Sheet
from g3lib.results.outside.truth import Truth

# ids that are no photo's: comments, and what programs print below a table
SUMMARY = r"(?i)^(#.*|(mean|median|average|avg|total|sum|count|std|min|max|accuracy|acc|overall|summary)([\s:=].*)?)$"


@dataclass(frozen=True)
class Ids:
    """Of each row the id as the file has it, and the photo's, null where there is none."""

    found: pl.Series
    photo_id: pl.Series
    rules: pl.DataFrame
    column: int | None


def own_ids(sheet: Sheet) -> Ids:
    """Where the truth is in the file, its ids are the photos'; without any, each row is a photo."""
    if not sheet.columns.ids:
        lines = pl.Series(sheet.where.lines).cast(pl.String)
        ids = pl.select(pl.lit(f"{sheet.where.unit} ") + lines).to_series()
        return Ids(ids, ids, _rules("each row is a photo", ids), None)
    ids = _stripped(sheet.facts["id0"])
    own = ids.set(ids.str.contains(SUMMARY).fill_null(False), None)
    return Ids(ids, own, _rules("the file's own", own), sheet.columns.ids[0])


def _rules(name: str, ids: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"rule": [name], "count": [ids.drop_nulls().n_unique()]})


def _stripped(ids: pl.Series) -> pl.Series:
    plain = ids.str.strip_chars()
    return plain.set(plain == "", None)


def matched_ids(sheet: Sheet, truth: Truth, path: Path) -> Ids:
    """The column of ids that finds most photos of the benchmark; the likelier name if two find as many."""
    if not sheet.columns.ids:
        names = listed(sheet.columns.names)
        raise BadPredictions(f"{path}: no column of photo ids; found: {names}; choose with {OPTION}")
    tried = []
    for rank, column in enumerate(sheet.columns.ids):
        found = _stripped(sheet.facts[f"id{rank}"])
        pairs = matched(found, truth.photos["photo_id"])
        rules = (
            pairs.drop_nulls().group_by("rule", maintain_order=True).agg(count=pl.col("photo_id").n_unique())
        )
        tried.append(Ids(found, pairs["photo_id"], rules.sort("count", descending=True), column))
    return max(tried, key=lambda ids: ids.photo_id.drop_nulls().n_unique())
