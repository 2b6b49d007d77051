"""What every picture stands on: a figure of one size without a window, land, and a PNG that is whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from g3lib.store.files import replacing

if TYPE_CHECKING:  # heavy, and needed for pictures only
    from matplotlib.figure import Figure

SIZE, DOTS_PER_INCH = (7.0, 4.0), 140
SMALL = 7  # points


def new_figure(panels: int = 1) -> tuple[Any, ...]:
    """A figure and so many axes side by side, which share what they measure up and across."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, panels, sharex=True, sharey=True, squeeze=False)[0]
    for each in axes:
        each.tick_params(labelsize=SMALL)
        each.spines[["top", "right"]].set_visible(False)
    return figure, *axes


def save_png(figure: Figure, path: Path) -> None:
    """Write the file in one rename."""
    with replacing(path) as scratch:
        figure.savefig(scratch, format="png")


def legend_below(figure: Any, axes: Any, columns: int = 4) -> None:
    """What the colours mean, under the axes, where it hides nothing; nothing for a single unnamed series."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, fontsize=SMALL, frameon=False
        )


def name_axes(axes: Any, across: str = "", up: str = "") -> None:
    """What is measured, in the size of all pictures."""
    axes.set_xlabel(across, fontsize=SMALL + 1)
    axes.set_ylabel(up, fontsize=SMALL + 1)


def in_thousands(axis: Any) -> None:
    """Numbers such as 2,500, few enough to stand side by side."""
    axis.get_major_locator().set_params(nbins=5)
    axis.set_major_formatter("{x:,.0f}")


def draw_land(axes: Any) -> None:
    """The land of the whole Earth, longitude across and latitude up, behind everything else."""
    from matplotlib.collections import PolyCollection

    from g3lib.places.outlines import land_outlines

    shores = [polygon[0] for polygon in land_outlines(0.5)]
    axes.add_collection(PolyCollection(shores, facecolors="0.93", edgecolors="0.8", linewidths=0.3, zorder=0))
