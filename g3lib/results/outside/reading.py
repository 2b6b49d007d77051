"""Anybody's table as text by facts: CSV, TSV and their like, Parquet, JSON lines; compressed, or in UTF-16.

The readers of metadata do the work (`g3lib.images.metadata`), so that footers, blank lines, repeated headers and lines
that cannot be read are found, counted and quoted here as there.
"""

import codecs
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import polars as pl

from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.left_out import findings_of
from g3lib.images.metadata.opening import is_parquet, opened
from g3lib.images.metadata.raw import (
    Chunk,
    head_of,
    line_at,
    parquet_chunks,
    parquet_names,
    parquet_row,
    text_chunks,
)
from g3lib.images.metadata.records import Tally
from g3lib.images.metadata.table import BadMetadata
from g3lib.images.metadata.whereabouts import Whereabouts, shortened
from g3lib.results.outside.columns import BadPredictions, Columns

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TRANSCODED = 1 << 20  # bytes at a time
Choose = Callable[[Sequence[str]], Columns]


@dataclass
class Sheet:
    """The rows of a file: a column of strings for each fact (`id0`, `lat`, `true_lat`, …), and where it stands."""

    columns: Columns
    facts: pl.DataFrame
    where: Whereabouts
    findings: list[Finding] = field(default_factory=list)


@contextmanager
def sheet_of(path: Path, choose: Choose) -> Iterator[Sheet]:
    """The file's rows, while it is open for quoting; `choose` says which columns hold what.

    Raises BadPredictions for a file that is no table, or holds no row.
    """
    try:
        if is_parquet(path):
            yield _parquet(path, choose)
            return
        with _text(path) as (file, transcoded):
            sheet = _json_lines(path, file, choose) or _delimited(path, file, choose)
            if transcoded:
                sheet.findings.append(Finding("utf_16", "repaired", sheet.facts.height, "text in UTF-16"))
            yield sheet
    except BadMetadata as problem:
        raise BadPredictions(str(problem)) from problem


def facts_of(columns: Columns) -> dict[str, int]:
    """The columns to read, by fact."""
    facts = {f"id{rank}": index for rank, index in enumerate(columns.ids)}
    facts |= {"lat": columns.prediction.lat, "lon": columns.prediction.lon}
    if columns.truth is not None:
        facts |= {"true_lat": columns.truth.lat, "true_lon": columns.truth.lon}
    return facts | ({} if columns.author is None else {"author": columns.author})


def _parquet(path: Path, choose: Choose) -> Sheet:
    columns = choose(parquet_names(path))
    wanted = facts_of(columns)
    chunks = list(parquet_chunks(path, wanted))
    lines = _lines(path, chunks, Tally())
    where = Whereabouts(lines, lambda row: parquet_row(path, wanted, row + 1), "row")
    return Sheet(columns, pl.concat([chunk.facts for chunk in chunks]), where)


def _delimited(path: Path, file: BinaryIO, choose: Choose) -> Sheet:
    head = head_of(path, file)
    columns = choose([name.lstrip("\ufeff") for name in head.fields])
    tally = Tally()
    chunks = list(text_chunks(path, file, head.layout, facts_of(columns), tally))
    lines = _lines(path, chunks, tally)
    starts = np.concatenate([chunk.starts for chunk in chunks])
    where = Whereabouts(lines, lambda row: line_at(file, int(starts[row])))
    return Sheet(columns, pl.concat([chunk.facts for chunk in chunks]), where, findings_of(tally))


def _lines(path: Path, chunks: Sequence[Chunk], tally: Tally) -> "np.ndarray[Any, np.dtype[np.int64]]":
    if not sum(chunk.facts.height for chunk in chunks):
        left = (
            ", ".join(f"{count} {kind}" for kind, count in tally.counts.items())
            or "nothing behind the header"
        )
        commas = "; are its decimals commas? Then its separator must be none" if tally.counts else ""
        raise BadPredictions(f"{path}: no row can be read ({left}){commas}")
    return np.concatenate([chunk.lines for chunk in chunks])


@contextmanager
def _text(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """The text of a file, in UTF-8 where its first bytes say UTF-16, and whether that was so."""
    with path.open("rb") as file:
        head = file.read(2)
        if head not in UTF_16:
            with opened(path) as plain:
                yield plain, False
            return
        file.seek(0)
        with tempfile.TemporaryFile() as scratch:
            decoder = codecs.getincrementaldecoder("utf-16")()
            try:
                while block := file.read(TRANSCODED):
                    scratch.write(decoder.decode(block).encode())
                scratch.write(decoder.decode(b"", final=True).encode())
            except UnicodeError as problem:
                raise BadPredictions(
                    f"{path}: begins as UTF-16, but is not: {problem}; save it as UTF-8"
                ) from problem
            scratch.seek(0)
            yield cast(BinaryIO, scratch), True


def _json_lines(path: Path, file: BinaryIO, choose: Choose) -> Sheet | None:
    """One object a line, or one array of objects; None if the file does not begin so."""
    file.seek(0)
    first = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    file.seek(0)
    if first not in (b"{", b"["):
        return None
    try:
        read = list(_objects(file, first))
    except json.JSONDecodeError as problem:
        raise BadPredictions(f"{path}: begins as JSON, but is not: {problem}") from problem
    good = [(line, dict(_flat(found)), text) for line, found, text in read if found is not None]
    if not good:
        raise BadPredictions(
            f"{path}: no object in it; it needs one a line, with an id, a latitude and a longitude"
        )
    names = list(dict.fromkeys(name for _, row, _ in good for name in row))
    columns = choose(names)
    facts = {
        fact: pl.Series([row.get(names[index]) for _, row, _ in good], dtype=pl.String)
        for fact, index in facts_of(columns).items()
    }
    where = Whereabouts(np.array([line for line, *_ in good]), lambda row: good[row][2])
    bad = [(line, text) for line, found, text in read if found is None]
    findings = (
        [Finding("no_object", "refused", len(bad), f"no JSON object; line {bad[0][0]}", bad[0][1])]
        if bad
        else []
    )
    return Sheet(columns, pl.DataFrame(facts), where, findings)


def _objects(file: BinaryIO, first: bytes) -> Iterator[tuple[int, Mapping[str, Any] | None, str]]:
    """(line or place in the array, the object or None, its text); blank lines are passed over."""
    if first == b"[":
        for place, found in enumerate(json.loads(file.read().decode("utf-8-sig", "replace")), start=1):
            yield (
                place,
                found if isinstance(found, dict) else None,
                shortened(json.dumps(found, ensure_ascii=False)),
            )
        return
    for line, raw in enumerate(file, start=1):
        if text := raw.decode("utf-8-sig", "replace").strip():
            yield line, _object(text), shortened(text)


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str | None]]:
    """An object's values as text, `prediction: {lat: …}` as `prediction.lat`."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield before + name, None if value is None or text == "" else text
