"""A small picture of a report's leaderboard, for the asset's page."""

from pathlib import Path

import polars as pl

from g3lib.results.display import figure_of, save_png

DRAWN_KM = 25
MOST = 30  # experiments; more names would not be readable


def intervals_png(accuracies: pl.DataFrame, path: Path) -> None:
    """A dot and its 95 % interval for each experiment; see `leaderboard.accuracies`."""
    figure, axes = figure_of()
    rows = accuracies.filter(threshold_km=DRAWN_KM).drop_nulls("accuracy").head(MOST).reverse()
    middle = rows["accuracy"].to_numpy()
    ends = [middle - rows["low"].to_numpy(), rows["high"].to_numpy() - middle]
    axes.errorbar(
        middle, range(rows.height), xerr=ends, fmt="o", markersize=4, linewidth=1.5, color="#0b57a4"
    )
    axes.set_yticks(range(rows.height), rows["name"].to_list(), fontsize=7)
    axes.set(xlabel=f"% of all queries within {DRAWN_KM} km, 95 % interval")
    axes.grid(axis="x", color="0.9")
    save_png(figure, path)
