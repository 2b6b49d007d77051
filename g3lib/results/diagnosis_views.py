"""What the warehouse's views say of one experiment's diagnoses, as tables and pictures for its asset page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.results.display import figure_of, save_png
from g3lib.store.views import over

KINDS = {  # of results.miss: colours that differ for the colour-blind too
    "hit": "#0072b2",
    "ranking": "#56b4e9",
    "retrieval": "#e69f00",
    "coverage": "#d55e00",
    "proposal": "#999999",
}


@dataclass(frozen=True)
class Views:
    """The views over the diagnoses of one experiment on one benchmark, columns as in the warehouse."""

    miss: pl.DataFrame
    oracle: pl.DataFrame
    calibration: pl.DataFrame
    selective: pl.DataFrame

    def oracle_percent(self) -> pl.DataFrame:
        """A row for each K, a column for each threshold, percent."""
        k = pl.coalesce(pl.col("k").cast(pl.String), pl.lit("all")).alias("K")
        cells = self.oracle.select(k, pl.format("{} km", "threshold_km"), (pl.col("accuracy") * 100).round(1))
        wide = cells.pivot("threshold_km", index="K", values="accuracy", maintain_order=True)
        return wide.sort(pl.col("K").cast(pl.Int64, strict=False), nulls_last=True)


def views(diagnoses: pl.DataFrame) -> Views:
    """All of them, by the warehouse's own SQL."""
    with over({"diagnosis": diagnoses}) as connection:
        names = ("miss", "oracle", "calibration", "selective")
        return Views(*(connection.sql(f"from results.{name}").pl() for name in names))


def misses_png(told: Views, path: Path) -> None:
    """Hits and kinds of misses as stacked bars, one per threshold."""
    figure, axes = figure_of()
    labels = [f"{km} km" for km in told.miss["threshold_km"]]
    below = [0.0] * len(labels)
    for kind, colour in KINDS.items():
        share = [100 * value for value in told.miss[kind]]
        if any(share):
            axes.bar(labels, share, bottom=below, color=colour, label=kind)
            below = [low + part for low, part in zip(below, share, strict=True)]
    axes.set(ylim=(0, 100), ylabel="% of all queries")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=7, frameon=False)
    save_png(figure, path)


def trust_png(told: Views, path: Path) -> None:
    """Reliability beside accuracy against coverage, a line per threshold."""
    figure, reliability, selective = figure_of(2)
    reliability.plot([0, 100], [0, 100], color="0.8", linewidth=0.8)
    for (km,), rows in told.calibration.group_by("threshold_km", maintain_order=True):
        reliability.plot(
            100 * rows["predicted"], 100 * rows["measured"], marker="o", markersize=3, label=f"{km} km"
        )
    reliability.set(xlabel="predicted chance, %", ylabel="measured, %", xlim=(0, 100), ylim=(0, 100))
    for (km,), rows in told.selective.group_by("threshold_km", maintain_order=True):
        selective.plot(100 * rows["withheld"], 100 * rows["accuracy"], label=f"{km} km")
    selective.set(
        xlabel="least certain withheld, %", ylabel="% of the others within", xlim=(0, 95), ylim=(0, 100)
    )
    selective.legend(fontsize=7, frameon=False)
    save_png(figure, path)
