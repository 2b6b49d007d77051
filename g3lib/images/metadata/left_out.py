"""Findings about what is no row: blank lines, footers, repeated headers, and lines that cannot be read."""

from collections import Counter

from g3lib.images.metadata.findings import Finding
from g3lib.images.metadata.records import Fault, Tally

REPAIRED = {
    "blank_lines": "blank lines passed over",
    "repeated_header": "the header again, passed over",
}
REFUSED = {
    "too_few_fields": "fewer fields than the header",
    "too_many_fields": "more fields than the header; a separator is not quoted?",
    "nul_bytes": "zero bytes, as a broken download or disk leaves",
    "not_utf_8": "bytes that are no UTF-8, in a file that is otherwise UTF-8",
    "stray_quotes": "a quote that is never closed, or text behind a closing one",
    "overlong_line": "a line of more than a million bytes",
}


def unreadable(tally: Tally) -> int:
    """How many lines that should have been rows could not be read."""
    return sum(count for kind, count in _counts(tally).items() if kind in REFUSED)


def findings_of(tally: Tally) -> list[Finding]:
    """Every kind of line that was left out or read in another way, with its count and first lines."""
    findings, counts, footer = [], _counts(tally), footer_of(tally)
    if footer:
        detail = f"lines {footer[0].line} to {footer[-1].line} after the table, behind a blank one: cut off"
        findings.append(Finding("footer", "repaired", len(footer), detail, footer[0].text))
    cut = _cut_short(tally, footer)
    if cut:
        counts[cut.kind] -= 1
        detail = f"line {cut.line}, the last, has no line end and too few fields: the file is cut short"
        findings.append(Finding("truncated_last_line", "refused", 1, detail, cut.text))
    elif tally.open_end and not footer:
        detail = "the last line has no line end; its last field may be cut short"
        findings.append(Finding("no_final_line_end", "noted", 1, detail))
    for kind, count in sorted(counts.items()):
        if count > 0:
            findings.append(_finding(tally, kind, count))
    return findings + _readings(tally)


def _finding(tally: Tally, kind: str, count: int) -> Finding:
    first = tally.first[kind]
    lines = ", ".join(str(fault.line) for fault in first) + (", …" if tally.counts[kind] > len(first) else "")
    what = REPAIRED.get(kind) or REFUSED[kind]
    return Finding(
        kind, "repaired" if kind in REPAIRED else "refused", count, f"{what}; line {lines}", first[0].text
    )


def _readings(tally: Tally) -> list[Finding]:
    found = []
    if tally.latin_1:
        detail = "read as ISO 8859-1: nothing in the file is UTF-8"
        found.append(Finding("latin_1", "repaired", tally.latin_1, detail, tally.latin_1_example))
    if tally.literal_quotes:
        detail = "a stray quote taken as a letter: the number of fields is right so"
        found.append(
            Finding("literal_quotes", "repaired", tally.literal_quotes, detail, tally.literal_example)
        )
    return found


def _counts(tally: Tally) -> Counter[str]:
    """Counts by kind, without those of the footer."""
    counts = Counter(tally.counts)
    counts.subtract(Counter(fault.kind for fault in footer_of(tally)))
    return counts


def footer_of(tally: Tally) -> list[Fault]:
    """Lines at the end, behind the last row and a blank line: GeoEstimation's results end with such a summary."""
    tail = [fault for fault in tally.latest if fault.line > tally.last_good_line]
    kinds = [fault.kind for fault in tail]
    if not tail or len(tail) == tally.latest.maxlen or tally.last_good_line == 0 or kinds[0] != "blank_lines":
        return []
    return [fault for fault in tail if fault.kind in ("too_few_fields", "too_many_fields", "stray_quotes")]


def _cut_short(tally: Tally, footer: list[Fault]) -> Fault | None:
    """The last line, if it breaks off."""
    last = tally.latest[-1] if tally.latest else None
    if not tally.open_end or footer or last is None or last.line < tally.last_good_line:
        return None
    return last if last.kind in ("too_few_fields", "stray_quotes") else None
