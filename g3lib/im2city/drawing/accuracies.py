"""Pictures of accuracies: of one question's arms side by side, and over the number of training photos per label."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from g3lib.im2city.drawing.canvas import SMALL, legend_below, name_axes, new_figure, save_png

APART = 0.7  # of the room between two arms, which their series share


def bars_png(frame: pl.DataFrame, path: Path, title: str) -> None:
    """Accuracies of up to some 12 arms, a row each, in up to some 4 series, a colour each, with 95 % intervals.

    `frame`: arm, series, accuracy, ci_low, ci_high and chance, fractions; arms and series stand in the frame's order,
    the first on top. A tick marks chance, where it is known.
    """
    figure, axes = new_figure()
    arms = frame["arm"].unique(maintain_order=True).to_list()
    series = frame["series"].unique(maintain_order=True).to_list()
    step = APART / max(len(series), 1)
    for number, name in enumerate(series):
        own = frame.filter(pl.col("series") == name)
        y = np.array([arms.index(arm) for arm in own["arm"]]) + step * (number - (len(series) - 1) / 2)
        value, bars = _with_bars(own)
        line = axes.errorbar(value, y, xerr=bars, label=name, fmt="o", markersize=3.5, linewidth=1, capsize=2)
        chance = own["chance"].cast(pl.Float64).to_numpy() * 100
        axes.scatter(chance, y, marker="|", s=25, color=line[0].get_color(), linewidths=1)
    if frame["chance"].is_not_null().any():
        axes.errorbar([], [], fmt="|", markersize=5, color="0.4", label="chance")
    axes.set_yticks(range(len(arms)), arms, fontsize=SMALL)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    name_axes(axes, "% of all photos")
    _finish(figure, axes, title, "x")
    save_png(figure, path)


def curve_png(frame: pl.DataFrame, path: Path, title: str) -> None:
    """Accuracy over the number of training photos per label, on a logarithmic axis, with 95 % intervals.

    `frame`: series, shots, accuracy, ci_low, ci_high, fractions; shots null are all photos, which stand at the right
    end without being joined, as they are another number for each label.
    """
    figure, axes = new_figure()
    some = frame["shots"].drop_nulls().unique().sort().to_list()
    series = frame.partition_by("series", maintain_order=True)
    end = np.log2(some[-1]) + 1.5 if some else 0.0
    for number, each in enumerate(series):
        place = each["shots"].cast(pl.Float64).log(2).fill_null(end) + 0.05 * (number - (len(series) - 1) / 2)
        drawn = each.with_columns(place=place).sort("place")
        _curve(axes, drawn, f"C{number}")
    ticks = [*np.log2(some), *([end] if frame["shots"].has_nulls() else [])]
    axes.set_xticks(ticks, [*map(str, some), "all"][: len(ticks)])
    name_axes(axes, "training photos per label", "% of all photos")
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    _finish(figure, axes, title, "y")
    save_png(figure, path)


def _curve(axes: Any, rows: pl.DataFrame, colour: str) -> None:
    """One series: a line over the shots, and a mark for all photos."""
    value, bars = _with_bars(rows)
    look = {"color": colour, "markersize": 4, "linewidth": 1, "capsize": 2}
    every = rows["shots"].is_null().to_numpy()
    name = rows["series"][0]
    for own, style in ((~every, "o-"), (every, "s")):
        if own.any():
            axes.errorbar(
                rows["place"].to_numpy()[own], value[own], yerr=bars[:, own], fmt=style, label=name, **look
            )
            name = None


def _with_bars(rows: pl.DataFrame) -> tuple[Any, Any]:
    """Percent (n,), and how far the interval's ends are off, (2, n); rounding may put one on the wrong side."""
    value, low, high = (
        100 * rows[name].cast(pl.Float64).to_numpy() for name in ("accuracy", "ci_low", "ci_high")
    )
    return value, np.stack([value - low, high - value]).clip(min=0)


def _finish(figure: Any, axes: Any, title: str, along: str) -> None:
    """The title, percentages from 0, and the legend."""
    axes.set_title(title, fontsize=SMALL + 2)
    axes.set(**{f"{along}lim": (0, None)})
    legend_below(figure, axes, 5)
