"""Alignment: the heads and GPS encoder of G3, trained on stored features."""

from typing import Any

import polars as pl

from assets.common import features_of, gallery_shards, whole
from assets.partitions import alignments, alignments_of
from assets.pictures import curves, picture
from assets.step import Config, Outcome, Partition, Step, Task
from g3lib.experiments import Profile


def _config(profile: Profile, partition: Partition) -> Config:
    return profile.alignment.model_dump(mode="json") | {"losses": partition}


def _data(task: Task) -> Any:
    """Features and positions of every gallery photo, on the profile's device."""
    import torch

    from g3lib.alignment.training import AlignmentData

    device = task.profile.device
    image = torch.from_numpy(features_of(task, task.inputs["image_features"])).float()
    text = torch.from_numpy(features_of(task, task.inputs["text_features"])).float()
    known = pl.read_parquet(task.folder("text_features") / "captions.parquet").with_row_index("row")
    # a photo without a caption or a position has no partner to be aligned with
    photos = task.table("photos").with_row_index("photo")
    photos = photos.join(task.table("captions"), on=["dataset", "photo_id"], how="left")
    photos = photos.join(known, on="caption", how="inner").drop_nulls(["lat", "lon"]).sort("photo")
    rows = torch.from_numpy(photos["photo"].to_numpy().astype("int64"))
    return AlignmentData(
        image=image[rows].to(device),
        text=text.to(device),
        text_rows=torch.from_numpy(photos["row"].to_numpy().astype("int64")).to(device),
        coordinates=torch.from_numpy(photos.select("lat", "lon").to_numpy()).to(device),
    )


def _build(task: Task) -> Outcome:
    from g3lib.alignment.model import save_alignment
    from g3lib.alignment.training import train

    parent = task.tracking.parent("alignment", f"alignment of {task.profile.name}")
    history: list[dict[str, float]] = []
    with task.tracking.run("alignment", task.key, task.run_id, parent) as run:
        run.parameters(_config(task.profile, task.key.partition))

        def each_epoch(epoch: int, metrics: dict[str, float]) -> None:
            history.append(metrics)
            run.metrics(metrics, epoch + 1)

        data = _data(task)
        with_text = task.key.partition == "image-gps-text"
        model = train(data, task.profile.alignment, with_text, each_epoch)
        save_alignment(model.cpu(), task.scratch / "alignment.safetensors")
        plot = curves(history, ["loss_image_text", "loss_image_gps"], task.scratch / "curves.png")
        run.artifact(plot)
        run.text(_card(task, model.trainable_parameters(), len(data.image)), "model-card.md")
    return Outcome(
        rows=len(data.image),
        mlflow_run_id=run.run_id,
        metadata={
            "trainable parameters": model.trainable_parameters(),
            "losses": picture(plot, "losses per epoch"),
            "loss image-GPS": history[-1]["loss_image_gps"],
            "MLflow run": task.tracking.url("alignment", run.run_id),
        },
    )


def _card(task: Task, parameters: int, photos: int) -> str:
    return (
        f"# Geo-alignment `{task.key.partition}`\n\n{parameters:,} trainable parameters, {photos:,} photos, "
        f"profile `{task.profile.name}`; G3 (NeurIPS 2024) section 3.1, eq. 2, on frozen features of "
        f"`{task.profile.encoder.architecture}`.\n"
    )


STEPS = (
    Step(
        name="alignment",
        group="alignment",
        description="Geo-alignment: heads and GPS encoder trained with symmetric InfoNCE losses.",
        code_version="1",
        build=_build,
        config=_config,
        kind="models",
        upstream=(
            gallery_shards("photos"),
            gallery_shards("captions"),
            gallery_shards("image_features"),
            whole("text_features"),
        ),
        partitions=alignments,
        keys=alignments_of,
        kinds=frozenset({"pytorch", "mlflow"}),
        pool="gpu",
    ),
)
