"""IM2City's questions as tables of the papers: what varies, with intervals and chance, and a picture of each."""

from pathlib import Path
from typing import Any

import polars as pl

from assets.pictures import picture, table
from assets.step import Outcome, Task
from g3lib.experiments.published_tables import PaperTable

CURVES = ("im2city_shots",)  # questions whose arms are numbers
CROWDED = ("im2city_scale", "im2city_backbone")  # drawn for the benchmarks alone
# folders beside city_proximity, and what the warehouse calls their tables
TABLES = {"comparisons": "city_proximity_comparison", "summaries": "city_neighbour_summary"}


def question(task: Task, entry: PaperTable) -> Outcome:
    """The table of a question by the warehouse's own view; empty where no experiment of GEM's asks it."""
    from g3lib.results.paper_tables import paper_table

    found = paper_table(entry.name, _inputs(task, entry))
    shown: dict[str, Any] = {"title": entry.title, entry.name: table(_rounded(found))}
    if found.height and entry.kind == "question":
        path = task.scratch / "question.png"
        _draw(found, entry, path)
        shown["picture"] = picture(path, entry.title)
    return Outcome(found.height, found, metadata=shown)


def _inputs(task: Task, entry: PaperTable) -> dict[str, pl.DataFrame]:
    """The warehouse's tables, by name, that the view reads."""
    if not task.inputs["city_models"]:
        return {}
    found = {"city_model": task.table("city_models")}
    if entry.kind == "question":
        return found | {"city_accuracy": task.table("city_accuracy")}
    (record,) = task.inputs["city_proximity"]
    beside = {name.split("/")[-2]: task.home.root / name for name in record.files}
    found["city_proximity"] = task.table("city_proximity")
    return found | {name: pl.read_parquet(beside[folder]) for folder, name in TABLES.items()}


def _draw(found: pl.DataFrame, entry: PaperTable, path: Path) -> None:
    from g3lib.im2city.drawing import bars_png, curve_png

    draw = curve_png if entry.name in CURVES else bars_png
    if entry.name in CROWDED:
        found = found.filter(~pl.col("test_set").str.ends_with("(held out)"))
    draw(found.sort("series", "place", maintain_order=True), path, entry.title)


def _rounded(found: pl.DataFrame) -> pl.DataFrame:
    wanted = ("series", "arm", "accuracy", "ci_low", "ci_high", "chance", "labels", "n", "trained_on")
    chosen = found.select(wanted) if "arm" in found.columns else found
    return chosen.with_columns(pl.selectors.float().round(4))
