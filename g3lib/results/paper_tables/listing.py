"""Every published number as Markdown, for docs/published.md."""

from collections.abc import Iterator

import polars as pl

from g3lib.experiments.published import THRESHOLD_COLUMNS, published_metrics, published_rows
from g3lib.experiments.published_tables import paper_tables
from g3lib.results.paper_tables.writing import NONE, markdown_table


def listing() -> str:
    """The named tables; accuracies by benchmark, the highest at 25 km first; the other measures; gains.

    What a paper repeats from table to table stands here once. Percent, as printed.
    """
    return "\n".join(["## The named tables\n", _names(), *_accuracies(), "## Other measures\n", _metrics()])


def _names() -> str:
    lines = [[f"`{each.name}`", each.title, f"{each.paper}, {each.paper_table}"] for each in paper_tables()]
    return markdown_table(["name", "what", "where"], lines, 3)


def _accuracies() -> Iterator[str]:
    same = ["paper", "method", "benchmark", *THRESHOLD_COLUMNS]
    printed = pl.any_horizontal(pl.col(THRESHOLD_COLUMNS).is_not_null())
    rows = published_rows().unique(same, keep="first", maintain_order=True)
    for (benchmark,), own in (
        rows.filter(printed).sort("benchmark").group_by("benchmark", maintain_order=True)
    ):
        ranked = own.sort("25", "1", "method", descending=[True, True, False], nulls_last=True)
        lines = [
            [
                _name(row),
                _text(row["year"]),
                *(_percent(row[km]) for km in THRESHOLD_COLUMNS),
                row["paper"],
                row["basis"],
                _text(row["caveat"]),
                row["source"],
            ]
            for row in ranked.iter_rows(named=True)
        ]
        thresholds = [f"{km} km" for km in THRESHOLD_COLUMNS]
        header = ["method", "year", *thresholds, "paper", "basis", "caveat", "source"]
        yield f"## {benchmark}\n"
        yield markdown_table(header, lines, len(header))
    yield "## Gains without an accuracy\n"
    gains = rows.filter(~printed).iter_rows(named=True)
    lines = [[_name(row), row["benchmark"], row["note"], row["paper"], row["caveat"]] for row in gains]
    yield markdown_table(["method", "benchmark", "what is printed", "paper", "caveat"], lines, 5)


def _metrics() -> str:
    rows = published_metrics().sort("benchmark", "metric", "method", maintain_order=True)
    lines = [
        [
            _name(row),
            _text(row["benchmark"]),
            f"`{row['metric']}`",
            f"{row['value']:,.10g}",
            row["paper"],
            row["basis"],
            _text(row["caveat"]),
        ]
        for row in rows.iter_rows(named=True)
    ]
    return markdown_table(["method", "benchmark", "metric", "value", "paper", "basis", "caveat"], lines, 7)


def _name(row: dict[str, str | None]) -> str:
    return f"{row['method']}, {row['variant']}" if row["variant"] else str(row["method"])


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _text(value: object) -> str:
    return "" if value is None else str(value)
