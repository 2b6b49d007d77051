"""Jobs: one of assets for each stage, and two that conduct many partitions in order: benchmarks, everything.

A Dagster asset job holds one kind of partition, so the features and gallery stages have two, and what crosses kinds
is conducted.
"""

from typing import Any

import dagster as dg

from assets.steps import STEPS

STAGES: dict[str, list[str]] = {
    "metadata": ["metadata"],
    "images": ["photos"],
    "overlap": ["photo_census", "photo_duplicates", "leaked_queries", "author_overlap"],
    "places": ["captions"],
    "features": ["encoder", "image_features"],
    "captions": ["text_features"],
    "baselines": ["colour_histograms"],
    "alignment": ["alignment"],
    "gallery": ["gallery_index"],
    "references": ["references", "distances"],
    "labels": ["city_labels"],
    "backbones": ["backbone_features"],
    "prompts": ["label_features"],
    "im2city": ["city_models", "city_predictions", "city_accuracy", "city_proximity"],
    "candidates": ["candidates"],
    "pool": ["pool_choice"],
    "verification": ["scored_candidates", "predictions"],
    "queries": ["queries"],
    "paper": ["paper_tables"],
    "results": ["diagnoses", "accuracy", "published", "comparisons", "warehouse", "report"],
    "inbox": ["inbox_photos", "inbox_predictions"],
}

BENCHMARK_STEPS = [
    "city_predictions",
    "city_accuracy",
    "city_proximity",
    "references",
    "distances",
    "candidates",
    "pool_choice",
    "scored_candidates",
    "predictions",
    "diagnoses",
    "accuracy",
    "comparisons",
    "published",
    "paper_tables",
]


def stage_jobs() -> list[Any]:
    """An asset job for each stage."""
    return [
        dg.define_asset_job(
            f"stage_{stage}",  # Dagster wants job names apart from asset names
            dg.AssetSelection.assets(*names),
            description=f"Materializes {', '.join(names)}.",
        )
        for stage, names in STAGES.items()
    ]


def conducting_jobs() -> list[dg.JobDefinition]:
    """Jobs that make whatever is out of date, partition by partition, and publish at the end."""
    return [
        _conducting("benchmarks", BENCHMARK_STEPS, "Every benchmark in every experiment, then the tables."),
        _conducting("everything", list(STEPS), "Whatever is out of date, from photos to tables."),
    ]


def _conducting(name: str, steps: list[str], description: str) -> dg.JobDefinition:
    @dg.op(name=f"conduct_{name}")
    def _op(context: dg.OpExecutionContext) -> None:
        from pipelines.conductor import conduct_from_environment

        for event in conduct_from_environment(context.instance, steps, context.run, context.log.info):
            context.log_event(event)

    @dg.job(name=name, description=description, executor_def=dg.in_process_executor)
    def _job() -> None:
        _op()

    return _job
