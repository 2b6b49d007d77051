"""Records where quotes are not strict: line by line, slowly, for the blocks that need it.

A quote that opens a field and is never closed would swallow the lines behind it, and a quote within an unquoted
field would shift the reader's notion of in and out. Here each line is read strictly first, then together with the
next ones, and last with its quotes as plain letters if the number of fields is then right.
"""

import csv
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LONGEST = 1 << 20  # bytes of a record; a longer one is an unclosed quote
CONTINUED = 20  # lines that one record may go over


@dataclass(frozen=True)
class Records:
    """Where the records of a block begin and end (at their line end), and how many fields each has.

    `used` bytes of the block are whole records; `rewritten` are those that polars could not read as they stand.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    counts: NDArray[np.int64]
    used: int
    rewritten: dict[int, bytes] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    literal: frozenset[int] = frozenset()
    loose: bool = False  # the next record's quoting is not strict


@dataclass
class _Draft:
    spans: list[tuple[int, int, int]] = field(default_factory=list)
    rewritten: dict[int, bytes] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    literal: set[int] = field(default_factory=set)

    def take(self, start: int, end: int, count: int) -> int:
        self.spans.append((start, end, count))
        return end + 1

    def records(self, used: int) -> Records:
        spans = np.array(self.spans, np.int64).reshape(-1, 3)
        return Records(
            spans[:, 0], spans[:, 1], spans[:, 2], used, self.rewritten, self.faults, frozenset(self.literal)
        )


def mended(data: bytes, separator: bytes, fields: int, last: bool) -> Records:
    """The records of a block whose quoting is not strict; `last` if the file ends with it."""
    draft, at = _Draft(), 0
    while (end := data.find(b"\n", at)) >= 0:
        line = data[at:end]
        if b'"' not in line:
            at = draft.take(at, end, line.count(separator) + 1)
            continue
        if not last and len(data) - at < LONGEST and data.count(b"\n", at, at + LONGEST) < CONTINUED and at:
            break  # it may go on in the next block
        at = _quoted_line(draft, data, at, end, separator, fields)
    if len(data) - at > LONGEST and end < 0:  # a line without end
        draft.faults[len(draft.spans)] = "overlong_line"
        at = draft.take(at, len(data) - 1, 1)
    return draft.records(at)


def _quoted_line(draft: _Draft, data: bytes, start: int, end: int, separator: bytes, fields: int) -> int:
    """Take the record that begins at `start`, whose first line ends at `end`; where the next one begins."""
    stop, index = end, len(draft.spans)
    for _ in range(CONTINUED):
        found = _strict(data[start:stop], separator)
        if found is not None and (len(found) == fields or stop == end):
            if len(found) == fields:
                draft.rewritten[index] = _rewritten(found, separator)
                return draft.take(start, stop, fields)
            break
        stop = data.find(b"\n", stop + 1)
        if stop < 0 or stop - start > LONGEST:
            break
    plain = data[start:end].rstrip(b"\r").split(separator)
    if len(plain) == fields:
        draft.rewritten[index] = _rewritten(plain, separator)
        draft.literal.add(index)
        return draft.take(start, end, fields)
    draft.faults[index] = "stray_quotes"
    return draft.take(start, end, len(plain))


def _strict(text: bytes, separator: bytes) -> list[bytes] | None:
    """The fields of one record in strict quoting; None if it is not. Bytes go through as Latin-1, unharmed."""
    rows = csv.reader(
        (line + "\n" for line in text.rstrip(b"\r").decode("latin-1").split("\n")),
        delimiter=separator.decode(),
        strict=True,
    )
    try:
        found = list(rows)
    except csv.Error:
        return None
    return [each.encode("latin-1") for each in found[0]] if len(found) == 1 else None


def _rewritten(fields: list[bytes], separator: bytes) -> bytes:
    return separator.join(b'"' + each.replace(b'"', b'""') + b'"' if each else b"" for each in fields) + b"\n"
