"""Features for GEM: of every prompt, once; and of the photos it looks at, by backbones that are not the profile's."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.common import tar_of, trained_encoder, whole
from assets.features import COMPLETE, FINITE
from assets.im2city.partitions import (
    backbone_shards,
    backbone_shards_of,
    text_backbones,
    text_backbones_of,
)
from assets.im2city.photos import cities_of, settings_of
from assets.partitions import experiments_of, split
from assets.step import Config, Outcome, Partition, Step, Task, Upstream
from g3lib.experiments import Profile
from g3lib.experiments.gem import ENCODER
from g3lib.experiments.profile import BackboneSettings
from g3lib.images import read_shard
from g3lib.images.sources import as_of_now
from g3lib.store import Home

if TYPE_CHECKING:
    from g3lib.features.backbone import Backbone
    from g3lib.features.encoder import Encoder

PROMPTS = "prompts.parquet"  # beside their features: label_set, template, place, text
STREETCLIP_COUNTRIES, STREETCLIP_CITIES = "streetclip-countries", "streetclip-cities"


def _backbone(task: Task, name: str) -> BackboneSettings:
    return settings_of(task.profile).backbones[name]


def _weights(home: Home, settings: BackboneSettings) -> Path | None:
    """The file under G3_HOME/incoming that `pretrained` names, if it names one."""
    from g3lib.features.files import is_weights_file

    return home.root / "incoming" / settings.pretrained if is_weights_file(settings.pretrained) else None


def network_of(task: Task, name: str) -> "Backbone":
    """Another backbone of the profile's, with its weights."""
    from g3lib.features.backbone import load_backbone

    settings = _backbone(task, name)
    return load_backbone(
        settings.architecture,
        _weights(task.home, settings) or settings.pretrained,
        task.profile.device,
        settings.precision,
        image_size=settings.image_size,
    )


def _text_encoder(task: Task) -> "tuple[Encoder, int]":
    """The backbone's text tower, and how many prompts it takes at once."""
    from g3lib.features.backbone import load_backbone
    from g3lib.features.encoder import Encoder

    name = str(task.key.partition)
    if name == ENCODER:
        return trained_encoder(task), task.profile.encoder.batch_size
    settings = _backbone(task, name)
    weights = _weights(task.home, settings) or settings.pretrained
    encoder = load_backbone(settings.architecture, weights, task.profile.device, settings.precision)
    if not isinstance(encoder, Encoder):
        raise ValueError(
            f"backbone {name} ({settings.architecture}) reads no text; zero-shot experiments need a CLIP model"
        )
    return encoder, settings.batch_size


def _build_backbone_features(task: Task) -> Outcome:
    from g3lib.features.extraction import extract_images
    from g3lib.features.shards import save_features

    name, _ = split(task.key.partition)
    (record,) = task.inputs["photos"]
    manifest = pl.read_parquet(task.commit_of(record))
    encoder = network_of(task, name)
    photos = read_shard(tar_of(task.home, record), manifest)
    made = extract_images(photos, encoder, _backbone(task, name).batch_size, manifest.height, task.report)
    save_features(task.scratch, made.features, encoder.stamp)
    shown: dict[str, Any] = {"photos per second": made.photos_per_second, **asdict(encoder.stamp)}
    return Outcome(rows=len(made.features), metadata=shown)


def _build_label_features(task: Task) -> Outcome:
    from g3lib.features.extraction import text_features
    from g3lib.features.shards import save_features

    prompts = pl.concat([_prompts(task), _streetclip(task)])
    encoder, batch_size = _text_encoder(task)
    distinct = prompts["text"].unique(maintain_order=True)
    features = text_features(distinct.to_list(), encoder, batch_size)
    rows = prompts.join(distinct.to_frame().with_row_index("row"), on="text", maintain_order="left")["row"]
    prompts.write_parquet(task.scratch / PROMPTS)
    save_features(task.scratch, features[rows.to_numpy()], encoder.stamp)
    shown: dict[str, Any] = {
        "distinct prompts": len(distinct),
        "first prompts": prompts["text"].head(5).to_list(),
        **asdict(encoder.stamp),
    }
    return Outcome(rows=prompts.height, metadata=shown)


