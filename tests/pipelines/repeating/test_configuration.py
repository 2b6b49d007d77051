"""The profile that was recorded, or the one at hand where none was kept and it says the same."""

import json
from dataclasses import replace

import pytest
from recorded_home import BENCHMARK, make

from assets.plan import Workflow
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.store import Home
from g3lib.store.snapshots import keep_profile, snapshot_path
from pipelines.repeating import NotRepeatable
from pipelines.repeating.configuration import agrees, configuration_of
from pipelines.repeating.recorded import Recorded, find, split
from pipelines.repeating.starting import without_asking

SECRET = "sk-not-to-be-seen-anywhere"
PRESENT = Profile.model_validate(
    {
        "name": "present",
        "datasets": [
            {
                "name": name,
                "role": role,
                "shards": 1,
                "photos_per_shard": 5,
                "source": {"kind": "blue-marble"},
            }
            for name, role in (("gallery", "gallery"), (BENCHMARK, "benchmark"))
        ],
        "encoder": {"architecture": "ViT-L-14", "pretrained": "openai"},
        "experiments": ["g3"],
        "lmm": {"base_url": "http://host/v1", "model": "m", "api_key": SECRET, "transport": "batch"},
        "lmms": {"llava": {"base_url": "http://host/v1", "model": "llava"}},
    }
)


def recorded(home: Home, version: str = "") -> Recorded:
    make(home, profile=version)
    return find(home, BENCHMARK, "g3")


def said_of(found: Recorded, beginning: str = "accuracy") -> tuple[dict[str, object], str]:
    configuration = configuration_of(
        found, split(found, beginning, STEPS), Workflow(PRESENT, found.home, STEPS)
    )
    return configuration.plain, configuration.said


def test_the_recorded_profile_is_taken_and_not_the_one_at_hand(home: Home) -> None:
    then = PRESENT.model_copy(update={"name": "then", "bootstrap_resamples": 100}).model_dump(mode="json")
    plain, said = said_of(recorded(home, keep_profile(home, then)))
    assert plain == then and "profile then as it was then" in said


def test_a_profile_that_is_gone_or_altered_is_named(home: Home) -> None:
    version = keep_profile(home, {"name": "then"})
    found = recorded(home, version)
    snapshot_path(home, version).write_text("{}")
    with pytest.raises(NotRepeatable, match=r"altered.*g3 run"):
        said_of(found)
    snapshot_path(home, version).unlink()
    with pytest.raises(NotRepeatable, match=rf"{version}\.json.*g3 run"):
        said_of(found)


def older(home: Home, **config: object) -> Recorded:
    """A number of a version that kept no profiles, with these settings in its record."""
    found = recorded(home)
    made = found.made[found.key]
    told = replace(made.record, config=config)
    return replace(found, made={**found.made, found.key: replace(made, record=told)})


def test_an_older_record_is_repeated_with_a_profile_that_says_the_same(home: Home) -> None:
    plain, said = said_of(older(home, bootstrap_resamples=PRESENT.bootstrap_resamples))
    assert Profile.model_validate(plain).bootstrap_resamples == PRESENT.bootstrap_resamples
    assert "present as it is now" in said and SECRET not in json.dumps(plain)


def test_and_not_with_one_that_does_not(home: Home) -> None:
    with pytest.raises(NotRepeatable, match=r"accuracy\[queries\|g3\].*bootstrap_resamples"):
        said_of(older(home, bootstrap_resamples=200))


@pytest.mark.parametrize(
    ("recorded", "now", "same"),
    [
        ({"a": 1}, {"a": 1, "learnt since": 2}, True),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2, "d": 3}]}}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": None}, {}, False),
        ([1, 2], [1, 2, 3], False),
        ([1, 2], (1, 2), True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": {"b": 1}}, {"a": 1}, False),
    ],
)
def test_agreement(recorded: object, now: object, same: bool) -> None:
    assert agrees(recorded, now) is same


def test_every_lmm_replays(home: Home) -> None:
    plain = without_asking(PRESENT.model_dump(mode="json"))
    profile = Profile.model_validate(plain)
    assert (profile.lmm.transport, profile.lmms["llava"].transport) == ("replay", "replay")
    assert profile.lmm.determinants() == PRESENT.lmm.determinants() and profile.lmm.api_key is None
    assert Profile.model_validate(without_asking({**plain, "lmm": {}})).lmm.is_stand_in
