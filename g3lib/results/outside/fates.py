"""What becomes of every row of anybody's predictions, and of every photo of the benchmark: one fate each."""

from collections.abc import Mapping
from enum import StrEnum

import polars as pl

EXAMPLES = 3

FATES = pl.Schema(
    {"fate": pl.String(), "count": pl.Int64(), "meaning": pl.String(), "examples": pl.List(pl.String)}
)


class RowFate(StrEnum):
    """Of a row that could be read; lines that could not are among the findings."""

    SCORED = "scored"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"
    NO_POSITION = "no_position"
    BAD_POSITION = "bad_position"
    NO_ID = "no_id"
    SUMMARY = "summary"
    STRANGER = "stranger"
    NO_TRUTH = "no_truth"


class PhotoFate(StrEnum):
    """Of a photo of the benchmark; all but SCORED are failures, and count as misses in every average."""

    SCORED = "scored"
    MISSING = "missing"
    CONFLICTING = "conflicting"
    NO_POSITION = "no_position"
    BAD_POSITION = "bad_position"


ROWS = {
    RowFate.SCORED: "taken as the photo's prediction",
    RowFate.REPEATED: "the photo again, saying the same; counted once",
    RowFate.CONFLICTING: "rows of one photo that say different things; none is taken",
    RowFate.NO_POSITION: "no latitude or longitude, or a word for nothing",
    RowFate.BAD_POSITION: "latitude or longitude is no number, or off the Earth",
    RowFate.NO_ID: "no photo id",
    RowFate.SUMMARY: "a mean, total or comment; no photo",
    RowFate.STRANGER: "no photo of the benchmark; left out",
    RowFate.NO_TRUTH: "the row tells no usable true position; no query",
}
PHOTOS = {
    PhotoFate.SCORED: "predicted",
    PhotoFate.MISSING: "not in the file; a failure",
    PhotoFate.CONFLICTING: "several positions; a failure",
    PhotoFate.NO_POSITION: "no position; a failure",
    PhotoFate.BAD_POSITION: "no number, or off the Earth; a failure",
}


def counted(
    fates: pl.Series, examples: pl.Series, meanings: Mapping[RowFate, str] | Mapping[PhotoFate, str]
) -> pl.DataFrame:
    """Schema FATES: those that occur, in the order of `meanings`, each with first examples but for what is well."""
    frame = pl.DataFrame({"fate": fates, "example": examples})
    found = frame.group_by("fate", maintain_order=True).agg(
        count=pl.len(),
        examples=pl.col("example").filter(pl.col("fate") != str(RowFate.SCORED)).head(EXAMPLES),
    )
    every = pl.DataFrame({"fate": [str(each) for each in meanings], "meaning": list(meanings.values())})
    order = every.filter(pl.col("fate").is_in(found["fate"].implode()))
    joined = order.join(found, on="fate", maintain_order="left")
    return joined.select(pl.col(name).cast(kind) for name, kind in FATES.items())
