"""Features: the CLIP model, trained or resolved, and its features of every photo and distinct caption."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assets.common import gallery_shards, same_partition, tar_of, trained_encoder, whole
from assets.partitions import captions, captions_of, shards
from assets.pictures import curves, picture
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.images import read_shard, upright
from g3lib.images.sources import as_of_now
from g3lib.store import Home

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from g3lib.features.shards import Stamp

_MANNERS = {"batch_size", "precision", "compile"}  # how features are computed; the weights are the same


def _encoder_config(profile: Profile, _: Partition) -> Config:
    config: Config = profile.encoder.model_dump(mode="json", exclude=_MANNERS)
    return config


def _features_config(profile: Profile, _: Partition) -> Config:
    config: Config = profile.encoder.model_dump(mode="json", include={"precision"})
    return config


def _weights_file(home: Home, profile: Profile) -> Path | None:
    """The file under G3_HOME/incoming that `pretrained` names, if it names one."""
    from g3lib.features.files import is_weights_file

    name = profile.encoder.pretrained
    return home.root / "incoming" / str(name) if is_weights_file(name) else None


def _observed_weights(home: Home, profile: Profile, _: Partition) -> dict[str, str]:
    path = _weights_file(home, profile)
    return {} if path is None else as_of_now(path)


def _build_encoder(task: Task) -> Outcome:
    from g3lib.features.encoder import load_encoder, save_checkpoint

    settings, weights = task.profile.encoder, task.scratch / "weights.safetensors"
    with task.tracking.run("features", task.key, task.run_id) as run:
        run.parameters(_encoder_config(task.profile, None))
        if settings.pretrained is not None:
            file = _weights_file(task.home, task.profile)
            encoder = load_encoder(settings.architecture, file or settings.pretrained)
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
    images, texts, history = [], [], []
    for record in task.inputs["photos"]:
        manifest = pl.read_parquet(task.commit_of(record))
        manifest = manifest.join(named, on=["dataset", "photo_id"], how="inner", maintain_order="left")
        images += [np.asarray(upright(data)) for data in read_shard(tar_of(task.home, record), manifest)]
        texts += manifest["caption"].to_list()

    def each_epoch(epoch: int, metrics: dict[str, float]) -> None:
        history.append(metrics)
        report(metrics, epoch)

    settings = task.profile.encoder.training.model_dump()
    training = EncoderTraining(model=task.profile.encoder.architecture, **settings)
    model = train_encoder(np.stack(images), texts, training, each_epoch)
    plot = curves(history, ["loss"], task.scratch / "curves.png")
    return model, {"training loss": picture(plot, "loss per epoch"), "epochs": len(history)}


def _card(task: Task, parameters: int) -> str:
    settings = task.profile.encoder
    origin = (
        f"pretrained weights `{settings.pretrained}`"
        if settings.pretrained
        else (
            f"trained from scratch on {sum(r.rows for r in task.inputs['photos']):,} photos and their captions"
        )
    )
    return f"# {settings.architecture}\n\n{parameters:,} parameters, {origin}.\n"


def _build_image_features(task: Task) -> Outcome:
    from g3lib.features.extraction import extract_images

    (record,) = task.inputs["photos"]
    manifest = pl.read_parquet(task.commit_of(record))
    photos = read_shard(tar_of(task.home, record), manifest)
    encoder, batch_size = trained_encoder(task), task.profile.encoder.batch_size
    made = extract_images(photos, encoder, batch_size, manifest.height, task.report)
    speed = {
        "photos per second": made.photos_per_second,
        "share of time spent waiting for photos": made.waiting_share,
    }
    return _stored(task, made.features, encoder.stamp, speed)


def _build_text_features(task: Task) -> Outcome:
    from g3lib.features.extraction import text_features

    column = task.table("captions")[str(task.key.partition)].rename("caption")
    distinct = column.drop_nulls().unique(maintain_order=True)
    encoder = trained_encoder(task)
    features = text_features(distinct.to_list(), encoder, task.profile.encoder.batch_size)
    distinct.to_frame().write_parquet(task.scratch / "captions.parquet")
    return _stored(task, features, encoder.stamp, {})


def _stored(task: Task, features: "NDArray[np.float16]", stamp: "Stamp", speed: dict[str, float]) -> Outcome:
    from g3lib.features.shards import save_features

    save_features(task.scratch, features, stamp)
    norms = np.linalg.norm(features.astype(np.float32), axis=1)
    mean = float(norms.mean()) if len(norms) else 0.0
    return Outcome(rows=len(features), metadata={"mean norm": mean} | speed | asdict(stamp))


def _finite_norms(task: Task, _: Outcome) -> tuple[bool, dict[str, Any]]:
    from g3lib.features.shards import load_features

    norms = np.linalg.norm(load_features(task.scratch).astype(np.float32), axis=1)
    bad = int((~np.isfinite(norms) | (norms == 0)).sum())
    return bad == 0, {"rows": len(norms), "rows whose norm is zero or not finite": bad}


def _one_row_per_photo(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    photos = sum(record.rows for record in task.inputs["photos"])
    return outcome.rows == photos, {"features": outcome.rows, "photos": photos}


FINITE = Rule("feature_norms_finite", "every feature has a finite norm above zero", _finite_norms)
COMPLETE = Rule("one_row_per_photo", "there is a row for every photo of the shard", _one_row_per_photo)


STEPS = (
    Step(
        name="encoder",
        group="features",
        description="The CLIP model: pretrained weights, or trained from scratch on photos and captions.",
        code_version="1",
        build=_build_encoder,
        config=_encoder_config,
        observed=_observed_weights,
        kind="models",
        upstream=(gallery_shards("photos"), gallery_shards("captions")),
        kinds=frozenset({"pytorch", "mlflow"}),
        pool="gpu",
    ),
    Step(
        name="image_features",
        group="features",
        description="Projected, un-normalised CLIP image features of a shard, float16, in manifest order.",
        code_version="2",
        build=_build_image_features,
        config=_features_config,
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
        description="CLIP text features of every distinct caption in a column of the gallery's captions, float16.",
        code_version="2",
        build=_build_text_features,
        config=_features_config,
        kind="features",
        upstream=(gallery_shards("captions"), whole("encoder")),
        partitions=captions,
        keys=captions_of,
        rules=(FINITE,),
        kinds=frozenset({"numpy", "pytorch"}),
        pool="gpu",
    ),
)
