"""Case and failure studies: the photos themselves beside what the warehouse's views say of them."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.common import tar_of
from assets.pictures import contact_sheet, table
from assets.step import Outcome, Task
from g3lib.experiments.published_tables import PaperTable

GALLERIES = ("image", "image-gps-text")  # of case studies: plain CLIP beside G3
FEATURED = "g3"  # whose worst photos are shown
WORST = 12  # of them
FIRST = 5  # references of a case


def case_study(task: Task, entry: PaperTable) -> Outcome:
    """A few queries, what plain CLIP and G3 retrieved for each, and how far that lies from the truth."""
    from g3lib.results.paper_tables import choose_cases, paper_table

    paths = [task.commit_of(record) for record in task.inputs["references"]]
    first = (pl.col("policy") == "open") & (pl.col("kind") == "similar") & (pl.col("rank") < FIRST)
    references = (
        pl.concat([pl.scan_parquet(path).filter(first) for path in paths]).collect() if paths else None
    )
    inputs = {"query": task.table("queries")} | ({} if references is None else {"reference": references})
    cases = choose_cases(paper_table(entry.name, inputs), GALLERIES)
    shown: dict[str, Any] = {
        "title": entry.title,
        "how they were chosen": "extremes of gain and loss of G3's retrieval over plain CLIP's; no measure of anything",
    }
    photos = _photos(task, [*cases.select("benchmark", "photo_id").unique().rows(), *_references(cases)])
    for key, case in cases.group_by("case", "benchmark", "photo_id", maintain_order=True):
        shown[" ".join(map(str, key))] = _case(case, photos)
    return Outcome(cases.height, cases, metadata=shown)


def _references(cases: pl.DataFrame) -> list[tuple[Any, ...]]:
    return cases.select("reference_dataset", "reference_id").unique().rows()


def _case(case: pl.DataFrame, photos: dict[tuple[str, str], bytes]) -> dg.MarkdownMetadataValue:
    """A row of pictures for each gallery, the query first, and below them what they are."""
    parts = []
    for (gallery,), own in case.group_by("gallery", maintain_order=True):
        wanted = [
            own.select("benchmark", "photo_id").row(0),
            *own.select("reference_dataset", "reference_id").rows(),
        ]
        parts.append(f"**{gallery}**, the query first\n")
        parts.append(str(contact_sheet([photos[key] for key in wanted if key in photos]).md_str))
        about = own.select("rank", "reference_id", "same_author", pl.col("distance_km").round(3))
        parts.append(str(table(about).md_str) + "\n")
    return dg.MetadataValue.md("\n\n".join(parts))


def failure_study(task: Task, entry: PaperTable) -> Outcome:
    """Misses by scene and detail of every experiment, and the worst photos of one."""
    from g3lib.results.paper_tables import paper_table

    inputs = {"query": task.table("queries"), "prediction": task.table("predictions")}
    found = paper_table(entry.name, inputs)
    shown: dict[str, Any] = {"title": entry.title}
    experiment = FEATURED if FEATURED in task.profile.arms else task.profile.arms[0]
    for benchmark in task.profile.benchmarks:
        own = found.filter(benchmark=benchmark, experiment=experiment)
        told = own.drop("benchmark", "experiment", "worst_photos").with_columns(pl.selectors.float().round(3))
        shown[f"{benchmark}, {experiment}"] = table(told)
        worst = _worst(inputs["prediction"].filter(benchmark=benchmark, experiment=experiment))
        photos = _photos(task, worst)
        shown[f"{benchmark}, {experiment}: worst photos"] = contact_sheet(photos[key] for key in worst)
    return Outcome(found.height, found, metadata=shown)


def _worst(predictions: pl.DataFrame) -> list[tuple[str, str]]:
    """(benchmark, photo id) of the largest errors, the worst first."""
    ranked = predictions.drop_nulls("error_km").sort("error_km", "photo_id", descending=[True, False])
    return ranked.head(WORST).select("benchmark", "photo_id").rows()  # type: ignore[return-value]


def _photos(task: Task, wanted: Sequence[tuple[Any, ...]]) -> dict[tuple[str, str], bytes]:
    """The bytes of photos by (dataset, id), as far as they are stored; published references may not be."""
    from g3lib.images import read_shard

    ids, pairs, found = [photo_id for _, photo_id in wanted], set(wanted), dict[tuple[str, str], bytes]()
    for record in task.inputs["photos"]:
        own = pl.scan_parquet(task.commit_of(record)).filter(pl.col("photo_id").is_in(ids)).collect()
        own = own.filter([pair in pairs for pair in own.select("dataset", "photo_id").rows()])
        if own.height:
            photos = read_shard(tar_of(task.home, record), own)
            found |= dict(zip(own.select("dataset", "photo_id").rows(), photos, strict=True))  # type: ignore[arg-type]
    return found
