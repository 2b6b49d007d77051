"""How people see the tables: rich for the terminal, Markdown and small PNGs for asset pages.

Nothing is computed here that a table does not already say.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from g3lib.experiments.catalogue import EXPERIMENTS, open_arm
from g3lib.experiments.experiment import POLICIES
from g3lib.geo import coordinates_of, unit_vectors, wrap_longitude
from g3lib.results.metrics import THRESHOLDS_KM
from g3lib.store.artifacts import Home
from g3lib.store.files import replacing
from g3lib.store.warehouse import query

if TYPE_CHECKING:  # heavy, and needed for pictures only
    from matplotlib.figure import Figure

ABOUT = ("benchmark", "method", "variant", "lmm")
DRAWN = 250  # predictions on a map; more would hide one another, and make the file large
COLOURS = 48  # of a PNG's palette

_MEASURED = """
select a.*, s.median_km, l.published
from results.accuracy as a
left join results.summary as s using (benchmark, experiment)
left join (
    select benchmark, experiment, threshold_km, min_by(published, paper) as published
    from results.leaderboard group by all
) as l using (benchmark, experiment, threshold_km)
"""


@dataclass(frozen=True)
class Row:
    """One experiment as text; accuracies are (percent, interval, published in brackets or "")."""

    benchmark: str
    method: str
    variant: str
    lmm: str
    accuracies: tuple[tuple[str, str, str], ...]
    counts: tuple[str, str, str]  # median km, n, failed


def leaderboard_table(source: Home | pl.DataFrame) -> Table:
    """One row per experiment: percentages, below them 95 % intervals and (published numbers).

    A frame has the columns of `accuracy_table`, and may have median_km and published (a fraction).
    Fits 80 columns.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.caption = "% of all queries, 95 % interval, (published)"
    table.add_column("method", overflow="fold")
    for threshold in THRESHOLDS_KM:
        table.add_column(f"{threshold} km", justify="right", no_wrap=True)
    for name in ("median\nkm", "n", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    benchmark = None
    for row in _rows(source):
        if row.benchmark != benchmark:
            benchmark = row.benchmark
            table.add_row(Text(benchmark, style="bold"))
        cells = [Text.assemble(row.method, "\n", (f"{row.variant} · {row.lmm}", "dim"))]
        for value, interval, published in row.accuracies:
            cells.append(Text.assemble(value, "\n", (interval, "dim"), f"\n{published}".rstrip()))
        table.add_row(*cells, *(Text(text) for text in row.counts))
    return table


def accuracy_markdown(frame: pl.DataFrame) -> str:
    """The same table in Markdown, intervals beside the numbers."""
    names = [
        *ABOUT,
        *(f"{threshold} km" for threshold in THRESHOLDS_KM),
        "median km",
        "n",
        "failed",
    ]
    numbers = len(names) - len(ABOUT)
    lines = [names, ["---"] * len(ABOUT) + ["---:"] * numbers]
    for row in _rows(frame):
        accuracies = (f"{value} [{ci}] {other}".rstrip() for value, ci, other in row.accuracies)
        cells = [row.benchmark, row.method, row.variant, row.lmm, *accuracies, *row.counts]
        lines.append([cell.replace("|", "\\|") for cell in cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def error_curve_png(predictions: pl.DataFrame, path: Path) -> None:
    """Share of queries closer than a distance, over the logarithm of the distance."""
    figure, axes = figure_of()
    groups = predictions.partition_by("benchmark", "experiment", maintain_order=True)
    several = predictions["benchmark"].n_unique() > 1
    for group in groups:
        about = group.row(0, named=True)
        label = f"{about['benchmark']}: {about['experiment']}" if several else about["experiment"]
        errors = np.sort(group["error_km"].drop_nulls().to_numpy())
        share = 100 * np.arange(1, len(errors) + 1) / group.height
        axes.step(np.maximum(errors, 0.01), share, where="post", label=label, linewidth=1.2)
    for threshold in THRESHOLDS_KM:
        axes.axvline(threshold, color="0.7", linewidth=0.6, linestyle=":")
    axes.set(xscale="log", xlim=(0.1, 20_040), ylim=(0, 100))
    axes.set(xlabel="error, km", ylabel="% of all queries")
    if groups:
        axes.legend(loc="upper left", fontsize=7, frameon=False)
    save_png(figure, path)


def map_png(predictions: pl.DataFrame, path: Path) -> None:
    """Truths and predictions joined by great-circle arcs, longitude across and latitude up."""
    from matplotlib.collections import LineCollection

    figure, axes = figure_of()
    answered = predictions.drop_nulls(["lat", "lon"])
    drawn = answered.gather_every(max(1, -(-answered.height // DRAWN)))
    truth, guess = (
        drawn.select(names).to_numpy().astype(np.float64)
        for names in (["true_lat", "true_lon"], ["lat", "lon"])
    )
    arcs = [piece for one, other in zip(truth, guess, strict=True) for piece in _arc(one, other)]
    axes.add_collection(LineCollection(arcs, colors="0.75", linewidths=0.5))
    axes.scatter(truth[:, 1], truth[:, 0], s=5, color="tab:blue", label="truth")
    axes.scatter(
        guess[:, 1],
        guess[:, 0],
        s=5,
        color="tab:red",
        marker="x",
        label="prediction",
        linewidths=0.6,
    )
    axes.set(xlim=(-180, 180), ylim=(-90, 90), aspect="equal")
    axes.set(xlabel="longitude, °", ylabel="latitude, °")
    missing = predictions.height - answered.height
    title = f"{drawn.height} of {answered.height} predictions drawn, {missing} queries failed"
    axes.set_title(title, fontsize=8)
    axes.legend(loc="lower left", fontsize=7)
    save_png(figure, path)


def _rows(source: Home | pl.DataFrame) -> list[Row]:
    """Experiments by benchmark, in the order of the catalogue, their arms behind them, strangers last."""
    frame = query(source, _MEASURED) if isinstance(source, Home) else source
    places = {experiment.name: place for place, experiment in enumerate(EXPERIMENTS)}
    arms: dict[str | None, int] = {policy: place for place, policy in enumerate(POLICIES)}
    groups: dict[tuple[str, int, str, int], list[dict[str, Any]]] = {}
    for each in frame.sort("threshold_km").iter_rows(named=True):
        name, lmm = open_arm(each["experiment"]).partition("@")[::2]
        place = (places.get(name, len(places)), f"{name}@{lmm}", arms.get(each.get("gallery_policy"), 0))
        key = (each["benchmark"], *place)
        groups.setdefault(key, []).append(each)
    return [_row(groups[key]) for key in sorted(groups)]


def _row(rows: Sequence[dict[str, Any]]) -> Row:
    """The five thresholds of one experiment."""
    first, by_threshold = rows[0], {row["threshold_km"]: row for row in rows}
    benchmark, method, variant, lmm = (first[name] or "–" for name in ABOUT)
    if (policy := first.get("gallery_policy")) not in (None, POLICIES[0]):
        variant = f"{variant}, {policy}"
    accuracies = tuple(_accuracy(by_threshold.get(each)) for each in THRESHOLDS_KM)
    counts = (_kilometres(first.get("median_km")), str(first["n"]), str(first["n_failed"]))
    return Row(benchmark, method, variant, lmm, accuracies, counts)


def _accuracy(row: dict[str, Any] | None) -> tuple[str, str, str]:
    """Percent, its interval, and what is published."""
    if row is None:
        return "–", "–", ""
    value, low, high = (f"{100 * row[name]:.1f}" for name in ("accuracy", "ci_low", "ci_high"))
    published = row.get("published")
    return value, f"{low}–{high}", "" if published is None else f"({100 * published:.1f})"


def _kilometres(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.1f}"


def _arc(start: NDArray[np.float64], end: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The great circle between two (lat, lon) as lines of (lon, lat), cut at the date line."""
    one, other = unit_vectors(*start), unit_vectors(*end)
    # points of the chord, pushed out to the sphere; antipodes have no shortest way, any will do
    share = np.linspace(0.0, 1.0, 33)[:, np.newaxis]
    lat, lon = coordinates_of((1 - share) * one + share * other)
    points = np.column_stack([wrap_longitude(lon), lat])
    cuts = np.flatnonzero(np.abs(np.diff(points[:, 0])) > 180.0) + 1
    return [piece for piece in np.split(points, cuts) if len(piece) > 1]


def figure_of(panels: int = 1) -> tuple[Any, ...]:
    """A figure on a canvas without a window, and so many pairs of axes side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, *(figure.add_subplot(1, panels, number + 1) for number in range(panels))


def save_png(figure: Figure, path: Path) -> None:
    """Write a PNG with a small palette: a page of the UI shows it, nobody measures in it."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    picture = Image.open(buffer).convert("RGB")
    # the octree keeps rare colours, such as a few red crosses, which the median cut merges
    picture = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    with replacing(path) as scratch:
        picture.save(scratch, format="PNG", optimize=True)
