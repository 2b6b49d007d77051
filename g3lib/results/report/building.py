"""A benchmark's report: read from the warehouse and the tars, fitted into its budget, written in one rename.

What must be there comes first (tables, predictions, Vega); then pictures, the candidates and references of the most
important experiment, and of as many more as there is room for. What has no room is named in the page.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from g3lib.places.outlines import country_borders, land_outlines
from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.results.report import leaderboard, provenance
from g3lib.results.report.budget import BUDGET, MEGABYTE, Budget
from g3lib.results.report.charts import charts, scripts
from g3lib.results.report.draft import Draft
from g3lib.results.report.experiments import WARNINGS, Entry, by_importance, entries
from g3lib.results.report.filling import fill
from g3lib.results.report.freshness import report_path, stamp
from g3lib.results.report.packing import LEAST_KM, LOG_STEP, NO_DISTANCE, compact, compressed, packed
from g3lib.results.report.page import page
from g3lib.results.report.photos import Library
from g3lib.results.report.queries import KINDS, prediction_block, queries, query_block
from g3lib.results.report.reading import benchmarks, opened
from g3lib.results.report.tables import collected, number
from g3lib.store.artifacts import Home
from g3lib.store.files import replacing
from g3lib.store.warehouse import WarehouseError

log = logging.getLogger(__name__)

DRAWN = 6  # experiments in the charts at first
COASTS = 0.4  # degrees: some 50 kB
FRAME = 12_000  # bytes kept for what the page says of itself at the end
NUMBERS = {
    "median_km": "Median, km",
    "mean_km": "Mean, km",
    "p90_km": "90 %, km",
    "geoscore": "GeoScore",
    "failed": "Failed",
    "parse_failures": "Parse failures",
    "cost": "Cost, USD",
    "seconds": "Seconds",
}


@dataclass(frozen=True)
class Report:
    """A finished report: where it lies, how large it is, how long it took, and what it had no room for."""

    benchmark: str
    path: Path
    bytes: int
    seconds: float
    queries: int
    experiments: int
    omissions: tuple[str, ...]
    leaderboard: pl.DataFrame  # as text; see leaderboard.as_frame
    accuracies: pl.DataFrame  # as numbers; see leaderboard.accuracies


def build_reports(home: Home, budget: int = BUDGET) -> list[Report]:
    """The report of every benchmark that has predictions; see `build_report`."""
    with opened(home) as source:
        names = benchmarks(source)
    return [build_report(home, name, budget) for name in names]


def build_report(home: Home, benchmark: str, budget: int = BUDGET) -> Report:
    """Write reports/<benchmark>.html of at most `budget` bytes, from what is published now.

    Raises WarehouseError if nothing is published or the benchmark has no predictions, and if not even the tables and
    predictions fit. Photos that are missing or damaged are named in the report and do not stop it.
    """
    started, path = time.perf_counter(), report_path(home, benchmark)
    with opened(home) as source:
        experiments = entries(source, benchmark)
        if not experiments:
            there = ", ".join(benchmarks(source)) or "none"
            raise WarehouseError(
                f"{home.warehouse}: no predictions of {benchmark!r}; it has those of: {there}"
            )
        number(source, experiments)
        found = queries(source, benchmark)
        draft = Draft(source, benchmark, experiments, found, Budget(budget), Library(source))
        frame = _frame(draft)
        _add_essentials(draft)
        text = _finished(draft, frame)
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return Report(
        benchmark=benchmark,
        path=path,
        bytes=path.stat().st_size,
        seconds=time.perf_counter() - started,
        queries=found.height,
        experiments=len(experiments),
        omissions=tuple(each.what for each in draft.budget.omissions),
        leaderboard=leaderboard.as_frame(frame["leaderboard"]),
        accuracies=leaderboard.accuracies(frame["leaderboard"]),
    )


def _add_essentials(draft: Draft) -> None:
    """Tables, charts, coasts, queries and predictions."""
    source, budget = draft.source, draft.budget
    land = {"type": "MultiPolygon", "coordinates": land_outlines(COASTS)}
    borders = {"type": "MultiLineString", "coordinates": country_borders(COASTS)}
    first = {
        "tables": packed(collected(source, draft.benchmark), {}),
        "charts": packed(charts(), {}),
        "land": compressed(compact({"land": land, "borders": borders}).encode()),
        "vega": compressed(scripts().encode()),
    }
    rest = {
        "queries": packed(*query_block(draft.queries)),
        "predictions": packed(
            *prediction_block(source, draft.benchmark, draft.queries, len(draft.experiments))
        ),
    }
    draft.first |= {name: budget.spend(text) for name, text in first.items()}
    draft.rest |= {name: budget.spend(text) for name, text in rest.items()}


def _finished(draft: Draft, frame: dict[str, Any]) -> str:
    """The page, once its own text is known to fit and the rest is filled up."""
    draft.about |= _about(draft, frame)
    draft.budget.used += len(_page(draft, frame, empty=True).encode()) + FRAME
    if draft.budget.left < 0:
        size = draft.budget.used / MEGABYTE
        raise WarehouseError(
            f"the report of {draft.benchmark} takes {size:.1f} MB without a single picture or candidate, and "
            f"{draft.budget.size / MEGABYTE:g} MB are allowed; allow more"
        )
    fill(draft)
    return _page(draft, frame)


def _page(draft: Draft, frame: dict[str, Any], empty: bool = False) -> str:
    blocks = {"first": {}, "rest": {}} if empty else {"first": draft.first, "rest": draft.rest}
    omissions = [] if empty else draft.budget.omissions
    return page({**frame, **blocks, "omissions": omissions}, draft.about, scripts())


def _frame(draft: Draft) -> dict[str, Any]:
    """What stands in the page as text."""
    source, benchmark = draft.source, draft.benchmark
    named = {entry.name: entry for entry in draft.experiments}
    printed = leaderboard.published(source, benchmark)
    for row in printed:
        row["entry"] = named.get(row["experiment"] or "")
    comparisons = source.rows("select 1 from results.comparison where benchmark = $b limit 1", b=benchmark)
    authors = draft.queries["author"]
    return {
        "benchmark": benchmark,
        "queries": draft.queries.height,
        "authors": authors.filter(authors != "").n_unique(),
        "experiments": draft.experiments,
        "thresholds": THRESHOLDS_KM,
        "numbers": list(NUMBERS.items()),
        "leaderboard": leaderboard.leaderboard(source, benchmark, draft.experiments, printed),
        "repeated": [row for row in printed if row["entry"]],
        "others": [row for row in printed if not row["entry"]],
        "has_comparisons": comparisons.height > 0,
        "provenance": provenance.provenance(source, benchmark),
        "packages": provenance.packages(),
        "published_at": provenance.published_at(source),
        "built_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "notices": _notices(draft),
        "warnings": WARNINGS,
        "warehouse": source.home.warehouse.name,
        "stamp": stamp(source.published_ns),
        "budget": f"{draft.budget.size / MEGABYTE:g}",
    }


def _notices(draft: Draft) -> list[dict[str, str]]:
    """What nobody should read the numbers without."""
    found = []
    for badge, meaning in WARNINGS.items():
        marked = sum(each.badge == badge for each in draft.experiments)
        if marked:
            title = f"{marked} of {len(draft.experiments)} experiments are marked {badge}:"
            found.append({"title": title, "text": f"{meaning}."})
    pictures = provenance.photos_are(draft.source, draft.benchmark)
    if pictures:
        text = f"they are {pictures}. No number here may be set beside a paper's."
        found.append({"title": "The pictures are no photographs:", "text": text})
    return found


def _about(draft: Draft, frame: dict[str, Any]) -> dict[str, Any]:
    """What the scripts know from the start."""
    published = {
        row["entry"].name: {
            km: round(cell.published / 100, 5)
            for km, cell in zip(THRESHOLDS_KM, row["accuracies"], strict=True)
            if cell.published is not None
        }
        for row in frame["leaderboard"]
    }
    return {
        "benchmark": draft.benchmark,
        "experiments": [each.plain() for each in draft.experiments],
        "thresholds": THRESHOLDS_KM,
        "kinds": KINDS,
        "distances": {"least": LEAST_KM, "step": LOG_STEP, "none": NO_DISTANCE},
        "warnings": WARNINGS,
        "published": {name: numbers for name, numbers in published.items() if numbers},
        "chosen": [draft.number_of(each) for each in _drawn(draft.experiments)],
        "candidates": [],
        "references": [],
    }


def _drawn(experiments: list[Entry]) -> list[Entry]:
    """The first of every method, then the first one's arms, then others: at most DRAWN."""
    ordered = by_importance(experiments)
    methods = {each.method: each for each in reversed(ordered)}
    leading = [each for each in ordered if methods[each.method] is each]
    arms = [each for each in ordered if each.name.startswith(f"{ordered[0].name}+")]
    return list(dict.fromkeys([*leading, *arms, *ordered]))[:DRAWN]
