"""From a file to a draft: text by facts, positions as numbers, each row knowing its line."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.datasets import UNKNOWN
from g3lib.images.metadata.coordinates import parsed
from g3lib.images.metadata.draft import Draft
from g3lib.images.metadata.formats import Form, Publication
from g3lib.images.metadata.opening import is_parquet, opened
from g3lib.images.metadata.raw import (
    Chunk,
    Head,
    head_of,
    line_at,
    parquet_chunks,
    parquet_names,
    parquet_row,
    text_chunks,
)
from g3lib.images.metadata.recognition import is_bare, matched
from g3lib.images.metadata.records import Layout, Tally
from g3lib.images.metadata.table import PLACE_FIELDS, BadMetadata
from g3lib.images.metadata.whereabouts import Whereabouts

TEXT = ("photo_id", "author", "licence", "locator", "scene", *PLACE_FIELDS)
STRIPPED = ("photo_id", "country", "country_code")


@dataclass
class _Part:
    """One chunk, parsed."""

    text: pl.DataFrame
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    how: NDArray[np.uint8]
    coarse: NDArray[np.bool_] | None
    video: NDArray[np.bool_] | None
    lines: NDArray[np.int64]
    starts: NDArray[np.int64]


@contextmanager
def loaded(path: Path, offered: Publication) -> Iterator[tuple[Draft, Tally]]:
    """The file's rows, unchecked, while it is open for quoting; BadMetadata if no row can be read."""
    if is_parquet(path):
        form, wanted = matched(str(path), offered, parquet_names(path))
        parts = [_part(chunk, form) for chunk in parquet_chunks(path, wanted)]
        tally = Tally()
        _refuse_nothing(path, parts, tally)
        lines = np.concatenate([part.lines for part in parts])
        where = Whereabouts(lines, lambda row: parquet_row(path, wanted, row + 1), "row")
        yield _draft(offered, form, parts, where, frozenset(wanted)), tally
        return
    with opened(path) as file:
        tally = Tally()
        form, wanted, layout = form_and_layout(path, offered, head_of(path, file))
        parts = [_part(chunk, form) for chunk in text_chunks(path, file, layout, wanted, tally)]
        _refuse_nothing(path, parts, tally)
        yield _draft(offered, form, parts, _whereabouts(file, parts), frozenset(wanted)), tally


def form_and_layout(path: Path, offered: Publication, head: Head) -> tuple[Form, dict[str, int], Layout]:
    """The form of a text, where its facts stand, and whether its first line is a header."""
    for form in offered.forms:
        if form.names and is_bare(head.fields, form):
            return *matched(str(path), replace(offered, forms=(form,)), form.names), head.bare
    form, wanted = matched(str(path), offered, head.fields)
    return form, wanted, head.layout


def _refuse_nothing(path: Path, parts: list[_Part], tally: Tally) -> None:
    if not sum(part.lat.size for part in parts):
        left = (
            ", ".join(f"{count} {kind}" for kind, count in tally.counts.items())
            or "nothing behind the header"
        )
        raise BadMetadata(f"{path}: no row can be read ({left}); fetch it again")


def _whereabouts(file: BinaryIO, parts: list[_Part]) -> Whereabouts:
    starts = np.concatenate([part.starts for part in parts])
    lines = np.concatenate([part.lines for part in parts])
    return Whereabouts(lines, lambda row: line_at(file, int(starts[row])))


def _part(chunk: Chunk, form: Form) -> _Part:
    facts = chunk.facts
    lat, how_lat = parsed(facts["lat"], "NS")
    lon, how_lon = parsed(facts["lon"], "EW")
    accuracy = facts["accuracy"].cast(pl.Float64, strict=False) if "accuracy" in facts else None
    return _Part(
        text=facts.select(_text_columns(facts.columns, form)),
        lat=lat.to_numpy(),
        lon=lon.to_numpy(),
        how=np.maximum(how_lat.to_numpy(), how_lon.to_numpy()),
        coarse=None if accuracy is None else _rows((accuracy >= 1) & (accuracy <= 5)),
        video=_rows(facts["video"] == "1") if "video" in facts else None,
        lines=chunk.lines,
        starts=chunk.starts,
    )


def _rows(condition: pl.Series) -> NDArray[np.bool_]:
    return condition.fill_null(False).to_numpy()


def _text_columns(present: Iterable[str], form: Form) -> list[pl.Expr]:
    columns = []
    for name in (name for name in TEXT if name in present):
        column = pl.col(name)
        if name in STRIPPED:
            stripped = column.str.strip_chars()
            column = pl.when(stripped != "").then(stripped).alias(name)
        columns.append(column.fill_null(UNKNOWN) if name in ("author", "licence") else column)
    literal = {"author": UNKNOWN, "licence": UNKNOWN, **form.literal}
    missing = [name for name in literal if name not in present]
    return [*columns, *(pl.lit(literal[name], pl.String).alias(name) for name in missing)]


def _draft(
    offered: Publication, form: Form, parts: list[_Part], where: Whereabouts, has: frozenset[str]
) -> Draft:
    coarse = [part.coarse for part in parts if part.coarse is not None]
    video = [part.video for part in parts if part.video is not None]
    return Draft(
        title=offered.title,
        text=pl.concat([part.text for part in parts], rechunk=False),
        lat=np.concatenate([part.lat for part in parts]),
        lon=np.concatenate([part.lon for part in parts]),
        how=np.concatenate([part.how for part in parts]),
        where=where,
        has=has | frozenset(form.literal),
        coarse=np.concatenate(coarse) if coarse else None,
        video=np.concatenate(video) if video else None,
    )
