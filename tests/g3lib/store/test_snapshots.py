"""Whole profiles are kept once, found by their digest, and hold nothing secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from g3lib.experiments import Profile
from g3lib.store import Home
from g3lib.store.snapshots import NoSnapshot, keep_profile, kept_profile, snapshot_path, without_credentials

SECRET = "sk-not-to-be-seen-anywhere"
PROFILE: dict[str, Any] = {
    "name": "toy",
    "datasets": [
        {"name": name, "role": role, "shards": 1, "photos_per_shard": 5, "source": {"kind": "blue-marble"}}
        for name, role in (("photos", "gallery"), ("queries", "benchmark"))
    ],
    "encoder": {"architecture": "ViT-L-14", "pretrained": "openai"},
    "experiments": ["g3", "g3@llava"],
    "lmm": {"base_url": f"https://me:{SECRET}@host/v1?key={SECRET}", "model": "m", "api_key": SECRET},
    "lmms": {"llava": {"base_url": "http://host:8000/v1", "model": "llava", "api_key": SECRET}},
}
PRESETS = ("default", "official", "paper")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_profile_comes_back_as_it_was(home: Home, preset: str) -> None:
    values = {**PROFILE, "preset": preset, "lmm": {}, "lmms": {}, "experiments": ["g3"]}
    profile = Profile(**values)
    version = keep_profile(home, profile.model_dump(mode="json"))
    assert Profile(**kept_profile(home, version)) == profile


def test_no_key_is_kept(home: Home) -> None:
    profile = Profile(**PROFILE)
    assert profile.lmm.api_key == SecretStr(SECRET)
    version = keep_profile(home, profile.model_dump(mode="json"))
    assert SECRET not in snapshot_path(home, version).read_text()
    lmm = kept_profile(home, version)["lmm"]
    assert (lmm["base_url"], lmm["model"]) == ("https://host/v1", "m")


def test_equal_profiles_are_kept_once_and_others_beside_them(home: Home) -> None:
    first = keep_profile(home, {"b": 1, "a": [1.5, None]})
    modified = snapshot_path(home, first).stat().st_mtime_ns
    assert keep_profile(home, {"a": [1.5, None], "b": 1}) == first
    assert snapshot_path(home, first).stat().st_mtime_ns == modified, "and not written again"
    second = keep_profile(home, {"a": [1.5, None], "b": 2})
    assert sorted(path.name for path in home.profiles.iterdir()) == sorted(
        [f"{first}.json", f"{second}.json"]
    ), "no scratch file stays"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values=plain)
def test_all_but_web_addresses_stays_as_it_is(values: Any) -> None:
    if "http" not in json.dumps(values).lower():
        assert without_credentials(values) == values


@given(
    user=st.from_regex(r"[^/?#@\s]{1,8}", fullmatch=True),
    host=st.from_regex(r"[a-z0-9.:-]{1,12}", fullmatch=True),
    path=st.from_regex(r"(/[a-zA-Z0-9@._-]{0,8}){0,3}", fullmatch=True),
    query=st.text(max_size=10),
)
def test_web_addresses_lose_user_and_query(user: str, host: str, path: str, query: str) -> None:
    found = without_credentials([f"https://{user}@{host}{path}?{query}"])
    assert found == [f"https://{host}{path}"]


def test_what_is_gone_or_altered_is_named(home: Home) -> None:
    with pytest.raises(NoSnapshot, match=r"profiles/abc\.json.*cannot be read"):
        kept_profile(home, "abc")
    version = keep_profile(home, {"seed": 1})
    path = snapshot_path(home, version)
    path.write_text(path.read_text().replace("1", "2"))
    with pytest.raises(NoSnapshot, match="altered"):
        kept_profile(home, version)
