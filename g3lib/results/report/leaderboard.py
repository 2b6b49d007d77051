"""The rows of the leaderboard and of the published numbers, as text: they stand in the page before any script runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report.experiments import Entry
from g3lib.results.report.reading import Source

NOTHING = "–"
Row = dict[str, Any]

_MEASURED = """
select experiment, threshold_km, accuracy, ci_low, ci_high
from results.accuracy where benchmark = $benchmark
"""
_SUMMARY = "from results.summary where benchmark = $benchmark"
# what one paper repeats from table to table is one row; several papers may print the same method
_PUBLISHED = """
with printed as (
    select
        paper, year, method, variant, experiment, basis, caveat, source, paper_table, note,
        list({km: threshold_km, accuracy: accuracy} order by threshold_km) as numbers
    from results.published
    where benchmark = $benchmark and accuracy is not null
    group by all
),
once as (
    select
        paper, method, experiment, numbers,
        string_agg(distinct paper_table, ', ' order by paper_table) as paper_table,
        first(variant order by paper_table) as variant, first(year order by paper_table) as year,
        first(basis order by paper_table) as basis, first(source order by paper_table) as source,
        string_agg(distinct caveat, '; ' order by caveat) as caveat,
        string_agg(distinct note, '; ' order by note) filter (note not like 'repeats %') as note
    from printed
    group by paper, method, experiment, numbers, case when experiment is null then variant end
)
from once
order by
    experiment is null, list_position(['paper', 'code', 're-run', 'secondary', 'unverified'], basis), year desc, paper
"""


@dataclass(frozen=True)
class Accuracy:
    """One cell: what was measured at a threshold, and what is published beside it, percent."""

    value: float | None = None
    low: float = 0.0
    high: float = 0.0
    published: float | None = None

    @property
    def difference(self) -> float | None:
        """Measured minus published, percentage points; None if one of them is missing."""
        if self.value is None or self.published is None:
            return None
        return self.value - self.published

    @property
    def covered(self) -> bool:
        """Whether the interval covers the published number."""
        return self.published is not None and self.low <= self.published <= self.high


@dataclass(frozen=True)
class Number:
    """A text and what it sorts by; what is unknown sorts last."""

    text: str
    value: float | None


def leaderboard(
    source: Source, benchmark: str, experiments: Sequence[Entry], printed: list[Row]
) -> list[Row]:
    """A row per experiment: `entry`, `accuracies` of the five thresholds, `numbers` by name."""
    measured = _measured(source, benchmark)
    best = _first_published(printed)
    summary = {row["experiment"]: row for row in source.rows(_SUMMARY, benchmark=benchmark).to_dicts()}
    return [
        {
            "entry": entry,
            "accuracies": _beside(measured.get(entry.name, {}), best.get(entry.name, {})),
            "numbers": _numbers(entry, summary.get(entry.name, {})),
        }
        for entry in experiments
    ]


def published(source: Source, benchmark: str) -> list[Row]:
    """Every published row of the benchmark once, with what we measured: `accuracies`, and what to know of it."""
    measured = _measured(source, benchmark)
    rows = source.rows(_PUBLISHED, benchmark=benchmark).to_dicts()
    for row in rows:
        row["printed"] = {each["km"]: each["accuracy"] for each in row.pop("numbers")}
        row["accuracies"] = _beside(measured.get(row["experiment"] or "", {}), row["printed"])
    return rows


def percent(value: float | None) -> str:
    """One decimal, as papers print accuracies."""
    return NOTHING if value is None else f"{value:.1f}"


def signed(value: float | None) -> str:
    """Percentage points with their sign, the minus a real one."""
    return NOTHING if value is None else f"{value:+.1f}".replace("-", "−")


def kilometres(value: float | None) -> str:
    """Three digits that count."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _measured(source: Source, benchmark: str) -> dict[str, dict[int, Row]]:
    found: dict[str, dict[int, Row]] = {}
    for row in source.rows(_MEASURED, benchmark=benchmark).to_dicts():
        found.setdefault(row["experiment"], {})[row["threshold_km"]] = row
    return found


def _first_published(printed: Iterable[Row]) -> dict[str, dict[int, float]]:
    """Of each experiment, the numbers of the best-founded source."""
    found: dict[str, dict[int, float]] = {}
    for row in printed:
        if row["experiment"]:
            found.setdefault(row["experiment"], row["printed"])
    return found


def _beside(measured: dict[int, Row], printed: dict[int, float]) -> list[Accuracy]:
    return [_accuracy(measured.get(km), printed.get(km)) for km in THRESHOLDS_KM]


def _accuracy(row: Row | None, printed: float | None) -> Accuracy:
    published = None if printed is None else 100 * printed
    if row is None:
        return Accuracy(published=published)
    value, low, high = (100 * row[name] for name in ("accuracy", "ci_low", "ci_high"))
    return Accuracy(value, low, high, published)


def _numbers(entry: Entry, row: Row) -> dict[str, Number]:
    """What stands behind the accuracies, in the order of the columns."""
    rate, cost, seconds = (row.get(name) for name in ("parse_failure_rate", "cost_usd", "seconds"))
    score = row.get("geoscore")
    return {
        "median_km": Number(kilometres(row.get("median_km")), row.get("median_km")),
        "mean_km": Number(kilometres(row.get("mean_km")), row.get("mean_km")),
        "p90_km": Number(kilometres(row.get("p90_km")), row.get("p90_km")),
        "geoscore": Number(NOTHING if score is None else f"{score:,.0f}", score),
        "failed": Number(f"{entry.failed:,}", entry.failed),
        "parse_failures": Number(NOTHING if rate is None else f"{100 * rate:.1f} %", rate),
        "cost": Number(_dollars(cost), cost),
        "seconds": Number(NOTHING if seconds is None else f"{seconds:,.0f}", seconds),
    }


def _dollars(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "0" if value == 0 else f"{value:,.2f}"


def accuracies(rows: Sequence[Row]) -> pl.DataFrame:
    """name (with its warning, if it needs one), threshold_km, accuracy, low, high in percent."""
    found = [
        {
            "name": row["entry"].label,
            "threshold_km": km,
            "accuracy": cell.value,
            "low": cell.low,
            "high": cell.high,
        }
        for row in rows
        for km, cell in zip(THRESHOLDS_KM, row["accuracies"], strict=True)
    ]
    return pl.DataFrame(found, schema_overrides={"accuracy": pl.Float64})


def as_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Experiments and their accuracies in percent, for the asset's page."""
    return pl.DataFrame(
        [
            {"experiment": row["entry"].name, "lmm": row["entry"].lmm}
            | {
                f"{km} km": NOTHING
                if cell.value is None
                else f"{cell.value:.1f} [{cell.low:.1f}, {cell.high:.1f}]"
                for km, cell in zip(THRESHOLDS_KM, row["accuracies"], strict=True)
            }
            | {"median km": row["numbers"]["median_km"].text, "failed": row["numbers"]["failed"].text}
            for row in rows
        ]
    )
