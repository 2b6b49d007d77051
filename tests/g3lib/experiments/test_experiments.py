"""Experiments refuse what could not run, by the name of the field; the catalogue is whole."""

from dataclasses import replace
from typing import Any

import pytest

from g3lib.candidates.prompts import prompt_set
from g3lib.experiments import EXPERIMENTS, POLICIES, Experiment, Prompt, experiment, open_arm
from g3lib.experiments.catalogue import DIVERSIFIED, FIGURE_3, FIGURE_4, G3, LMM_ONLY, arms
from g3lib.experiments.experiment import GalleryPolicy


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": (), "retrieved": 0}, "no prompts, retrieved=0 and no gem"),
        ({"gallery": None}, "15 references, no gallery"),
        ({"answers": 0}, "answers=0"),
        ({"retrieved_repeats": 0}, "retrieved_repeats=0"),
        ({"pool": "mine"}, "pool='mine' is none of .*benchmark"),
        ({"reference_format": "json"}, "reference_format='json' is none of .*lists"),
        ({"retrieved": -1}, "retrieved.*count from 0"),
        ({"prompts": (Prompt("p", similar=-1),)}, "similar.*count from 0"),
        ({"gallery": "images"}, "gallery='images' is none of"),
        ({"alignment": "image"}, "alignment='image' is none of .*image-gps"),
        ({"selection": "best"}, "selection='best' is none of .*verifier"),
        ({"policy": "closed"}, "policy='closed' is none of .*other-authors"),
        ({"policy": "other-authors", "gallery": "official"}, "only the open one"),
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
        ({"prompts": (Prompt("p", similar=3, dissimilar=9),)}, 9),
        ({"prompts": (Prompt("p"),), "gallery": None}, 0),
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


@pytest.mark.parametrize("policy", POLICIES[1:])
def test_an_arm_is_the_experiment_with_another_gallery(policy: GalleryPolicy) -> None:
    arm = experiment(f"g3+{policy}")
    assert arm == replace(G3, name=f"g3+{policy}", policy=policy)
    assert open_arm(arm.name) == "g3"
    asked = experiment(f"g3+{policy}@llava")
    assert (asked.name, asked.lmm, asked.policy) == (f"g3+{policy}@llava", "llava", policy)
    assert open_arm(asked.name) == "g3@llava"
    shown, zero_shot = G3.prompts[1], G3.prompts[0]
    assert arm.question(shown) != G3.question(shown), "other references are other questions"
    assert arm.question(zero_shot) == G3.question(zero_shot), "what shows none is asked once"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("g3+open", "behind . stands one of other-authors"),
        ("g3+mine", "behind . stands one of other-authors"),
        ("lmm-only+other-authors", "gallery None, of which there is only the open one"),
        ("g4+other-authors", "there are: .*g3-without-alignment"),
    ],
)
def test_an_arm_that_cannot_be_says_why(name: str, message: str) -> None:
    with pytest.raises(KeyError, match=message):
        experiment(name)


def test_every_retrieval_experiment_has_every_arm_once() -> None:
    found = arms(
        ["nn-clip", "lmm-only", "g3@llava", "g3-official-references", "g3+other-authors", "nn-clip"], POLICIES
    )
    assert found == (
        *("nn-clip", "nn-clip+other-authors", "nn-clip+other-authors-no-duplicates", "lmm-only"),
        *("g3@llava", "g3+other-authors@llava", "g3+other-authors-no-duplicates@llava"),
        *("g3-official-references", "g3+other-authors"),
    )
    assert arms(["g3", "nn-clip"], ["open"]) == ("g3", "nn-clip")


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
        "g3-without-alignment-unverified": {"gallery", "selection"},
        "g3-without-diversification-same-pool": {"prompts", "answers", "pool"},
        "g3-retrieval-only": {"prompts", "retrieved", "pool"},
        "g3-official-pool": {"retrieved", "retrieved_repeats", "pool"},
        "g3-chosen-pool": {"answers", "retrieved", "pool"},
        "g3-llava": {"lmm", "temperature", "reference_format"},
        "g3-paper-wording": {"prompt_set"},
        "g3-place-name": {"prompt_set"},
        "g3-reference-places": {"reference_places"},
        "g3@other": {"lmm"},
    }
    base = G3.as_config()
    for name, expected in changed.items():
        config = experiment(name).as_config()
        assert {k for k in config if config[k] != base[k]} - {"name", "variant"} == expected, name


def test_the_figures_vary_one_number() -> None:
    assert [len(each.prompts) for each in FIGURE_3] == [1, 2, 3, 4]
    assert FIGURE_3[-1].prompts == G3.prompts
    assert [each.answers for each in FIGURE_4] == [1, 3, 5, 7, 9]
    assert {(each.retrieved, each.pool) for each in (*FIGURE_3, *FIGURE_4)} == {(0, "own")}


def test_any_experiment_asks_any_lmm() -> None:
    found = experiment("img2loc@qwen")
    assert (found.lmm, found.name, found.method) == ("qwen", "img2loc@qwen", "Img2Loc")
    with pytest.raises(KeyError, match="no experiment 'g4@qwen'"):
        experiment("g4@qwen")


def test_experiments_know_which_questions_they_share() -> None:
    zero_shot, five = G3.prompts[:2]
    assert LMM_ONLY.question(zero_shot) == G3.question(zero_shot)  # no reference is shown
    assert experiment("g3-candidates-9").question(five) == G3.question(five)
    for name in ("g3-without-alignment", "g3-llava", "g3-paper-wording", "g3-reference-places", "g3@other"):
        assert experiment(name).question(five) != G3.question(five), name


def test_every_prompt_set_exists_and_has_words_for_every_prompt() -> None:
    for each in EXPERIMENTS:
        words = prompt_set(each.prompt_set)
        for prompt in each.prompts:
            assert words.with_references if prompt.similar or prompt.dissimilar else words.zero_shot, (
                each.name
            )


def test_a_config_is_plain_json_and_complete() -> None:
    config = G3.as_config()
    assert config["prompts"][1] == {"source": "prompt-5", "similar": 5, "dissimilar": 5}
    assert config.keys() == set(Experiment.__dataclass_fields__) - {"gem"}  # which it has not
