"""Alignment: the heads and GPS encoder of G3, trained on stored features; or G3's released ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.common import gallery_shards
from assets.heads import config_of, data_of, incoming, is_released, location_weights, observed, settings_of
from assets.partitions import alignments, alignments_of, captions_of_alignments
from assets.pictures import curves, picture
from assets.resources import TrackedRun
from assets.step import Outcome, Step, Task, Upstream
from g3lib.experiments import HEADS
from g3lib.store.artifacts import file_name
from g3lib.store.files import scratch_folder

if TYPE_CHECKING:
    from g3lib.alignment.data import AlignmentData
    from g3lib.alignment.model import GeoAlignment
    from g3lib.alignment.training import Report, Trained

LOSSES = ("loss_image_text", "loss_image_gps")
HELD_OUT = {  # what the held-out authors' photos say: metrics that share a picture
    "held-out losses": ("held_out_loss_image_text", "held_out_loss_image_gps"),
    "held-out retrieval": ("image_to_text_top_1", "image_to_gps_top_1", "image_to_gps_top_10"),
    "held-out kilometres": ("image_to_gps_median_km",),
}


def _build(task: Task) -> Outcome:
    parent = task.tracking.parent("alignment", f"alignment of {task.profile.name}")
    with task.tracking.run("alignment", task.key, task.run_id, parent) as run:
        run.parameters(config_of(task.profile, task.key.partition))
        work = _released if is_released(task.profile, task.key.partition) else _trained
        rows, shown = work(task, run)
    link = task.tracking.url("alignment", run.run_id)
    saved = _resume(task)
    return Outcome(
        rows=rows,
        mlflow_run_id=run.run_id,
        metadata=shown | {"MLflow run": link},
        after_commit=lambda: saved.unlink(missing_ok=True),
    )


def _resume(task: Task) -> Path:
    """Where a training that is interrupted is taken up again."""
    name = file_name(str(task.key.partition))
    return task.home.root / "resume" / "alignment" / f"{name}.safetensors"


def _released(task: Task, run: TrackedRun) -> tuple[int, dict[str, Any]]:
    """The heads of a g3.pth; no photo of this gallery had a part in them."""
    from g3lib.alignment.checkpoints import load_official
    from g3lib.features.shards import stamp_of

    path = incoming(task.home) / str(task.profile.alignment.pretrained)
    model = load_official(path, settings_of(task.profile, task.key.partition))
    width = stamp_of(task.folder("text_features")).width
    if model.dimension != width:
        raise ValueError(
            f"{path} is for CLIP features of width {model.dimension}, the profile's encoder makes {width}; set "
            "encoder.architecture to the one it was trained with (G3's own: ViT-L-14), or alignment.pretrained to none"
        )
    parameters = _save(task, run, model, f"G3's released weights, `{path.name}`")
    return 0, {"parameters": parameters, "weights": path.name}


def _trained(task: Task, run: TrackedRun) -> tuple[int, dict[str, Any]]:
    """Heads trained here; every epoch is told as it ends."""
    data, epochs = data_of(task), task.profile.alignment.epochs

    def each_epoch(epoch: int, metrics: dict[str, float]) -> None:
        run.metrics(metrics, epoch + 1)
        told = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
        task.report(f"epoch {epoch + 1} of {epochs}: {told}")

    found = _train(task, data, each_epoch)
    photos = len(data) - int(data.held_out.sum())
    parameters = _save(task, run, found.model, f"trained on {photos:,} photos")
    run.metrics({"photos_per_second": found.photos_per_second}, len(found.history))
    shown = _pictures(task, run, found.history) | {
        "parameters": parameters,
        "photos held out": int(data.held_out.sum()),
        "photos per second": found.photos_per_second,
        "epochs resumed from": found.resumed,
        "remarks": found.remarks,
    }
    return photos, shown


def _train(task: Task, data: "AlignmentData", report: "Report") -> "Trained":
    """In this process or in several, as the settings say."""
    from g3lib.alignment.launching import Stored, train_in_processes
    from g3lib.alignment.training import train

    settings = settings_of(task.profile, task.key.partition)
    with_text = HEADS[str(task.key.partition)].text
    options: dict[str, Any] = {
        "device": task.profile.device,
        "resume": _resume(task),
        "location_weights": location_weights(task.home, settings),
        "remark": task.report,
    }
    if settings.processes == 1:
        return train(data, settings, with_text, report, **options)
    folders = [task.home.root / record.path for record in task.inputs["image_features"]]
    stored = Stored("g3lib.features.shards:FeatureShards", folders)
    with scratch_folder(_resume(task)) as folder:
        return train_in_processes(data, settings, with_text, report, stored, folder, **options)


def _save(task: Task, run: TrackedRun, model: "GeoAlignment", origin: str) -> int:
    """Store the heads and their card; how many parameters they have."""
    from g3lib.alignment.model import save_alignment

    save_alignment(model.cpu(), task.scratch / "alignment.safetensors")
    parameters = model.trainable_parameters()
    card = (
        f"# Geo-alignment `{task.key.partition}`\n\n{parameters:,} trainable parameters, {origin}, profile "
        f"`{task.profile.name}`; G3 (NeurIPS 2024) section 3.1, eq. 2, on frozen features of "
        f"`{task.profile.encoder.architecture}`.\n"
    )
    run.text(card, "model-card.md")
    return parameters


def _pictures(task: Task, run: TrackedRun, history: list[dict[str, float]]) -> dict[str, Any]:
    """Curves over epochs for the page and beside the MLflow run, and the last epoch's figures."""
    groups: Mapping[str, tuple[str, ...]] = {"losses": LOSSES} | HELD_OUT
    shown: dict[str, Any] = {}
    for title, names in groups.items():
        drawn = [name for name in names if name in history[-1]]
        if drawn:
            file = "curves.png" if title == "losses" else f"{title.replace(' ', '-')}.png"
            plot = curves(history, drawn, task.scratch / file)
            run.artifact(plot)
            shown[title] = picture(plot, f"{title} per epoch")
            shown |= {f"{name}, last epoch": history[-1][name] for name in drawn}
    return shown


STEPS = (
    Step(
        name="alignment",
        group="alignment",
        description="Geo-alignment: heads and GPS encoder trained with symmetric InfoNCE losses on stored features. "
        "With `alignment.pretrained`, the heads image-gps-text are those of that g3.pth; others are trained as ever.",
        code_version="2",
        build=_build,
        config=config_of,
        kind="models",
        observed=observed,
        upstream=(
            gallery_shards("photos"),
            gallery_shards("captions"),
            gallery_shards("image_features"),
            Upstream(
                "text_features", lambda _, partition: [HEADS[str(partition)].captions], captions_of_alignments
            ),
        ),
        partitions=alignments,
        keys=alignments_of,
        kinds=frozenset({"pytorch", "mlflow"}),
        pool="gpu",
    ),
)
