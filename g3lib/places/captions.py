"""Place names to the sentence that the text tower reads; missing parts are dropped.

`official` is the wording of G3's released code, `paper` that of its figure 2; `satellite` suits the
demo's imagery.
"""

from typing import NamedTuple

import polars as pl

LEVELS = ("city", "state", "country")


class Template(NamedTuple):
    """A prefix and the place fields that follow it, joined by `, `."""

    prefix: str
    levels: tuple[str, ...]


TEMPLATES = {
    "official": Template("A street view photo taken in ", LEVELS),
    "paper": Template("A photo taken from ", ("state", "country")),
    "satellite": Template("A satellite photo taken in ", LEVELS),
}


def captions(places: pl.DataFrame, template: str) -> pl.Series:
    """One caption per row of `places`; null where no level is known. KeyError lists the templates."""
    if template not in TEMPLATES:
        raise KeyError(f"no caption template {template!r}; there are: {', '.join(TEMPLATES)}")
    prefix, levels = TEMPLATES[template]
    joined = pl.concat_str(list(levels), separator=", ", ignore_nulls=True)
    known = pl.any_horizontal(pl.col(*levels).is_not_null())
    caption = pl.when(known).then(pl.lit(prefix) + joined).alias("caption")
    return places.select(caption).to_series()
