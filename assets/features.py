"""Features: the CLIP model, trained or resolved, and its features of every photo and distinct caption."""

import json
from typing import Any

import numpy as np
import polars as pl

from assets.common import gallery_shards, same_partition, tar_of, trained_encoder, whole
from assets.partitions import shards
from assets.pictures import curves, picture
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.images import read_shard, upright


def _encoder_config(profile: Profile, _: Partition) -> Config:
    config: Config = profile.encoder.model_dump(mode="json", exclude={"batch_size"})
    return config


def _build_encoder(task: Task) -> Outcome:
    from g3lib.features.encoder import load_encoder, save_checkpoint

    settings, weights = task.profile.encoder, task.scratch / "weights.safetensors"
    with task.tracking.run("features", task.key, task.run_id) as run:
        run.parameters(_encoder_config(task.profile, None))
        if settings.pretrained is not None:
            encoder = load_encoder(settings.architecture, settings.pretrained)
            model, architecture = encoder.model, encoder.name
            shown: dict[str, Any] = {}
        else:
            model, shown = _train_encoder(task, run.metrics)
            architecture = settings.architecture
        save_checkpoint(model, weights)
        parameters = sum(each.numel() for each in model.parameters())
        card = {"architecture": architecture, "parameters": parameters}
        (task.scratch / "encoder.json").write_text(json.dumps(card))
        run.text(_card(task, parameters), "model-card.md")
        run.metrics({"parameters": parameters})
    link = task.tracking.url("features", run.run_id)
    metadata = {"parameters": parameters, "MLflow run": link} | shown
    return Outcome(rows=parameters, metadata=metadata, mlflow_run_id=run.run_id)


def _train_encoder(task: Task, report: Any) -> tuple[Any, dict[str, Any]]:
    """A model trained from scratch on the gallery's photos and their captions."""
    from g3lib.features.encoder_training import EncoderTraining, train_encoder

    assert task.profile.encoder.training is not None
    # at sea there are no names: such a photo has nothing to be paired with
    named = task.table("captions").drop_nulls("caption").select("dataset", "photo_id", "caption")
    images, captions, history = [], [], []
    for record in task.inputs["photos"]:
        manifest = pl.read_parquet(task.commit_of(record))
        manifest = manifest.join(named, on=["dataset", "photo_id"], how="inner", maintain_order="left")
        images += [np.asarray(upright(data)) for data in read_shard(tar_of(task.home, record), manifest)]
        captions += manifest["caption"].to_list()

    def each_epoch(epoch: int, metrics: dict[str, float]) -> None:
        history.append(metrics)
        report(metrics, epoch)

    settings = task.profile.encoder.training.model_dump()
    training = EncoderTraining(model=task.profile.encoder.architecture, **settings)
    model = train_encoder(np.stack(images), captions, training, each_epoch)
    plot = curves(history, ["loss"], task.scratch / "curves.png")
    return model, {"training loss": picture(plot, "loss per epoch"), "epochs": len(history)}


def _card(task: Task, parameters: int) -> str:
    settings = task.profile.encoder
    origin = (
        f"open_clip weights `{settings.pretrained}`"
        if settings.pretrained
        else (
            f"trained from scratch on {sum(r.rows for r in task.inputs['photos']):,} photos and their captions"
        )
    )
    return f"# {settings.architecture}\n\n{parameters:,} parameters, {origin}.\n"


def _build_image_features(task: Task) -> Outcome:
    from g3lib.features.extraction import image_features

    (record,) = task.inputs["photos"]
    manifest = pl.read_parquet(task.commit_of(record))
    photos = read_shard(tar_of(task.home, record), manifest)
    encoder = trained_encoder(task)
    features = image_features(photos, encoder, task.profile.encoder.batch_size, manifest.height)
    np.save(task.scratch / "features.npy", features)
    return _stored(features)


def _build_text_features(task: Task) -> Outcome:
    from g3lib.features.extraction import text_features

    captions = task.table("captions")["caption"].drop_nulls().unique(maintain_order=True)
    features = text_features(captions.to_list(), trained_encoder(task), task.profile.encoder.batch_size)
    np.save(task.scratch / "features.npy", features)
    captions.to_frame().write_parquet(task.scratch / "captions.parquet")
    return _stored(features)


def _stored(features: Any) -> Outcome:
    norms = np.linalg.norm(features.astype(np.float32), axis=1)
    metadata = {"width": features.shape[1], "mean norm": float(norms.mean()) if len(norms) else 0.0}
    return Outcome(rows=len(features), metadata=metadata)


def _finite_norms(task: Task, _: Outcome) -> tuple[bool, dict[str, Any]]:
    norms = np.linalg.norm(np.load(task.scratch / "features.npy").astype(np.float32), axis=1)
    bad = int((~np.isfinite(norms) | (norms == 0)).sum())
    return bad == 0, {"rows": len(norms), "rows whose norm is zero or not finite": bad}


def _one_row_per_photo(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    photos = sum(record.rows for record in task.inputs["photos"])
    return outcome.rows == photos, {"features": outcome.rows, "photos": photos}


FINITE = Rule("feature_norms_finite", "every feature has a finite norm above zero", _finite_norms)
COMPLETE = Rule("one_row_per_photo", "there is a row for every photo of the shard", _one_row_per_photo)


def _no_config(_: Profile, __: Partition) -> Config:
    return {}


STEPS = (
    Step(
        name="encoder",
        group="features",
        description="The CLIP model: open_clip weights, or trained from scratch on photos and captions.",
        code_version="1",
        build=_build_encoder,
        config=_encoder_config,
        kind="models",
        upstream=(gallery_shards("photos"), gallery_shards("captions")),
        kinds=frozenset({"pytorch", "mlflow"}),
        pool="gpu",
    ),
    Step(
        name="image_features",
        group="features",
        description="Projected, un-normalised CLIP image features of a shard, float16, in manifest order.",
        code_version="1",
        build=_build_image_features,
        config=_no_config,
        kind="features",
        upstream=(same_partition("photos"), whole("encoder")),
        partitions=shards,
        keys=lambda profile: profile.shards(),
        rules=(FINITE, COMPLETE),
        kinds=frozenset({"numpy", "pytorch"}),
        pool="gpu",
    ),
    Step(
        name="text_features",
        group="features",
        description="CLIP text features of every distinct caption of the gallery, float16.",
        code_version="1",
        build=_build_text_features,
        config=_no_config,
        kind="features",
        upstream=(gallery_shards("captions"), whole("encoder")),
        rules=(FINITE,),
        kinds=frozenset({"numpy", "pytorch"}),
        pool="gpu",
    ),
)
