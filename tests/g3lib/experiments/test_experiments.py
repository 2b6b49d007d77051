"""Experiments refuse what could not run, by the name of the field; the catalogue is whole."""

from dataclasses import replace
from typing import Any

import pytest

from g3lib.candidates.prompts import TEMPLATES
from g3lib.experiments import EXPERIMENTS, Experiment, Prompt, experiment
from g3lib.experiments.catalogue import DIVERSIFIED, G3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": (), "retrieved": 0}, "no prompts and retrieved=0"),
        ({"gallery": None}, "15 references, no gallery"),
        ({"answers": 0}, "answers=0"),
        ({"retrieved": -1}, "retrieved.*count from 0"),
        ({"prompts": (Prompt("p", "g3-rag", similar=-1),)}, "similar.*count from 0"),
        ({"gallery": "images"}, "gallery='images' is none of"),
        ({"alignment": "image"}, "alignment='image' is none of .*image-gps"),
        ({"selection": "best"}, "selection='best' is none of .*verifier"),
        ({"prompts": (*DIVERSIFIED, DIVERSIFIED[0])}, "prompts share a source"),
    ],
)
def test_invalid_values_name_experiment_and_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"experiment g3: .*{message}"):
        replace(G3, **changes)


@pytest.mark.parametrize(
    ("changes", "depth"),
    [
        ({}, 15),
        ({"retrieved": 20}, 20),
        ({"prompts": (Prompt("p", "x", similar=3, dissimilar=9),)}, 9),
        ({"prompts": (Prompt("p", "x"),), "gallery": None}, 0),
    ],
)
def test_retrieval_goes_as_deep_as_prompts_and_candidates_ask(changes: dict[str, Any], depth: int) -> None:
    assert replace(G3, **changes).references_needed == depth


def test_names_in_the_catalogue_are_unique_and_found() -> None:
    names = [each.name for each in EXPERIMENTS]
    assert len(set(names)) == len(names)
    assert all(experiment(each.name) is each for each in EXPERIMENTS)
    assert len({(each.method, each.variant) for each in EXPERIMENTS}) == len(names)  # a table's row


def test_an_unknown_name_brings_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no experiment 'g4'; there are: .*g3-without-alignment"):
        experiment("g4")


def test_the_papers_setting() -> None:
    assert [each.similar for each in G3.prompts] == [0, 5, 10, 15]  # K = 4, section 5.3
    assert (G3.answers, G3.temperature, G3.selection) == (5, 1.2, "verifier")


def test_an_ablation_changes_its_own_part_and_no_other() -> None:
    changed = {
        "g3-without-alignment": {"gallery"},
        "g3-without-diversification": {"prompts"},
        "g3-without-verification": {"selection"},
        "g3-img": {"gallery"},
        "g3-img-gps": {"gallery", "alignment"},
        "g3-img-gps-text": set[str](),
    }
    base = G3.as_config()
    for name, expected in changed.items():
        config = experiment(name).as_config()
        assert {k for k in config if config[k] != base[k]} - {"name", "variant"} == expected, name


def test_every_template_exists() -> None:
    used = {prompt.template for each in EXPERIMENTS for prompt in each.prompts}
    assert used <= TEMPLATES.keys()


def test_a_config_is_plain_json_and_complete() -> None:
    config = G3.as_config()
    assert config["prompts"][1] == {"source": "prompt-5", "template": "g3-rag", "similar": 5, "dissimilar": 5}
    assert config.keys() == set(Experiment.__dataclass_fields__)
