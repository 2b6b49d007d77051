"""Pictures of what g3lib.im2city.certainty measures."""

from pathlib import Path
from typing import Any

import polars as pl

from g3lib.im2city.certainty.reliability import calibration_error
from g3lib.im2city.drawing.canvas import SMALL, name_axes, new_figure, save_png


def reliability_png(series: dict[str, pl.DataFrame], path: Path, title: str) -> None:
    """A reliability diagram in a panel for each series, such as `before` and `after` calibration.

    Each frame has the columns of RELIABILITY. Points on the diagonal are as sure as they are right; bars are 95 %
    intervals. A panel names its photos, the photos of its bins, and its expected calibration error.
    """
    figure, *panels = new_figure(len(series))
    for axes, (name, bins) in zip(panels, series.items(), strict=True):
        _panel(axes, bins)
        about = f"{name}\n{bins['n'].sum():,} photos, {_sizes(bins)}"
        axes.set_title(f"{about}\ncalibration error {100 * calibration_error(bins):.1f} %", fontsize=SMALL)
        name_axes(axes, "% sure", "% right" if axes is panels[0] else "")
    figure.suptitle(title, fontsize=SMALL + 2)
    save_png(figure, path)


def _panel(axes: Any, bins: pl.DataFrame) -> None:
    sure, right, low, high = (
        100 * bins[name].to_numpy() for name in ("predicted", "measured", "low", "high")
    )
    axes.plot([0, 100], [0, 100], color="0.7", linewidth=0.8, linestyle=":")
    # rounding may put an interval's end on the wrong side of a share of 0 or 1
    bars = [(right - low).clip(min=0), (high - right).clip(min=0)]
    axes.errorbar(sure, right, yerr=bars, marker="o", markersize=4, linewidth=1, capsize=2, color="tab:blue")
    axes.set(xlim=(-2, 102), ylim=(-2, 102))


def _sizes(bins: pl.DataFrame) -> str:
    """How many photos a bin has."""
    if bins.is_empty():
        return "no bins"
    sizes = bins["n"].to_list()
    least, most = min(sizes), max(sizes)
    return f"{least:,} in each bin" if least == most else f"{least:,} to {most:,} in a bin"
