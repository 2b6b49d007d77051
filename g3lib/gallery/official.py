"""G3's own retrieval as references: the arrays of row numbers that its authors published with their checkpoint.

`I_g3_im2gps3k.npy` (2997 x 20) and `I_g3_yfcc4k.npy` (4536 x 20), int64, and `…_reverse.npy` for the dissimilar;
the rows are those of `MP16_Pro_filtered.csv` (Hugging Face `Jia-py/G3-checkpoint` and `Jia-py/MP16-Pro`).
"""

from pathlib import Path

import numpy as np
import polars as pl

from g3lib.experiments.datasets import UNKNOWN
from g3lib.gallery.errors import BadReferences
from g3lib.gallery.references import reference_table
from g3lib.gallery.vectors import Rows

DATASET = "mp16"
DEPTH = 20
COLUMNS = {"IMG_ID": pl.String, "AUTHOR": pl.String, "LAT": pl.Float64, "LON": pl.Float64}


def import_official(
    similar: Path, dissimilar: Path, gallery: pl.DataFrame, query_ids: pl.Series
) -> pl.DataFrame:
    """Their references, schema REFERENCES with null similarities.

    `gallery` are the photos in the order of MP16_Pro_filtered.csv (read_official_gallery; theirs has at least
    4,122,110); `query_ids` the queries in the order of the benchmark's metadata. Raises BadReferences for arrays of
    another type or shape, rows beyond the gallery, or one row twice for a query; FileNotFoundError.
    """
    arrays = {"similar": similar, "dissimilar": dissimilar}
    return pl.concat(
        reference_table(kind, gallery, query_ids, _rows(path, len(query_ids), gallery.height), None)
        for kind, path in arrays.items()
    )


def _rows(path: Path, queries: int, photos: int) -> Rows:
    """(queries, 20) row numbers, checked; never unpickled."""
    try:
        rows = np.array(np.lib.format.open_memmap(path, mode="r"))
    except ValueError as problem:
        raise BadReferences(
            f"{path} is no array of numbers, or was cut short: {problem}; fetch it again"
        ) from problem
    if rows.dtype != np.int64:
        raise BadReferences(f"{path} holds {rows.dtype}, row numbers are int64; fetch it again")
    if rows.shape != (queries, DEPTH):
        raise BadReferences(
            f"{path} has shape {rows.shape}, {queries} queries need {(queries, DEPTH)}; "
            "take the array of this benchmark, and its metadata without any row left out"
        )
    if rows.size and not 0 <= rows.min() <= rows.max() < photos:
        raise BadReferences(
            f"{path} names rows {rows.min()} to {rows.max()} of a gallery of {photos}; "
            "take the whole MP16_Pro_filtered.csv"
        )
    twice = np.flatnonzero((np.diff(np.sort(rows, axis=1), axis=1) == 0).any(axis=1))
    if len(twice):
        raise BadReferences(
            f"{path}: {len(twice)} queries name a row twice, first query {twice[0]}; fetch it again"
        )
    return rows


def read_official_gallery(csv: Path) -> pl.DataFrame:
    """dataset, photo_id, author, lat, lon of MP16_Pro_filtered.csv, in its order; photo ids as ours.

    Raises BadReferences for a file without these columns, whose lines cannot be read, or with a place that is no
    number; FileNotFoundError.
    """
    try:
        table = pl.read_csv(csv, columns=list(COLUMNS), schema_overrides=COLUMNS)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as problem:
        raise BadReferences(
            f"{csv} cannot be read as MP16_Pro_filtered.csv, with {', '.join(COLUMNS)}: {problem}; fetch it again"
        ) from problem
    for name in ("IMG_ID", "LAT", "LON"):
        if missing := table[name].null_count():
            raise BadReferences(f"{csv}: {missing} rows have no {name}; fetch it again")
    return table.select(
        pl.lit(DATASET).alias("dataset"),
        pl.col("IMG_ID").alias("photo_id"),
        pl.col("AUTHOR").fill_null(UNKNOWN).alias("author"),
        pl.col("LAT").alias("lat"),
        pl.col("LON").alias("lon"),
    )
