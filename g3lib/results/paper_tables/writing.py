"""Tables of accuracies as Markdown: what is measured, what is published, how far apart, and what stands against it."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from g3lib.results.metrics import THRESHOLDS_KM

NONE = "–"
ABOUT = ("method", "LMM", "gallery", "")


def accuracies_markdown(frame: pl.DataFrame) -> str:
    """A table for each benchmark, those measured first; `frame` has the columns of results.table_1.

    A row takes up to three lines: measured with its 95 % interval, published, and their difference in points with
    whether the interval covers the published number.
    """
    measured = set(frame.drop_nulls("accuracy")["benchmark"])
    benchmarks = sorted(frame["benchmark"].unique(), key=lambda name: (name not in measured, name))
    return "\n".join(_benchmark(name, frame.filter(benchmark=name)) for name in benchmarks)


def caveats_markdown(frame: pl.DataFrame) -> str:
    """What a reader of the published numbers should know, a line for each row and reservation."""
    told = frame.filter(pl.col("basis").is_not_null()).unique(
        ["benchmark", "method", "published_variant", "basis", "caveat", "note"], maintain_order=True
    )
    lines: dict[str, list[str]] = {}
    for row in told.iter_rows(named=True):
        texts = [text for text in (_basis(row), row["caveat"], row["note"]) if text]
        if texts:
            who = _name(row["method"], row["published_variant"])
            lines.setdefault(f"{who}: {'; '.join(texts)}", []).append(row["benchmark"])
    return "".join(f"- {_cell(text)} ({', '.join(where)})\n" for text, where in lines.items())


def coverage(frame: pl.DataFrame) -> tuple[int, int]:
    """How many published numbers have a measured one beside them, and how many of those its interval covers."""
    beside = frame.drop_nulls("covered")
    return beside.height, int(beside["covered"].sum())


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]], texts: int) -> str:
    """Markdown; the first `texts` columns read from the left, the others are numbers."""
    rule = ["---"] * texts + ["---:"] * (len(header) - texts)
    rows = [header, rule, *lines]
    return "".join(f"| {' | '.join(_cell(cell) for cell in row)} |\n" for row in rows)


def _benchmark(name: str, frame: pl.DataFrame) -> str:
    header = [*ABOUT, *(f"{km} km" for km in THRESHOLDS_KM), "n", "failed"]
    groups = frame.partition_by("place", "experiment", "method", "variant", maintain_order=True)
    lines = [line for group in groups for line in _lines(group)]
    return f"\n#### {_cell(name)}\n\n{markdown_table(header, lines, len(ABOUT))}"


def _lines(group: pl.DataFrame) -> Iterator[list[str]]:
    """The lines of one row of the table; the first of them names it."""
    first, by_threshold = group.row(0, named=True), {row["threshold_km"]: row for row in group.to_dicts()}
    rows = [by_threshold.get(km, {}) for km in THRESHOLDS_KM]
    about = [_name(first["method"], first["variant"]), first["lmm"] or NONE, first["gallery_policy"] or NONE]
    kinds = {
        "measured": [_measured(row) for row in rows],
        "published": [_published(row) for row in rows],
        "difference": [_difference(row) for row in rows],
    }
    present = {kind: cells for kind, cells in kinds.items() if set(cells) != {NONE}} or {
        "gain": kinds["published"]
    }
    for kind, cells in present.items():
        counts = [_count(first["n"]), _count(first["n_failed"])] if kind == "measured" else ["", ""]
        yield [*about, kind, *cells, *counts]
        about = ["", "", ""]


def _measured(row: dict[str, Any]) -> str:
    if row.get("accuracy") is None:
        return NONE
    value, low, high = (f"{100 * row[name]:.1f}" for name in ("accuracy", "ci_low", "ci_high"))
    return f"{value} [{low}–{high}]"


def _published(row: dict[str, Any]) -> str:
    value = row.get("published")
    return NONE if value is None else f"{100 * value:.2f}".rstrip("0").rstrip(".")


def _difference(row: dict[str, Any]) -> str:
    if row.get("difference") is None:
        return NONE
    return f"{100 * row['difference']:+.1f} {'covered' if row['covered'] else 'not covered'}"


def _basis(row: dict[str, Any]) -> str:
    """The basis, unless it is the paper itself or the caveat begins with it."""
    basis: str = row["basis"]
    return "" if basis == "paper" or (row["caveat"] or "").startswith(basis) else basis


def _name(method: str, variant: str | None) -> str:
    return method if variant is None else f"{method}, {variant}"


def _count(value: int | None) -> str:
    return "" if value is None else str(value)


def _cell(text: str) -> str:
    """Text that stays in its cell: method and LMM may come from outside."""
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " "), ("\r", " ")):
        text = text.replace(sign, instead)
    return text
