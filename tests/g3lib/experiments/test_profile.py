"""Profiles: every file loads, and what cannot be is refused by the name of its field."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from g3lib.experiments import (
    ALIGNMENTS,
    EXPERIMENTS,
    HEADS,
    POLICIES,
    AlignmentSettings,
    Profile,
    experiment,
)
from g3lib.places import TEMPLATES

FILES = sorted((Path(__file__).parents[3] / "pipelines" / "profiles").glob("*.yaml"))
MP16 = next(path for path in FILES if path.stem == "mp16")
SECRET = "sk-do-not-show"


def load(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


VALUES: dict[str, Any] = {
    "name": "toy",
    "datasets": [
        {
            "name": "photos",
            "role": "gallery",
            "shards": 3,
            "photos_per_shard": 10,
            "source": {"kind": "webdataset"},
        },
        {
            "name": "toy-queries-2",
            "role": "benchmark",
            "shards": 2,
            "photos_per_shard": 5,
            "source": {"kind": "blue-marble", "perturbed": True},
        },
    ],
    "encoder": {"architecture": "ViT-L-14", "pretrained": "openai"},
    "experiments": ["g3"],
}


def changed(where: str, value: Any) -> dict[str, Any]:
    """VALUES with one setting changed; `where` is a path with dots."""
    values = copy.deepcopy(VALUES)
    *sections, field = where.split(".")
    target: Any = values
    for section in sections:
        target = target[int(section)] if section.isdigit() else target.setdefault(section, {})
    target[field] = value
    return values


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_profile_loads_and_names_what_there_is(path: Path) -> None:
    profile = Profile(**load(path))
    assert profile.name == path.stem
    assert {each.name for each in EXPERIMENTS} >= {re.split("[+@]", name)[0] for name in profile.experiments}
    assert profile.gallery_policies[0] == POLICIES[0], "the papers' own arm comes first"
    assert profile.caption_template in TEMPLATES
    deepest = max(experiment(name).references_needed for name in profile.arms)
    assert deepest <= profile.reference_depth


def test_there_are_profiles() -> None:
    assert {"demo", "im2city", "mp16"} <= {path.stem for path in FILES}


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("lmmm", {}, "lmmm"),
        ("alignment.learning_rat", 0.1, r"alignment\.learning_rat"),
        ("alignment.learning_rate", 0, r"alignment\.learning_rate"),
        ("alignment.learning_rate", float("nan"), r"alignment\.learning_rate"),
        ("alignment.batch_size", 1, r"alignment\.batch_size"),
        ("alignment.sigmas", [], r"alignment\.sigmas"),
        ("alignment.sigmas", [1.0, -16.0], r"alignment\.sigmas"),
        ("encoder.batch_size", 0, r"encoder\.batch_size"),
        ("encoder.pretrained", None, "give either `pretrained`"),
        ("encoder.training", {"epochs": 2}, "give either `pretrained`"),
        ("encoder.training", {"epochs": 0}, r"encoder\.training\.epochs"),
        ("lmm.base_url", "http://localhost", "base_url is set but model is not"),
        ("lmm.model", "gpt-4", "model is set but base_url is not"),
        ("lmm.price_in", float("inf"), r"lmm\.price_in"),
        ("lmm.concurrency", 0, r"lmm\.concurrency"),
        ("experiments", [], "experiments is empty"),
        ("datasets", VALUES["datasets"][:1], "no dataset has role 'benchmark'"),
        ("datasets", VALUES["datasets"][1:], "no dataset has role 'gallery'"),
        ("datasets.1.name", "photos", "dataset names repeat"),
        ("datasets.0.name", "../photos", r"datasets\.0\.name"),
        ("datasets.0.name", "Photos\n", r"datasets\.0\.name"),
        ("datasets.0.shards", 0, r"datasets\.0\.shards"),
        ("datasets.0.source", {"kind": "flickr"}, r"datasets\.0\.source"),
        ("datasets.1.source.pixels", 8, r"datasets\.1\.source\.blue-marble\.pixels"),
        ("answers", {"toy-queries-2": 0}, r"answers\.toy-queries-2"),
        ("answers", {"toy-querys": 1}, r"answers: no benchmark \['toy-querys'\]; there are"),
        ("retrieved", {"photos": 1}, r"retrieved: no benchmark \['photos'\]"),
        ("reference_depth", 0, "reference_depth"),
        ("bootstrap_resamples", 10, "bootstrap_resamples"),
        ("schedule.inbox_seconds", 0, r"schedule\.inbox_seconds"),
    ],
)
def test_what_cannot_be_is_refused_by_name(where: str, value: Any, message: str) -> None:
    Profile(**VALUES)  # which only this change spoils
    with pytest.raises(ValidationError, match=message):
        Profile(**changed(where, value))


def test_partitions_and_back() -> None:
    profile = Profile(**VALUES)
    assert profile.benchmarks == ["toy-queries-2"]
    assert profile.shards("gallery") == ["photos-000000", "photos-000001", "photos-000002"]
    assert profile.shards() == [*profile.shards("gallery"), *profile.shards("benchmark")]
    for dataset in profile.datasets:
        for index, key in enumerate(dataset.partitions):
            assert profile.dataset_of(key) == (dataset, index)
    with pytest.raises(KeyError, match=r"no dataset 'toy'; there are: photos, toy-queries-2"):
        profile.dataset_of("toy-000000")


def test_the_lmms_label() -> None:
    assert Profile(**VALUES).lmm.label == "stand-in"
    real = Profile(**changed("lmm", {"base_url": "https://example.org/v1", "model": "gpt-4"}))
    assert real.lmm.label == "gpt-4" and not real.lmm.is_stand_in


def test_the_key_of_the_lmm_shows_nowhere() -> None:
    profile = Profile(**changed("lmm", {"api_key": SECRET}))
    assert profile.lmm.api_key is not None and profile.lmm.api_key.get_secret_value() == SECRET
    shown = (repr(profile), str(profile.lmm), profile.model_dump_json(), json.dumps(profile.plain("lmm")))
    assert all(SECRET not in text for text in shown)
    assert "api_key" not in profile.plain("lmm")["lmm"]


def test_a_plain_section_is_what_was_set() -> None:
    plain = Profile(**changed("alignment", {"epochs": 3})).plain("alignment", "reference_depth")
    assert plain.keys() == {"alignment", "reference_depth"}
    assert plain["alignment"]["epochs"] == 3 and json.loads(json.dumps(plain)) == plain


# --- presets


def test_a_preset_fills_in_what_is_not_given() -> None:
    official = AlignmentSettings.model_validate({"preset": "official"})
    assert official.location_init == "geoclip" and official.shuffle and official.mercator_clamp
    paper = AlignmentSettings.model_validate({"preset": "paper", "location_init": "geoclip"})
    assert paper.loss_reduction == "sum" and paper.location_init == "geoclip"


def test_a_profiles_preset_reaches_captions_and_alignment() -> None:
    official, paper = (Profile(**load(MP16) | {"preset": each}) for each in ("official", "paper"))
    assert official == Profile(**load(MP16)) and official.caption_template == "official"
    assert paper.caption_template == "paper" and paper.alignment.loss_reduction == "sum"
    assert (official.alignment.location_init, paper.alignment.location_init) == ("geoclip", "random")
    assert Profile(**load(MP16) | {"preset": "paper", "caption_template": "g3-n"}).caption_template == "g3-n"
    with pytest.raises(ValidationError, match="preset"):
        Profile(**load(MP16) | {"preset": "offical"})


def test_sets_of_heads_depart_from_the_profile_where_they_say() -> None:
    profile = AlignmentSettings(sigmas=(1.0,))
    assert HEADS["image-gps-text"].settings(profile) == profile
    changed = HEADS["image-gps-text-equal-earth"].settings(profile)
    assert changed.projection == "equal-earth" and changed.sigmas == (1.0,)
    assert set(ALIGNMENTS) == set(HEADS) and not HEADS["image-gps"].text


def test_other_lmms_take_over_manners_and_no_identity() -> None:
    own = {"base_url": "http://localhost:8000/v1", "model": "llava", "timeout_seconds": 9.0}
    values = changed("lmms", {"llava": own})
    values["lmm"] = {
        **{
            "base_url": "https://host/v1",
            "model": "gpt",
            "api_key": SECRET,
            "price_in": 1.0,
            "price_out": 2.0,
        },
        **{"concurrency": 77, "timeout_seconds": 5.0, "budget": {"usd": 1.0}, "temperature": 0.1},
    }
    llava = Profile(**values).lmm_named("llava")
    assert (llava.concurrency, llava.timeout_seconds) == (77, 9.0)
    assert (llava.api_key, llava.price_in, llava.budget.usd, llava.temperature) == (None, None, None, None)


def test_an_lmm_that_nobody_described_says_how_to() -> None:
    with pytest.raises(KeyError, match=r"no LMM 'llava'.*there are: default.*G3_LMMS__LLAVA__BASE_URL"):
        Profile(**VALUES).lmm_named("llava")


def test_replay_needs_a_model_alone() -> None:
    values = changed("lmm", {"model": "gpt-4o", "transport": "replay"})
    assert Profile(**values).lmm.label == "gpt-4o"


def test_what_determines_answers_is_in_the_lineage_and_how_they_are_got_is_not() -> None:
    one = Profile(**changed("lmm.concurrency", 3)).lmm.determinants()
    assert one == Profile(**changed("lmm.timeout_seconds", 3.0)).lmm.determinants()
    for where, value in (
        ("structured", "never"),
        ("image.detail", "high"),
        ("temperature", 1.0),
        ("max_tokens", 9),
    ):
        assert Profile(**changed(f"lmm.{where}", value)).lmm.determinants() != one
