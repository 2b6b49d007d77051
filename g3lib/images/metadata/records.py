"""A delimited text as blocks of whole records, each with as many fields as the header: what polars reads in one go.

One look at every byte (separators, quotes, line ends, encoding) finds each record that is not well formed, with its
line, so that none is lost or misread; a block without any goes to polars as it stands.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from g3lib.images.metadata.mending import LONGEST, Records, mended
from g3lib.images.metadata.whereabouts import shortened

BLOCK = 16 << 20
WINDOW = 64 << 10  # bytes that are read slowly around a stray quote; more if there are many
MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
NO_LATIN_LETTER = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: its separator, the number of fields, the raw header, and where its body begins."""

    separator: bytes
    fields: int
    header: bytes  # without line end; empty if there is none
    offset: int
    line: int  # of the body's first record


@dataclass(frozen=True)
class Fault:
    """A record that cannot be read as a row: what is wrong, its line, its text."""

    kind: str
    line: int
    text: str


@dataclass
class Tally:
    """What was left out: how many of each kind, the first of each, and the latest (a footer is at the end)."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[Fault]] = field(default_factory=dict)
    latest: deque[Fault] = field(default_factory=lambda: deque(maxlen=50))
    last_good_line: int = 0
    latin_1: int = 0  # records read as ISO 8859-1
    latin_1_example: str = ""
    literal_quotes: int = 0  # records whose quotes were taken as they stand
    literal_example: str = ""
    open_end: bool = False  # the last line has no line end

    def add(self, fault: Fault) -> None:
        """Count a record that was left out."""
        self.counts[fault.kind] += 1
        self.latest.append(fault)
        seen = self.first.setdefault(fault.kind, [])
        if len(seen) < 3:
            seen.append(fault)


@dataclass(frozen=True)
class Block:
    """Well-formed records in UTF-8 with `\\n` line ends, and where each begins in the file."""

    data: bytes
    rows: int
    starts: NDArray[np.int64]
    lines: NDArray[np.int64]


def blocks(file: BinaryIO, layout: Layout, tally: Tally, size: int = BLOCK) -> Iterator[Block]:
    """The file's records from the body's beginning on; what is left out goes to the tally."""
    offset, line, carry, ended, window = layout.offset, layout.line, b"", False, WINDOW
    is_latin_1 = _once(lambda: _latin_1(file, size))
    while True:
        file.seek(offset + len(carry))
        wanted = max(size - len(carry), 4096)
        chunk = b"" if ended else file.read(wanted)
        ended = ended or len(chunk) < wanted
        data = carry + chunk
        if not data:
            return
        if ended and not data.endswith(b"\n"):
            data, tally.open_end = data + b"\n", True
        records = _scanned(data, layout)
        if records.used == 0 or (len(data) - records.used > LONGEST and not ended and not records.loose):
            records = _mended(data, layout, window, ended)
            window = min(4 * window, size)
        elif records.used > LONGEST:
            window = WINDOW
        yield _block(data, records, layout, tally, offset, line, is_latin_1)
        line += data.count(b"\n", 0, records.used)
        offset += records.used
        carry = data[records.used :]
        if ended and not carry:
            return


def _mended(data: bytes, layout: Layout, window: int, ended: bool) -> Records:
    """The records of the first `window` bytes, to the end of a line, read slowly."""
    end = data.find(b"\n", window) + 1 or len(data)
    return mended(data[:end], layout.separator, layout.fields, ended and end == len(data))


def _once(question: Callable[[], bool]) -> Callable[[], bool]:
    """The question, asked at most once."""
    answers: list[bool] = []

    def answer() -> bool:
        if not answers:
            answers.append(question())
        return answers[0]

    return answer


def _latin_1(file: BinaryIO, size: int) -> bool:
    """Whether all that is not ASCII in the file can only be ISO 8859-1: no UTF-8 anywhere, letters and signs only."""
    file.seek(0)
    carry = b""
    while chunk := file.read(size):
        data = carry + chunk
        if not data.isascii() and (MULTIBYTE.search(data) or NO_LATIN_LETTER.search(data)):
            return False
        carry = data[-3:]  # a character may lie across two reads
    return True


def _scanned(data: bytes, layout: Layout) -> Records:
    """Records and their numbers of fields, by array operations, up to the first whose quoting is not strict."""
    letters = np.frombuffer(data, np.uint8)
    at = (letters == layout.separator[0]) | (letters == 10)
    positions, quotes = np.flatnonzero(at), np.empty(0, np.int64)
    if b'"' in data:
        quotes = np.flatnonzero(letters == 34)
        positions = positions[np.searchsorted(quotes, positions) % 2 == 0]  # those outside of quotes
    last_of = np.flatnonzero(letters[positions] == 10)
    ends = positions[last_of]
    stray = _first_stray_quote(letters, quotes, layout.separator[0]) if quotes.size else None
    if stray is not None:
        last_of = last_of[: np.searchsorted(ends, stray)]
        ends = positions[last_of]
    used = int(ends[-1]) + 1 if ends.size else 0
    starts = np.concatenate([np.zeros(1, np.int64), ends + 1])[:-1]
    return Records(starts, ends, np.diff(last_of, prepend=-1), used, loose=stray is not None)


def _first_stray_quote(letters: NDArray[np.uint8], at: NDArray[np.int64], separator: int) -> int | None:
    """The first quote that neither opens or closes a whole field nor is one of two within one (closing, reopening)."""
    before, after = at[0::2] - 1, at[1::2] + 1
    opens = np.isin(letters[np.maximum(before, 0)], (separator, 10, 34)) | (before < 0)
    inside = after < letters.size  # the block's last byte may be a closing quote
    next_one = letters[np.minimum(after, letters.size - 1)]
    windows = (next_one == 13) & (letters[np.minimum(after + 1, letters.size - 1)] == 10)
    closes = windows | np.isin(next_one, (separator, 10, 34)) | ~inside
    strays = np.concatenate([at[0::2][~opens], at[1::2][~closes]])
    return int(strays.min()) if strays.size else None


def _block(
    data: bytes,
    records: Records,
    layout: Layout,
    tally: Tally,
    offset: int,
    line: int,
    is_latin_1: Callable[[], bool],
) -> Block:
    """The good records of a stretch of the file; the others are told to the tally in order."""
    lines = line + _newlines_before(data, records)
    faults = _faults(data, records, layout, is_latin_1)
    for index in sorted(faults):
        text = data[records.starts[index] : records.ends[index]].decode("utf-8", "replace")
        tally.add(Fault(faults[index], int(lines[index]), shortened(text)))
    good = np.ones(records.starts.size, bool)
    good[list(faults)] = False
    kept = np.flatnonzero(good)
    if kept.size:
        tally.last_good_line = int(lines[kept[-1]])
    body = _joined(data, records, kept)
    if not body.isascii() and is_latin_1():
        body = _from_latin_1(body, data, records, kept, tally)
    _count_literal(data, records, kept, tally)
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    return Block(body, int(kept.size), offset + records.starts[kept], lines[kept])


def _from_latin_1(body: bytes, data: bytes, records: Records, kept: NDArray[np.int64], tally: Tally) -> bytes:
    """The records in UTF-8, those that change counted."""
    spans = [data[records.starts[i] : records.ends[i]] for i in kept]
    strange = [span for span in spans if not span.isascii()]
    tally.latin_1_example = tally.latin_1_example or shortened(strange[0].decode("latin-1"))
    tally.latin_1 += len(strange)
    return body.decode("latin-1").encode()


def _count_literal(data: bytes, records: Records, kept: NDArray[np.int64], tally: Tally) -> None:
    literal = records.literal.intersection(kept.tolist()) if records.literal else frozenset()
    if literal and not tally.literal_example:
        first = min(literal)
        text = data[records.starts[first] : records.ends[first]].decode("utf-8", "replace")
        tally.literal_example = shortened(text)
    tally.literal_quotes += len(literal)


def _newlines_before(data: bytes, records: Records) -> NDArray[np.int64]:
    """How many lines of the block end before each record begins."""
    if data.count(b"\n", 0, records.used) == records.starts.size:
        return np.arange(records.starts.size)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    return np.searchsorted(ends, records.starts).astype(np.int64)


def _joined(data: bytes, records: Records, kept: NDArray[np.int64]) -> bytes:
    """The kept records one after another, as they stand or as they were rewritten."""
    if kept.size == records.starts.size and not records.rewritten:
        return data[: records.used]
    spans = zip(kept.tolist(), records.starts[kept].tolist(), records.ends[kept].tolist(), strict=True)
    return b"".join(records.rewritten.get(i, data[start : end + 1]) for i, start, end in spans)


def _faults(data: bytes, records: Records, layout: Layout, is_latin_1: Callable[[], bool]) -> dict[int, str]:
    """What is wrong with which records; the gravest name for each."""
    faults = dict(records.faults)
    odd = np.flatnonzero(records.counts != layout.fields)
    for index in odd.tolist():
        if index not in faults:
            text = data[records.starts[index] : records.ends[index]]
            few = records.counts[index] < layout.fields
            faults[index] = "too_few_fields" if few else "too_many_fields"
            faults[index] = faults[index] if text.strip() else "blank_lines"
    if layout.header:
        faults.update(_repeated_headers(data, records, layout.header))
    if b"\0" in data or (not data.isascii() and not _is_utf_8(data[: records.used])):
        faults.update(_bad_bytes(data, records, is_latin_1))
    return faults


def _repeated_headers(data: bytes, records: Records, header: bytes) -> dict[int, str]:
    lengths = records.ends - records.starts
    likely = np.flatnonzero((lengths == len(header)) | (lengths == len(header) + 1)).tolist()
    starts = records.starts
    same = (i for i in likely if data[starts[i] : starts[i] + len(header)] == header)
    return {i: "repeated_header" for i in same if not data[starts[i] + len(header) : records.ends[i]].strip()}


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _bad_bytes(data: bytes, records: Records, is_latin_1: Callable[[], bool]) -> dict[int, str]:
    """Records with NUL bytes, or with bytes that are no UTF-8 in a file that is not in Latin-1 either."""
    letters = np.frombuffer(data, np.uint8)[: records.used]
    suspects = np.searchsorted(records.ends, np.flatnonzero((letters == 0) | (letters > 127)))
    faults = {}
    for index in np.unique(suspects).tolist():
        text = data[records.starts[index] : records.ends[index]]
        if b"\0" in text:
            faults[index] = "nul_bytes"
        elif not _is_utf_8(text) and not is_latin_1():
            faults[index] = "not_utf_8"
    return faults
