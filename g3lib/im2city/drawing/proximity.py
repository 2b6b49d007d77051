"""Pictures of what g3lib.im2city.proximity measures."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.im2city.drawing.canvas import (
    SMALL,
    draw_land,
    in_thousands,
    legend_below,
    name_axes,
    new_figure,
    save_png,
)
from g3lib.im2city.drawing.names import write_names

BINS = 10  # of distance, whose means are drawn
MARGIN = 15.0  # degrees around the labels of a map


def likeness_png(pairs: pl.DataFrame, path: Path) -> None:
    """Similarity of every two labels over their distance, with the means of BINS bins of equally many pairs.

    `pairs`: the columns of PAIRS and `model`, which names a panel each; two beside each other can be read well.
    """
    panels = pairs.partition_by("model", maintain_order=True)
    figure, *drawn = new_figure(len(panels))
    for axes, each in zip(drawn, panels, strict=True):
        axes.scatter(each["km"], each["similarity"], s=4, color="0.65", linewidths=0, label="two labels")
        bins = (pl.col("km").rank("ordinal") - 1) * BINS // pl.len()
        means = each.group_by(bins.alias("bin")).agg(pl.mean("km", "similarity")).sort("bin")
        axes.plot(
            means["km"],
            means["similarity"],
            "o-",
            color="tab:red",
            markersize=4,
            label="mean of a tenth of the pairs",
        )
        axes.set_title(each["model"][0], fontsize=SMALL + 1)
        name_axes(axes, "km between the labels", "cosine of their embeddings" if axes is drawn[0] else "")
    in_thousands(drawn[0].xaxis)
    legend_below(figure, drawn[0])
    save_png(figure, path)


def nearest_png(nearest: pl.DataFrame, labels: pl.DataFrame, path: Path) -> None:
    """A world map with an arrow from each label to the one most similar to it, coloured by the km between.

    `nearest` has the columns of NEAREST, whose rows are those of `labels`: label, lat, lon. An arrow across the
    antimeridian leaves on one side and comes in on the other. Names without room are left out.
    """
    figure, axes = new_figure()
    draw_land(axes)
    rows = nearest["nearest"].to_numpy()
    lon, lat = (labels[name].to_numpy() for name in ("lon", "lat"))
    east, north = (lon[rows] - lon + 180) % 360 - 180, lat[rows] - lat
    for turn in (-360, 0, 360):
        arrows = axes.quiver(
            lon + turn,
            lat,
            east,
            north,
            nearest["km"].to_numpy(),
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.0022,
            headwidth=5,
            cmap="viridis_r",
            zorder=2,
        )
    axes.scatter(lon, lat, s=6, color="black", linewidths=0, zorder=3)
    axes.set(xlim=_around(lon, 180), ylim=_around(lat, 90))
    name_axes(axes, "longitude", "latitude")
    bar = figure.colorbar(arrows, ax=axes, shrink=0.8, pad=0.01)
    bar.set_label("km to the most similar label", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    write_names(figure, axes, np.column_stack([lon, lat]), labels["label"].to_list())
    save_png(figure, path)


def _around(degrees: NDArray[np.float64], most: float) -> tuple[float, float]:
    """The part of an axis that holds all labels and what surrounds them."""
    return max(degrees.min() - MARGIN, -most), min(degrees.max() + MARGIN, most)


def embedding_map_png(points: pl.DataFrame, path: Path, title: str) -> None:
    """Labels where their embeddings put them, turned to lie like the Earth's map, coloured by group.

    `points` has the columns x and y of EMBEDDING_MAP, `label` (the text), and `group`: a continent, say; null is grey.
    """
    figure, axes = new_figure()
    groups = points["group"].drop_nulls().unique().sort().to_list()
    for name in groups:
        own = points.filter(pl.col("group") == name)
        axes.scatter(own["x"], own["y"], s=14, linewidths=0, label=name)
    nobody = points.filter(pl.col("group").is_null())
    axes.scatter(nobody["x"], nobody["y"], s=14, linewidths=0, color="0.6")
    axes.set_title(title, fontsize=SMALL + 1)
    axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
    axes.margins(0.08)
    name_axes(axes, "west – east, as far as the embedding has it", "south – north")
    legend_below(figure, axes, 6)
    write_names(figure, axes, points.select("x", "y").to_numpy(), points["label"].to_list())
    save_png(figure, path)


def wrong_distances_png(distances: pl.DataFrame, path: Path, title: str) -> None:
    """How far wrong answers lie from the truth, beside the middle 95 % of chance.

    `distances` has the columns of WRONG_DISTANCES; without a wrong answer the picture says so.
    """
    figure, axes = new_figure()
    n = max(distances["n"].to_list(), default=0)
    axes.set_title(
        f"{title} · {n:,} wrong answers" if n else f"{title} · no wrong answer", fontsize=SMALL + 1
    )
    name_axes(axes, "km between the answer and the truth", "% of the wrong answers")
    in_thousands(axes.xaxis)
    edges = [*distances["from_km"], distances["to_km"][-1]]
    axes.set_xlim(edges[0], edges[-1])
    if n:
        _histogram(axes, distances, edges)
        legend_below(figure, axes)
    save_png(figure, path)


def _histogram(axes: Any, distances: pl.DataFrame, edges: list[float]) -> None:
    percent = {name: (100 * distances[name]).to_list() for name in distances.columns[3:]}
    axes.stairs(percent["share"], edges, fill=True, color="tab:blue", alpha=0.6, label="measured")
    axes.stairs(
        percent["chance_high"],
        edges,
        baseline=percent["chance_low"],
        fill=True,
        color="tab:orange",
        alpha=0.6,
        label="chance, its middle 95 %",
    )
    axes.set_ylim(0, None)
