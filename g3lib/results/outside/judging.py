"""The door of anybody's predictions: a file and a truth in, one row per photo of the benchmark out, and every fate.

Nothing is dropped silently: each row of the file has one fate, each photo of the benchmark too, and whatever was
repaired, left out or odd is a finding with its count and first example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from g3lib.images.fates import Fate
from g3lib.images.metadata.draft import FATES as DRAFT_FATES
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.findings import as_table
from g3lib.results.outside.columns import OPTION, BadPredictions, Columns, NoTruth, listed, recognised
from g3lib.results.outside.fates import PHOTOS, ROWS, PhotoFate, RowFate, counted
from g3lib.results.outside.oddities import of_predictions, of_two_truths
from g3lib.results.outside.photo_ids import SUMMARY, Ids, matched_ids, own_ids
from g3lib.results.outside.positions import check_answers, draft_of, read_otherwise
from g3lib.results.outside.reading import Sheet, sheet_of
from g3lib.results.outside.truth import Truth, truth_of_sheet

STATES = {0: str(RowFate.SCORED)} | {
    1 + DRAFT_FATES.index(fate): str(fate) for fate in (Fate.NO_POSITION, Fate.BAD_POSITION)
}  # by the draft's number


@dataclass(frozen=True)
class Judged:
    """What a file says of a benchmark's photos, and what became of everything in it.

    columns:     which were taken, by what they hold.
    predictions: photo_id, author, lat, lon, true_lat, true_lon, fate; one row per photo, in the truth's order.
    rows, photos: schema FATES of this package. rules: rule, count (how ids were found). findings: schema FINDINGS.
    """

    file: str
    truth: Truth
    columns: Mapping[str, str]
    predictions: pl.DataFrame
    rows: pl.DataFrame
    photos: pl.DataFrame
    rules: pl.DataFrame
    findings: pl.DataFrame


def judge(path: Path, asked: Mapping[str, str], truth: Truth | None, benchmark: str) -> Judged:
    """Read predictions and hold them against a truth, or against the one in the file itself if `truth` is None.

    `asked` are columns that the user names (`parse_columns`). Raises BadPredictions where going on would be guessing.
    """
    with sheet_of(path, lambda names: recognised(str(path), names, asked, truth is None)) as sheet:
        if truth is None and sheet.columns.truth is None:
            raise NoTruth(
                f"{path}: no columns of a true position beside the predicted one ({_taken(sheet.columns)}); name a "
                f"--benchmark whose photos are there, give a metadata file with --truth, or choose with {OPTION}"
            )
        ids = own_ids(sheet) if truth is None else matched_ids(sheet, truth, path)
        known = truth or truth_of_sheet(sheet, ids.photo_id, path, benchmark)
        draft = _positions(sheet, ids, known)
        rows = _rows(draft, ids, known, RowFate.STRANGER if truth else RowFate.NO_TRUTH)
        predictions = _predictions(rows, known)
        _refuse_hopeless(predictions, known, ids, path, sheet.columns)
        both = of_two_truths(sheet, ids.photo_id, known) if truth else []
        findings = [*sheet.findings, *draft.findings, *both, *of_predictions(predictions), *known.findings]
        return Judged(
            file=path.name,
            truth=known,
            columns=_columns(sheet.columns, ids, known),
            predictions=predictions,
            rows=counted(rows["fate"], _quoted(rows, sheet), ROWS),
            photos=counted(predictions["fate"], predictions["photo_id"], PHOTOS),
            rules=ids.rules,
            findings=as_table(findings),
        )


def _positions(sheet: Sheet, ids: Ids, truth: Truth) -> Draft:
    """Every row's predicted position, checked, and read as it must be meant."""
    draft = draft_of("predictions", ids.found, sheet.facts["lat"], sheet.facts["lon"], sheet.where)
    check_answers(draft)
    own = ids.photo_id.to_frame("photo_id").join(
        truth.photos, on="photo_id", how="left", maintain_order="left"
    )
    return read_otherwise(draft, *(own[name].fill_null(np.nan).to_numpy() for name in ("lat", "lon")))


