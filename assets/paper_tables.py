"""The papers' tables and figures: each a partition, made of just what stands in it, by the warehouse's own SQL."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl

from assets.candidates import keys
from assets.im2city.partitions import gems_of
from assets.im2city.proximity import proximity_of
from assets.im2city.questions import question
from assets.paper_studies import GALLERIES, case_study, failure_study
from assets.partitions import benchmark_galleries_of, split
from assets.pictures import picture, table
from assets.step import Config, Outcome, Partition, Rule, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.experiments.published import packaged_digest, published_references
from g3lib.experiments.published_tables import PaperTable, paper_tables, rows_of

ASKED = ("question", "proximity")  # kinds of tables that only experiments of GEM's fill
Wanted = Callable[[Profile], Sequence[Partition]]


def names(profile: Profile) -> list[str]:
    """Of all tables and figures, in order; questions, of which nothing is published, where something asks them."""
    asked = bool(gems_of(profile))
    return [each.name for each in paper_tables() if asked or each.kind not in ASKED]


def entry_of(partition: Partition) -> PaperTable:
    """The table of a partition."""
    return next(each for each in paper_tables() if each.name == partition)


def accuracies_of(profile: Profile, entry: PaperTable) -> list[Partition]:
    """Every arm of its experiments that the profile has, in every benchmark."""
    wanted = {row.experiment for row in rows_of(entry)}
    return [key for key in keys(profile) if _plain(split(key)[1]) in wanted]


def _plain(name: str) -> str:
    """An experiment without its gallery policy and LMM."""
    return name.partition("@")[0].partition("+")[0]


def _build(task: Task) -> Outcome:
    entry = entry_of(task.key.partition)
    return BUILDERS[entry.kind](task, entry)


def _accuracies(task: Task, entry: PaperTable) -> Outcome:
    from g3lib.results.paper_tables import (
        accuracies_markdown,
        caveats_markdown,
        coverage,
        curve_png,
        paper_table,
    )

    inputs = {"published": task.table("published")}
    if task.inputs["accuracy"]:
        inputs["accuracy"] = task.table("accuracy")
    found = paper_table(entry.name, inputs)
    beside, covered = coverage(found)
    shown: dict[str, Any] = {"title": entry.title}
    if entry.kind == "curve":
        path = task.scratch / "figure.png"
        curve_png(found, entry.title, path)
        shown["figure"] = picture(path, entry.title)
    shown["measured beside published, %"] = dg.MetadataValue.md(accuracies_markdown(found))
    shown["of the published numbers"] = dg.MetadataValue.md(caveats_markdown(found))
    shown |= {"published numbers beside measured ones": beside, "covered by their intervals": covered}
    return Outcome(found.height, found, metadata=shown)


def _distances(task: Task, entry: PaperTable) -> Outcome:
    from g3lib.results.paper_tables import paper_table

    inputs = {"published_reference": published_references()}
    if task.inputs["distances"]:
        inputs["reference_distance"] = task.table("distances")
    found = paper_table(entry.name, inputs)
    kilometres = found.with_columns(pl.selectors.float().round(1)).drop("note")
    return Outcome(found.height, found, metadata={"title": entry.title, "kilometres": table(kilometres)})


BUILDERS: dict[str, Callable[[Task, PaperTable], Outcome]] = {
    "accuracies": _accuracies,
    "curve": _accuracies,
    "distances": _distances,
    "cases": case_study,
    "failures": failure_study,
    "question": question,
    "proximity": question,
}


def _needs(asset: str, wanted: Callable[[Profile, PaperTable], Sequence[Partition]]) -> Upstream:
    """An input of some tables; Dagster has no exact mapping from two dimensions to names, so it hears of all."""
    return Upstream(
        asset,
        lambda profile, partition: wanted(profile, entry_of(partition)),
        lambda _: dg.AllPartitionMapping(),
    )


def _of_kind(*kinds: str, then: Wanted) -> Callable[[Profile, PaperTable], Sequence[Partition]]:
    return lambda profile, entry: then(profile) if entry.kind in kinds else []


def _compared(profile: Profile) -> list[Partition]:
    return [key for key in benchmark_galleries_of(profile) if split(key)[1] in GALLERIES]


def _shards(profile: Profile, entry: PaperTable) -> list[str]:
    return {"cases": profile.shards(), "failures": profile.shards("benchmark")}.get(entry.kind, [])


def _config(profile: Profile, partition: Partition) -> Config:
    entry = entry_of(partition)
    config: Config = {"table": asdict(entry) | {"experiments": list(entry.experiments)}}
    if entry.kind == "distances":
        config["published"] = packaged_digest("published_references.csv")
    return config


def _all_printed(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    """Every number that the paper prints in this table stands in it once."""
    assert outcome.table is not None
    entry = entry_of(task.key.partition)
    if entry.kind == "distances":
        shown = outcome.table.drop_nulls("published_mean_km").height
        printed = published_references().height
    elif entry.of_accuracies:
        own = {"paper": entry.paper, "paper_table": entry.paper_table}
        printed = task.table("published").filter(**own).drop_nulls("accuracy").height
        shown = outcome.table.drop_nulls("published").height
    else:
        return True, {"printed": 0}
    return shown == printed, {"printed": printed, "shown": shown}


STEPS = (
    Step(
        name="paper_tables",
        group="results",
        description="The tables and figures of the papers: published beside measured, with intervals and differences.",
        code_version="1",
        build=_build,
        config=_config,
        upstream=(
            _needs(
                "accuracy",
                lambda profile, entry: accuracies_of(profile, entry) if entry.of_accuracies else [],
            ),
            Upstream("published", lambda _, partition: [None] if entry_of(partition).of_accuracies else []),
            _needs("distances", _of_kind("distances", then=benchmark_galleries_of)),
            _needs("references", _of_kind("cases", then=_compared)),
            _needs("queries", _of_kind("cases", "failures", then=lambda profile: profile.benchmarks)),
            _needs("predictions", _of_kind("failures", then=keys)),
            _needs("photos", _shards),
            _needs("city_models", _of_kind(*ASKED, then=gems_of)),
            _needs("city_accuracy", _of_kind("question", then=gems_of)),
            _needs("city_proximity", _of_kind("proximity", then=proximity_of)),
        ),
        partitions=lambda profile: dg.StaticPartitionsDefinition(names(profile)),
        keys=names,
        rules=(
            Rule(
                "every_printed_number", "what the paper prints in the table is all there, once", _all_printed
            ),
        ),
    ),
)
