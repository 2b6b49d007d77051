"""Figures of accuracies over a setting, such as the number of prompts, with intervals."""

from pathlib import Path
from typing import Any

import polars as pl

from g3lib.results.display import figure_of, save_png
from g3lib.results.metrics import THRESHOLDS_KM

APART = 0.06  # of two curves' marks, so that their intervals do not hide one another


def curve_png(frame: pl.DataFrame, setting: str, path: Path) -> None:
    """A panel per threshold: accuracy over the setting, a line for each benchmark, LMM and gallery policy.

    `frame` has the columns of results.figure_3, its places are the values of the setting in order. Bars are 95 %
    intervals; open diamonds are published numbers, which are drawn whether or not anything was measured.
    """
    figure, *panels = figure_of(len(THRESHOLDS_KM))
    places = frame.select("place", label=_value()).unique("place").sort("place")
    for axes, km in zip(panels, THRESHOLDS_KM, strict=True):
        _panel(axes, frame.filter(threshold_km=km), km)
        axes.set_xticks(places["place"].to_list(), places["label"].to_list())
    panels[0].set_ylabel("% of all queries")
    panels[len(panels) // 2].set_xlabel(setting)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7, frameon=False)
    save_png(figure, path)


def _value() -> pl.Expr:
    """The setting's value: what a variant such as `K = 2` says behind the sign, without arm and LMM."""
    variant = pl.coalesce("published_variant", "variant")
    return variant.str.split("= ").list.last().str.split(",").list.first()


def _panel(axes: Any, rows: pl.DataFrame, km: int) -> None:
    measured = rows.drop_nulls("accuracy")
    series = measured.partition_by("benchmark", "lmm", "gallery_policy", maintain_order=True)
    for number, each in enumerate(series):
        y, low, high = (100 * each[name].to_numpy() for name in ("accuracy", "ci_low", "ci_high"))
        x = each["place"].to_numpy() + APART * (number - (len(series) - 1) / 2)
        label = ", ".join(
            str(each[name][0]) for name in ("benchmark", "lmm", "gallery_policy") if each[name][0]
        )
        bars = [(y - low).clip(min=0), (high - y).clip(min=0)]
        axes.errorbar(x, y, yerr=bars, label=label, marker="o", markersize=3, linewidth=1, capsize=2)
    for (benchmark,), each in rows.drop_nulls("published").group_by("benchmark", maintain_order=True):
        axes.plot(
            each["place"],
            100 * each["published"],
            label=f"{benchmark}, published",
            marker="D",
            linestyle="none",
            fillstyle="none",
            color="black",
        )
    axes.set_title(f"{km} km", fontsize=8)
    axes.tick_params(labelsize=7)
