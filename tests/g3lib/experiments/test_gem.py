"""GEM's experiments as data: what cannot run is refused, and what was there before them is what it was."""

from typing import Any

import pytest
from pydantic import ValidationError

from g3lib.experiments import EXPERIMENTS, Profile, experiment
from g3lib.experiments.catalogue import arms
from g3lib.experiments.gem import ENCODER, Gem
from g3lib.experiments.gem_catalogue import GEM_EXPERIMENTS, TEMPLATES
from g3lib.im2city.prompts import recorded, template

BLUE_MARBLE = {"shards": 1, "photos_per_shard": 8, "source": {"kind": "blue-marble"}}
PROFILE: dict[str, Any] = {
    "name": "small",
    "datasets": [
        {"name": "tiles", "role": "gallery", **BLUE_MARBLE},
        {"name": "queries", "role": "benchmark", **BLUE_MARBLE},
    ],
    "encoder": {"architecture": "blue-marble", "training": {}},
    "experiments": ["nn-clip"],
}
IM2CITY: dict[str, Any] = {
    "training": {"street-view": "tiles"},
    "backbones": {"other": {"architecture": "ViT-B-32", "pretrained": "openai"}},
}


def gem_of(name: str) -> Gem:
    gem = experiment(name).gem
    assert gem is not None
    return gem


def test_the_catalogue_has_every_factor_of_the_issue() -> None:
    gems = [each.gem for each in GEM_EXPERIMENTS if each.gem is not None]
    assert {gem.templates for gem in gems if len(gem.templates) == 1} == {(name,) for name in TEMPLATES}
    assert {gem.weights for gem in gems if gem.kind == "zero-shot"} == {
        *("uniform", "recorded", "recorded-all", "measured"),
    }
    assert {gem.labels for gem in gems} == {"cities", "cities-with-country", "countries"}
    assert {gem.shots for gem in gems} == {None, 1, 2, 4, 8, 16}
    assert {gem.c for gem in gems if gem.kind == "probe"} == {0.316, None}
    assert {gem.training for gem in gems} == {"street-view", "online"}
    assert len({each.name for each in EXPERIMENTS}) == len(EXPERIMENTS)


def test_recorded_weights_are_of_the_templates_that_the_experiments_name() -> None:
    for gem in (gem_of("gem-zero-shot"), gem_of("gem-zero-shot-all")):
        assert set(recorded(gem.weights).weights) == set(gem.templates)
        assert all(template(name).name == name for name in gem.templates)


def test_another_backbone_stands_behind_an_at_sign() -> None:
    found = experiment("gem-probe@resnet")
    assert found.name == "gem-probe@resnet" and gem_of(found.name).backbone == "resnet"
    assert gem_of("gem-probe").backbone == ENCODER
    assert found.lmm == experiment("gem-probe").lmm and found.gallery_policy is None and not found.verifies


def test_no_arm_searches_a_gallery() -> None:
    names = [each.name for each in GEM_EXPERIMENTS]
    assert list(arms(names, ("open", "other-authors"))) == names
    with pytest.raises(KeyError, match="only the open one"):
        experiment("gem-probe+other-authors")


def test_what_has_no_gem_is_recorded_as_before() -> None:
    assert "gem" not in experiment("g3").as_config()
    assert experiment("gem-probe").as_config()["gem"]["kind"] == "probe"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "few-shot"}, "kind='few-shot'"),
        ({"kind": "probe", "labels": "towns"}, "labels='towns'"),
        ({"kind": "zero-shot"}, "zero-shot with templates"),
        ({"kind": "probe", "templates": ("in",)}, "probe with templates"),
        ({"kind": "zero-shot", "templates": ("in",), "weights": "best"}, "weights='best'"),
        ({"kind": "probe", "shots": 0}, "shots=0"),
        ({"kind": "probe", "c": 0.0}, "c=0.0"),
        ({"kind": "probe", "soft_km": -1.0}, "soft_km=-1.0"),
    ],
)
def test_what_could_not_run_is_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Gem(**values)


@pytest.mark.parametrize(
    ("im2city", "name", "words"),
    [
        (None, "gem-probe", "needs the section `im2city`"),
        (IM2CITY, "gem-probe@resnet", "no backbone 'resnet'; there are: encoder, other"),
        (
            IM2CITY,
            "gem-probe-online",
            "learns from 'online'; im2city.training names a dataset for: street-view",
        ),
        (
            {**IM2CITY, "training": {"street-view": "photos"}},
            "gem-probe",
            "no dataset 'photos'; there are: tiles, queries",
        ),
    ],
)
def test_a_profile_says_what_it_lacks_for_an_experiment(im2city: Any, name: str, words: str) -> None:
    profile = Profile(**PROFILE, im2city=im2city)
    with pytest.raises(KeyError, match=words):
        profile.gem_settings(name, gem_of(name))


def test_a_profile_names_the_settings_of_an_experiment() -> None:
    profile = Profile(**PROFILE | {"im2city": IM2CITY})
    assert profile.gem_settings("gem-probe@other", gem_of("gem-probe@other")).training == {
        "street-view": "tiles"
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"radius_km": 0},
        {"validation_share": 1},
        {"coverage": 1.0},
        {"backbones": {"encoder": {"architecture": "ViT-B-32", "pretrained": "openai"}}},
        {"backbones": {"An Other": {"architecture": "ViT-B-32", "pretrained": "openai"}}},
        {"towns": 3},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Profile(**PROFILE | {"im2city": {**IM2CITY, **wrong}})
