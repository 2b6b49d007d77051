"""Place names to the sentence that the text tower reads; missing parts are dropped.

A template is a wording and the levels of place it names when nobody asks for others:

- `official`: the wording of G3's released code (`utils.py`), city to country;
- `g3-n`: the same with the neighbourhood, the paper's table 7;
- `paper`: the wording of G3's figure 2, state and country;
- `streetclip`: StreetCLIP's training captions, a clause per level (arXiv 2302.00275; as its re-implementations
  write it); its zero-shot prompt for countries is what remains where only the country is known;
- `satellite`: suits the demo's imagery.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

LEVELS = ("city", "state", "country")

GRANULARITIES: Mapping[str, tuple[str, ...]] = {
    "country": ("country",),
    "state": ("state", "country"),
    "city": LEVELS,
    "county": ("city", "county", "country"),  # the wording of the paper's appendix A.6
    "neighbourhood": ("neighbourhood", *LEVELS),
}


class Template(NamedTuple):
    """A wording: a beginning, the known levels joined, and an end; `words` wraps a level's name in a clause."""

    prefix: str
    levels: tuple[str, ...]
    separator: str = ", "
    suffix: str = ""
    words: Mapping[str, str] = {}

    def clause(self, level: str) -> pl.Expr:
        """The level's name in its words, null where it is unknown."""
        before, _, after = self.words.get(level, "{}").partition("{}")
        name = pl.col(level)
        return name if not before + after else pl.lit(before) + name + pl.lit(after)


STREETCLIP = {
    "neighbourhood": "in the neighbourhood of {}",
    "city": "close to the town of {}",
    "county": "in the county of {}",
    "state": "in the region of {}",
    "country": "in {}",
}

TEMPLATES: Mapping[str, Template] = {
    "official": Template("A street view photo taken in ", LEVELS),
    "g3-n": Template("A street view photo taken in ", GRANULARITIES["neighbourhood"]),
    "paper": Template("A photo taken from ", GRANULARITIES["state"]),
    "streetclip": Template("A Street View photo ", LEVELS, separator=" ", suffix=".", words=STREETCLIP),
    "satellite": Template("A satellite photo taken in ", LEVELS),
}


def captions(places: pl.DataFrame, template: str, granularity: str | None = None) -> pl.Series:
    """One caption per row of `places`; null where no level is known.

    `granularity` names the levels instead of the template's own. KeyError lists the templates or granularities
    there are; ValueError names the columns that `places` lacks.
    """
    wording, levels = _chosen(template, granularity)
    lacking = [level for level in levels if level not in places.columns]
    if lacking:
        raise ValueError(
            f"template {template!r} needs the column(s) {', '.join(lacking)}; take the places of geocode(), "
            f"or a coarser granularity: {', '.join(GRANULARITIES)}"
        )
    clauses = [wording.clause(level) for level in levels]
    joined = pl.concat_str(clauses, separator=wording.separator, ignore_nulls=True)
    known = pl.any_horizontal(pl.col(*levels).is_not_null())
    sentence = pl.lit(wording.prefix) + joined + pl.lit(wording.suffix)
    return places.select(pl.when(known).then(sentence).alias("caption")).to_series()


def _chosen(template: str, granularity: str | None) -> tuple[Template, tuple[str, ...]]:
    """The template and the levels to name; KeyError for what there is not."""
    if template not in TEMPLATES:
        raise KeyError(f"no caption template {template!r}; there are: {', '.join(TEMPLATES)}")
    wording = TEMPLATES[template]
    if granularity is None:
        return wording, wording.levels
    if granularity not in GRANULARITIES:
        raise KeyError(f"no granularity {granularity!r}; there are: {', '.join(GRANULARITIES)}")
    return wording, GRANULARITIES[granularity]