def _rows(draft: Draft, ids: Ids, truth: Truth, strange: RowFate) -> pl.DataFrame:
    """found, photo_id, lat, lon, fate of every row."""
    usable = pl.Series(draft.usable)
    frame = pl.DataFrame(
        {
            "found": ids.found,
            "photo_id": ids.photo_id.set(~ids.photo_id.is_in(truth.photos["photo_id"].implode()), None),
            "lat": pl.Series(draft.lat + 0.0).set(~usable, None),
            "lon": pl.Series(draft.lon + 0.0).set(~usable, None),  # -0.0 is 0.0
            "state": pl.Series(draft.fate).replace_strict(STATES, return_dtype=pl.String),
        },
        schema_overrides={"found": pl.String, "photo_id": pl.String},
    ).with_row_index("row")
    several = pl.struct("state", "lat", "lon").n_unique().over("photo_id") > 1
    again = pl.col("row") != pl.col("row").min().over("photo_id")
    fate = (
        pl.when(pl.col("found").is_null())
        .then(pl.lit(str(RowFate.NO_ID)))
        .when(pl.col("photo_id").is_null() & pl.col("found").str.contains(SUMMARY))
        .then(pl.lit(str(RowFate.SUMMARY)))
        .when(pl.col("photo_id").is_null())
        .then(pl.lit(str(strange)))
        .when(several)
        .then(pl.lit(str(RowFate.CONFLICTING)))
        .when(again)
        .then(pl.lit(str(RowFate.REPEATED)))
        .otherwise("state")
    )
    return frame.with_columns(fate=fate)


def _predictions(rows: pl.DataFrame, truth: Truth) -> pl.DataFrame:
    """One row per photo of the benchmark."""
    telling = rows.filter(pl.col("photo_id").is_not_null() & (pl.col("fate") != RowFate.REPEATED))
    taken = pl.col("fate") == RowFate.SCORED
    said = telling.unique("photo_id", keep="first", maintain_order=True).select(
        "photo_id", pl.when(taken).then("lat").alias("lat"), pl.when(taken).then("lon").alias("lon"), "fate"
    )
    photos = truth.photos.select("photo_id", "author", true_lat="lat", true_lon="lon")
    joined = photos.join(said, on="photo_id", how="left", maintain_order="left")
    missing = pl.col("fate").fill_null(str(PhotoFate.MISSING))
    return joined.select("photo_id", "author", "lat", "lon", "true_lat", "true_lon", missing)


def _refuse_hopeless(predictions: pl.DataFrame, truth: Truth, ids: Ids, path: Path, columns: Columns) -> None:
    """Where nothing, or next to nothing, could be taken, a score of zero would only hide why."""
    counts = dict(predictions["fate"].value_counts().iter_rows())
    found = predictions.height - counts.get(PhotoFate.MISSING, 0)
    if not found:
        first = ids.found.drop_nulls().head(1).to_list() or ["nothing"]
        raise BadPredictions(
            f"{path}: none of the {truth.photos.height:,} photos of {truth.benchmark} is in it: its ids (column "
            f"{columns.name(ids.column or 0)}) are such as {first[0]!r}, the benchmark's such as "
            f"{truth.photos['photo_id'][0]!r}. Is it another benchmark's? Else choose with {OPTION}"
        )
    conflicting = counts.get(PhotoFate.CONFLICTING, 0)
    if conflicting > found / 2:
        raise BadPredictions(
            f"{path}: {conflicting:,} of {found:,} photos have several rows with different positions; predictions of "
            f"several models or partitions in one file? Keep the rows of one (columns: {listed(columns.names)})"
        )


def _quoted(rows: pl.DataFrame, sheet: Sheet) -> pl.Series:
    """Each row by its id and line."""
    lines = pl.Series(sheet.where.lines).cast(pl.String)
    found = pl.col("found").fill_null("(none)").str.slice(0, 80)
    return rows.select(pl.concat_str(found, pl.lit(f", {sheet.where.unit} "), lines)).to_series()


def _taken(columns: Columns) -> str:
    return columns.pair(columns.prediction)


def _columns(columns: Columns, ids: Ids, truth: Truth) -> dict[str, str]:
    """What was taken from which columns, in words."""
    said = {"photo id": "none" if ids.column is None else columns.name(ids.column)}
    said["predicted position"] = _taken(columns)
    said["true position"] = truth.source
    if columns.author is not None and truth.has_authors and truth.source.startswith("columns"):
        said["author"] = columns.name(columns.author)
    if columns.unused:
        said["not used"] = "; ".join(columns.pair(pair) for pair in columns.unused)
    return said
