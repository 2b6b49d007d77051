"""Place Pulse 2.0: two places in each vote, latitude and longitude swapped, scanners among the voters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from g3lib.experiments.datasets import UNKNOWN
from g3lib.images.metadata.coordinates import parsed
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.formats import Form, Publication
from g3lib.images.metadata.loading import form_and_layout
from g3lib.images.metadata.opening import opened
from g3lib.images.metadata.raw import Chunk, head_of, line_at, text_chunks
from g3lib.images.metadata.records import Tally
from g3lib.images.metadata.table import BadMetadata
from g3lib.images.metadata.whereabouts import Whereabouts

STUDIES = (
    "50a68a51fdc9f05596000002",  # safer
    "50f62c41a84ea7c5fdd2e454",  # livelier
    "50f62c68a84ea7c5fdd2e456",  # more boring
    "50f62cb7a84ea7c5fdd2e458",  # wealthier
    "50f62ccfa84ea7c5fdd2e459",  # more depressing
    "5217c351ad93a7d3e7b07a64",  # more beautiful
)
CHOICES = ("left", "right", "equal", "0")
LICENCE = "Google Street View; not redistributable"
SIDES = ("left", "right")


def _form(columns: Mapping[str, str]) -> Form:
    names = {fact: (column,) for fact, column in columns.items()}
    return Form(names, required=tuple(fact for fact in columns if not fact.startswith("city")))


# `long_*` hold latitudes in votes_clean.csv; what they hold is decided by the values, not by this table
CLEAN = _form(
    {
        "study": "study_id",
        "choice": "choice",
        **{f"id_{side}": side for side in SIDES},
        **{f"lat_{side}": f"lat_{side}" for side in SIDES},
        **{f"lon_{side}": f"long_{side}" for side in SIDES},
        **{f"city_{side}": f"place_name_{side}" for side in SIDES},
    }
)
VOTES = Publication(
    "Place Pulse 2.0's votes",
    (CLEAN,),
    remedy="votes_clean.csv lies at figshare, DOI 10.6084/m9.figshare.11859993",
)


@dataclass
class _Sight:
    """Places seen in votes: one row for every distinct id, position text and city, with its first line."""

    places: pl.DataFrame
    junk: int = 0
    junk_line: str = ""


@contextmanager
def places_of_votes(path: Path) -> Iterator[tuple[Draft, Tally]]:
    """Every place that was voted on, in order of appearance, as a draft; junk votes are counted and left out."""
    tally = Tally()
    with opened(path) as file:
        _, wanted, layout = form_and_layout(path, VOTES, head_of(path, file))
        sights = []
        for chunk in text_chunks(path, file, layout, wanted, tally):
            sight = _sight(chunk)
            if sight.junk:
                sight.junk_line = line_at(file, int(sight.junk_line))
            sights.append(sight)
        if not any(sight.places.height for sight in sights):
            raise BadMetadata(f"{path}: no vote in it has a known study and choice; {VOTES.remedy}")
        places = pl.concat([sight.places for sight in sights]).unique(
            ("id", "lat", "lon", "city"), keep="first", maintain_order=True
        )
        starts = places["start"].to_numpy()
        where = Whereabouts(places["line"].to_numpy(), lambda row: line_at(file, int(starts[row])))
        draft = _draft(places, where)
        _note_junk(draft, sights)
        yield draft, tally


def _sight(chunk: Chunk) -> _Sight:
    facts = chunk.facts.with_columns(line=pl.Series(chunk.lines), start=pl.Series(chunk.starts))
    good = facts["study"].is_in(STUDIES).fill_null(False) & facts["choice"].is_in(CHOICES).fill_null(False)
    junk = facts.filter(~good)
    facts = facts.filter(good)
    sides = [
        facts.select(
            pl.col(f"id_{side}").str.strip_chars().alias("id"),
            pl.col(f"lat_{side}").alias("lat"),
            pl.col(f"lon_{side}").alias("lon"),
            (pl.col(f"city_{side}") if f"city_{side}" in facts.columns else pl.lit(None, pl.String)).alias(
                "city"
            ),
            "line",
            "start",
        )
        for side in SIDES
    ]
    places = pl.concat(sides).sort("line", maintain_order=True)
    places = places.unique(("id", "lat", "lon", "city"), keep="first", maintain_order=True)
    return _Sight(places, junk.height, str(junk["start"][0]) if junk.height else "")


def _draft(places: pl.DataFrame, where: Whereabouts) -> Draft:
    lat, how_lat = parsed(places["lat"], "NS")
    lon, how_lon = parsed(places["lon"], "EW")
    ids = pl.when(pl.col("id") != "").then("id")
    unknown = pl.lit(UNKNOWN, pl.String)
    text = places.select(
        photo_id=ids, author=unknown, licence=pl.lit(LICENCE, pl.String), locator=ids, city="city"
    )
    how = np.maximum(how_lat.to_numpy(), how_lon.to_numpy())
    return Draft(VOTES.title, text, lat.to_numpy(), lon.to_numpy(), how, where, frozenset({"city"}))


def _note_junk(draft: Draft, sights: list[_Sight]) -> None:
    junk = sum(sight.junk for sight in sights)
    if junk:
        first = next(sight.junk_line for sight in sights if sight.junk)
        detail = "votes without a known study_id and choice, as web scanners leave; left out"
        draft.findings.append(Finding("junk_votes", "refused", junk, detail, first))
