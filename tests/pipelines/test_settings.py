"""Profiles by name and from files of one's own: what they say, what overrides it, and what is refused how."""

import json
import os
from pathlib import Path

import pytest
import yaml

from pipelines.settings import SettingsError, load_home, load_profile, profile_argument

SECRET = "sk-not-to-be-seen-anywhere"
VALUES = {
    "datasets": [
        {"name": name, "role": role, "shards": 1, "photos_per_shard": 5, "source": {"kind": "blue-marble"}}
        for name, role in (("photos", "gallery"), ("queries", "benchmark"))
    ],
    "encoder": {"architecture": "blue-marble", "training": {"epochs": 1, "learning_rate": 1e-05}},
    "experiments": ["nn-clip"],
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("G3_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_text(json.dumps(VALUES) if suffix == ".json" else yaml.safe_dump(VALUES))
    monkeypatch.chdir(tmp_path)
    profile = load_profile(f"mine{suffix}")
    assert profile.name == "mine" and profile.experiments == ("nn-clip",)
    assert profile.encoder.training is not None and profile.encoder.training.learning_rate == 1e-05
    assert load_home(profile).root == tmp_path / "data" / "mine"
    monkeypatch.setenv("G3_PROFILE", str(path))
    assert load_profile() == profile


def test_its_own_name_comes_first_and_the_environment_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(yaml.safe_dump(VALUES | {"name": "study-1", "lmm": None, "index": None}))
    monkeypatch.setenv("G3_ENCODER__TRAINING__EPOCHS", "3")
    monkeypatch.setenv("G3_LMM_API_KEY", SECRET)
    profile = load_profile(str(path))
    assert profile.name == "study-1" and profile.lmm.api_key is not None
    assert profile.encoder.training is not None and profile.encoder.training.epochs == 3


def test_how_a_profile_is_told_to_other_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert profile_argument("mp16") == "mp16" and profile_argument() == "demo"
    assert profile_argument("mine.yaml") == str(tmp_path / "mine.yaml")
    monkeypatch.setenv("G3_PROFILE", "../other.json")
    assert Path(profile_argument()).name == "other.json" and Path(profile_argument()).is_absolute()


# a file, its content, and what the message must say
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "no such profile": ("demoo", "", ("'demoo'", "demo", "mp16", ".yaml")),
    "no such file": ("gone.yaml", "", ("gone.yaml", "cannot be read", "No such file")),
    "another kind": ("./profile.toml", "", ("profile.toml", ".yaml", ".json")),
    "no YAML": ("mine.yaml", f"lmm: {{api_key: {SECRET}\nname: [", ("mine.yaml", "no YAML", "line 2")),
    "no JSON": ("mine.json", '{"name": }', ("mine.json", "no JSON", "line 1")),
    "a list": ("mine.yaml", "- a\n- b\n", ("mine.yaml", "no settings by name")),
    "numbers as names": ("mine.yaml", "1: a\n", ("mine.yaml", "no settings by name")),
    "empty": ("mine.yaml", "", ("mine.yaml", "no settings by name")),
    "a name that is a path": ("mine.yaml", "name: ../../else\n", ("mine.yaml", "'../../else'")),
    "a name that is a number": ("mine.yaml", "name: 3\n", ("mine.yaml", "name: 3")),
    "unknown field": (
        "mine.yaml",
        yaml.safe_dump(VALUES | {"experimens": 1}),
        ("mine.yaml", "experimens", "not permitted"),
    ),
    "unknown experiment": (
        "mine.yaml",
        yaml.safe_dump(VALUES | {"experiments": ["g4"]}),
        ("mine.yaml", "'g4'", "nn-clip"),
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    name, content, words = WRONG[wrong]
    monkeypatch.chdir(tmp_path)
    if content or wrong == "empty":
        Path(name).write_text(content)
    with pytest.raises(SettingsError) as problem:
        load_profile(name)
    assert [word for word in words if word not in str(problem.value)] == [], problem.value
    assert SECRET not in str(problem.value)
