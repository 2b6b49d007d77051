"""A file's text by facts: the columns a form names, as strings, block by block; CSV and Parquet alike."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from g3lib.images.metadata.records import Block, Layout, Tally, blocks
from g3lib.images.metadata.table import BadMetadata
from g3lib.images.metadata.whereabouts import QUOTED

SEPARATORS = (b",", b"\t", b";", b"|")
HEAD = 1 << 20  # bytes in which the header must end
DAMAGED = (pa.ArrowException, pl.exceptions.PolarsError, OSError, UnicodeDecodeError)  # of Parquet
BOM = b"\xef\xbb\xbf"


@dataclass
class Chunk:
    """Some rows, every fact a column of strings; `lines` and `starts` say where they stand in the file."""

    facts: pl.DataFrame
    lines: NDArray[np.int64]
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class Head:
    """A text's first record as fields, and how the file is laid out if that is its header, and if it is not."""

    fields: tuple[str, ...]
    layout: Layout
    bare: Layout = field(repr=False)


def head_of(path: Path, file: BinaryIO) -> Head:
    """The first line that is not blank, parsed; BadMetadata where there is none, or no separator in it."""
    file.seek(0)
    head = file.read(HEAD)
    begin = len(BOM) if head.startswith(BOM) else 0
    line = 1
    while True:
        end = head.find(b"\n", begin)
        text = head[begin : end if end >= 0 else len(head)]
        if text.strip():
            break
        if end < 0:
            raise BadMetadata(f"{path}: nothing but blank lines; fetch it again")
        begin, line = end + 1, line + 1
    if end < 0 and len(head) == HEAD:
        raise BadMetadata(
            f"{path}: no line ends in its first {HEAD:,} bytes; it is no table with one row a line"
        )
    return _head(path, text.rstrip(b"\r"), begin, end + 1 if end >= 0 else len(head), line)


def _head(path: Path, text: bytes, begin: int, end: int, line: int) -> Head:
    if b"\r" in text:
        raise BadMetadata(f"{path}: its lines end as on old Macintoshes (CR); write them with LF")
    separator = max(SEPARATORS, key=text.count)
    if b"\0" in text or text.count(separator) == 0:
        shown = text[:80].decode("utf-8", "replace")
        raise BadMetadata(
            f"{path}: its first line has no columns, found {shown!r}; it needs a table with a header"
        )
    try:
        rows = list(csv.reader([text.decode("utf-8", "replace")], delimiter=separator.decode(), strict=True))
    except csv.Error as problem:
        raise BadMetadata(f"{path}: its header, line {line}, cannot be read: {problem}") from problem
    count = len(rows[0])
    return Head(
        tuple(rows[0]),
        Layout(separator, count, text, end, line + 1),
        Layout(separator, count, b"", begin, line),
    )


def text_chunks(
    path: Path, file: BinaryIO, layout: Layout, wanted: Mapping[str, int], tally: Tally
) -> Iterator[Chunk]:
    """The wanted columns (fact: index) of a text's well-formed records; the rest goes to the tally."""
    for block in blocks(file, layout, tally):
        if block.rows:
            yield Chunk(_facts(path, block, layout, wanted), block.lines, block.starts)


def _facts(path: Path, block: Block, layout: Layout, wanted: Mapping[str, int]) -> pl.DataFrame:
    indices = sorted(set(wanted.values()))
    quoted = b'"' in block.data
    frame: pl.DataFrame | None
    try:
        frame = pl.read_csv(
            BOM + block.data if block.data.startswith(BOM) else block.data,  # polars takes one off
            has_header=False,
            columns=indices,
            infer_schema=False,
            separator=layout.separator.decode(),
            quote_char='"' if quoted else None,
        )
    except pl.exceptions.ComputeError:
        frame = None
    if frame is None or frame.height != block.rows:
        frame = _by_hand(path, block, layout, indices)
    if quoted:
        frame = frame.with_columns(pl.all().replace({"": None}))
    return frame.select(pl.col(_column(index)).alias(fact) for fact, index in wanted.items())


def _column(index: int) -> str:
    """What polars calls a column of a file without header."""
    return f"column_{index}"


def _by_hand(path: Path, block: Block, layout: Layout, indices: Sequence[int]) -> pl.DataFrame:
    """The same by Python's reader, should polars ever read otherwise than this package's scanner."""
    text = (line + "\n" for line in block.data.decode().removesuffix("\n").split("\n"))
    separator, lines = layout.separator.decode(), f"{path}: lines {block.lines[0]} to {block.lines[-1]}"
    try:
        if b'"' in block.data:
            rows = list(csv.reader(text, delimiter=separator))
        else:
            rows = [line[:-1].split(separator) for line in text]
    except csv.Error as problem:
        raise BadMetadata(f"{lines} cannot be read: {problem}") from problem
    if len(rows) != block.rows or any(len(row) != layout.fields for row in rows):
        raise BadMetadata(f"{lines} can be read in two ways; quote their fields")
    cells = [[row[index] or None for index in indices] for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(map(_column, indices), pl.String), orient="row")


def line_at(file: BinaryIO, start: int) -> str:
    """The line that begins at a byte of the file."""
    file.seek(start)
    return file.read(QUOTED * 4).split(b"\n")[0].decode("utf-8", "replace").rstrip("\r")


def parquet_names(path: Path) -> tuple[str, ...]:
    """A Parquet file's columns; BadMetadata if it is damaged."""
    try:
        return tuple(pq.ParquetFile(path).schema_arrow.names)
    except DAMAGED as problem:
        raise BadMetadata(f"{path}: damaged Parquet: {problem}; fetch it again") from problem


def parquet_chunks(path: Path, wanted: Mapping[str, int]) -> Iterator[Chunk]:
    """The wanted columns of a Parquet file as strings, rows numbered from 1."""
    row = 1
    try:
        file = pq.ParquetFile(path)
        names = [file.schema_arrow.names[index] for index in sorted(set(wanted.values()))]
        for batch in file.iter_batches(batch_size=1 << 18, columns=names):
            batch.validate(full=True)  # text that is no UTF-8 would end the process within polars
            frame = pl.DataFrame(batch)
            lines = np.arange(row, row + frame.height)
            row += frame.height
            facts = frame.select(_text(frame, name).alias(fact) for fact, name in _named(file, wanted))
            yield Chunk(facts, lines, lines)
    except DAMAGED as problem:
        raise BadMetadata(
            f"{path}: row {row:,} and on cannot be read: {problem}; fetch it again"
        ) from problem


def _named(file: pq.ParquetFile, wanted: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(fact, file.schema_arrow.names[index]) for fact, index in wanted.items()]


def _text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Numbers keep their shortest exact form as text, and thus every bit when read again."""
    column = pl.col(name).cast(pl.String)
    return column.replace({"": None})


def parquet_row(path: Path, wanted: Mapping[str, int], row: int) -> str:
    """A row (from 1) of a Parquet file, as `column=value` of the columns that were read."""
    file = pq.ParquetFile(path)
    names = [file.schema_arrow.names[index] for index in sorted(set(wanted.values()))]
    row -= 1
    for group in range(file.num_row_groups):
        held = file.metadata.row_group(group).num_rows
        if row < held:
            found = file.read_row_group(group, columns=names).slice(row, 1).to_pylist()[0]
            return ", ".join(f"{name}={value}" for name, value in found.items())
        row -= held
    return ""
