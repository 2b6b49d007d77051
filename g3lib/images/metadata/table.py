"""The one form that every publisher's metadata take here, and the report of what was found in them."""

from dataclasses import dataclass, field

import polars as pl

# MP16-Pro's text: Nominatim's address parts, by which G3's captions are made
PLACE_FIELDS = ("neighbourhood", "city", "county", "state", "region", "country", "country_code", "continent")

# one row for every row of the file, in its order
METADATA = pl.Schema(
    {
        "photo_id": pl.String,
        "author": pl.String,  # "unknown" where the file does not tell
        "licence": pl.String,  # likewise
        "lat": pl.Float64,
        "lon": pl.Float64,  # in [-180, 180)
        "locator": pl.String,  # URL, hash or file name by which the source finds the photo; null if it has none
        **dict.fromkeys(PLACE_FIELDS, pl.String),  # country_code in lower case
        "refused": pl.String,  # the Fate of a row that cannot be used, else null
    }
)

SCENES = (
    "indoor",
    "natural",
    "urban",
)  # S3_Label 0, 1, 2: three superclasses of Places365, as GeoEstimation has them

SCENE_TABLE = pl.Schema({"photo_id": pl.String, "scene": pl.String})

# photos of the file that are not of a dataset which takes a part of it
LEFT_OUT = pl.Schema({"photo_id": pl.String, "locator": pl.String, "reason": pl.String})

FINDINGS = pl.Schema(
    {
        "name": pl.String,  # what lies, such as `swapped_coordinates`
        "action": pl.String,  # repaired, refused, left out (of this dataset, which takes a part) or noted
        "rows": pl.Int64,
        "detail": pl.String,  # the evidence, in words
        "example": pl.String,  # the first row concerned, as it stands in the file
    }
)


class BadMetadata(ValueError):
    """A file that is not what it was offered as: names it, what was found, and the remedy."""


@dataclass(frozen=True)
class Metadata:
    """Checked facts (schema METADATA), what was found on the way (schema FINDINGS), and what each photo shows.

    `scenes` (schema SCENE_TABLE): of every row SCENES, the file's own words, or null; no rows where nobody tells.
    `left_out` (schema LEFT_OUT): rows of the file that are not of this dataset.
    """

    table: pl.DataFrame
    findings: pl.DataFrame
    scenes: pl.DataFrame = field(default_factory=SCENE_TABLE.to_frame)
    left_out: pl.DataFrame = field(default_factory=LEFT_OUT.to_frame)

    def without(self, reasons: pl.Series, findings: pl.DataFrame) -> "Metadata":
        """The rows whose reason is null, the others left out for theirs; `findings` are added to those there are."""
        stays = reasons.is_null()
        gone = self.table.select("photo_id", "locator", reason=reasons).filter(~stays)
        return Metadata(
            self.table.filter(stays),
            pl.concat([self.findings, findings]),
            self.scenes.filter(stays) if self.scenes.height else self.scenes,
            pl.concat([self.left_out, gone]),
        )