def _prompts(task: Task) -> pl.DataFrame:
    """The prompts of every label set and template that an experiment on this backbone uses."""
    from g3lib.im2city.labels import label_set
    from g3lib.im2city.prompts import prompt_texts

    cities, frames = cities_of(task), [_frame("", "", [])]
    for kind, template in _used(task.profile, str(task.key.partition)):
        frames.append(_frame(kind, template, prompt_texts(label_set(cities, kind), kind, template)))  # type: ignore[arg-type]
    return pl.concat(frames)


def _streetclip(task: Task) -> pl.DataFrame:
    """The prompts of StreetCLIP's two stages, if an experiment on this backbone has them."""
    from g3lib.im2city.prompts import populous_cities, prompt_texts, streetclip_countries

    if not any(gem.kind == "two-stage" for gem in _gems(task.profile, str(task.key.partition))):
        return _frame("", "", [])
    countries, first, second = streetclip_countries(), "streetclip-country", "streetclip-city"
    return pl.concat(
        [
            _frame(STREETCLIP_COUNTRIES, first, prompt_texts(countries, "countries", first)),
            _frame(STREETCLIP_CITIES, second, prompt_texts(populous_cities(countries), "cities", second)),
        ]
    )


def _frame(kind: str, template: str, texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(
        pl.lit(kind).alias("label_set"),
        pl.lit(template).alias("template"),
        pl.int_range(pl.len()).alias("place"),
        "text",
    )


def _gems(profile: Profile, backbone: str) -> list[Any]:
    gems = [each.gem for each in experiments_of(profile) if each.gem is not None]
    return [gem for gem in gems if gem.backbone == backbone]


def _used(profile: Profile, backbone: str) -> list[tuple[str, str]]:
    """(label set, template) pairs of a backbone's zero-shot experiments."""
    pairs = [(gem.labels, template) for gem in _gems(profile, backbone) for template in gem.templates]
    return sorted(set(pairs))


def _text_config(profile: Profile, partition: Partition) -> Config:
    from g3lib.im2city.prompts import template

    name = str(partition)
    names = sorted({each for _, each in _used(profile, name)})
    config: Config = {
        "prompts": [list(pair) for pair in _used(profile, name)],
        "wording": {each: template(each).text for each in names},
        "two-stage": any(gem.kind == "two-stage" for gem in _gems(profile, name)),
    }
    if name == ENCODER:
        return config | {"precision": profile.encoder.precision}
    return config | {
        "backbone": settings_of(profile).backbones[name].model_dump(mode="json", exclude=_MANNERS)
    }


_MANNERS = {"batch_size"}


def _image_config(profile: Profile, partition: Partition) -> Config:
    name, _ = split(partition)
    return {"backbone": settings_of(profile).backbones[name].model_dump(mode="json", exclude=_MANNERS)}


def _observed(home: Home, profile: Profile, partition: Partition) -> dict[str, str]:
    name = split(partition)[0]
    if name == ENCODER:
        return {}
    path = _weights(home, settings_of(profile).backbones[name])
    return {} if path is None else as_of_now(path)


def _of_encoder(_: Profile, partition: Partition) -> list[Partition]:
    return [None] if partition == ENCODER else []


BACKBONE_FEATURES = Step(
    name="backbone_features",
    group="im2city",
    description="Image features of a shard by another backbone: another CLIP, or an ImageNet network.",
    code_version="1",
    build=_build_backbone_features,
    config=_image_config,
    observed=_observed,
    kind="features",
    upstream=(
        Upstream(
            "photos",
            lambda _, key: [split(key)[1]],
            lambda _: dg.AllPartitionMapping(),
        ),
    ),
    partitions=backbone_shards,
    keys=backbone_shards_of,
    rules=(FINITE, COMPLETE),
    kinds=frozenset({"numpy", "pytorch"}),
    pool="gpu",
)
LABEL_FEATURES = Step(
    name="label_features",
    group="im2city",
    description="Text features of every prompt that GEM's experiments put to a backbone, computed once.",
    code_version="1",
    build=_build_label_features,
    config=_text_config,
    observed=_observed,
    kind="features",
    upstream=(whole("city_labels"), Upstream("encoder", _of_encoder)),
    partitions=text_backbones,
    keys=text_backbones_of,
    rules=(FINITE,),
    kinds=frozenset({"numpy", "pytorch"}),
    pool="gpu",
)
