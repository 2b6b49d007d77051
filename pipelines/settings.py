"""Which profile, in which home: YAML files, ours or one's own, overridden by environment variables G3_…

`G3_PROFILE` (a name, or a file of one's own), `G3_HOME`, `G3_LMM_BASE_URL`, `G3_LMM_MODEL`, `G3_LMM_API_KEY`, and any
other setting as `G3_<FIELD>` or `G3_<SECTION>__<FIELD>`, e.g. `G3_ALIGNMENT__EPOCHS=30`.
"""

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from g3lib.experiments import Profile, experiment
from g3lib.places import TEMPLATES
from g3lib.store import Home

PREFIX = "G3_"
LMM_VARIABLES = {
    "G3_LMM_BASE_URL": "base_url",
    "G3_LMM_MODEL": "model",
    "G3_LMM_API_KEY": "api_key",
}
NOT_SETTINGS = {"G3_PROFILE", "G3_HOME", *LMM_VARIABLES}
SUFFIXES = (".yaml", ".yml", ".json")  # of a profile of one's own
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # which the home's folder takes from it
SECRET_SETTINGS = ("api_key", "notify")  # never repeated, not even when they are wrong


class SettingsError(ValueError):
    """A profile, experiment or value that cannot be used; the message says which and what to do."""


def profile_names() -> list[str]:
    """The profiles there are."""
    folder = files("pipelines") / "profiles"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if ".yaml" in path.name)


def load_profile(name: str | None = None) -> Profile:
    """The profile of that name or file (default: G3_PROFILE, else demo) with the environment's overrides."""
    name = profile_argument(name)
    values = _own(Path(name)) if is_file_name(name) else _ours(name)
    _override(values)
    try:
        profile = Profile(**values)
        experiments = [experiment(each) for each in profile.arms]
        needed = max(each.references_needed for each in experiments)
        for each in experiments:
            profile.lmm_named(each.lmm)
            if each.gem is not None:
                profile.gem_settings(each.name, each.gem)
        if (template := profile.caption_template) not in TEMPLATES:
            raise KeyError(f"no caption_template {template!r}; there are: {', '.join(TEMPLATES)}")
    except ValidationError as problem:
        raise SettingsError(f"profile {name}: {_explain(problem)}") from None  # it may quote the key
    except KeyError as problem:
        raise SettingsError(f"profile {name}: {problem.args[0]}") from problem
    if profile.reference_depth < needed:
        raise SettingsError(
            f"profile {name}: reference_depth is {profile.reference_depth}, its experiments need {needed}"
        )
    return profile


def profile_argument(name: str | None = None) -> str:
    """What to call the profile in G3_PROFILE and on command lines; a file by its absolute path."""
    name = name or os.environ.get("G3_PROFILE") or "demo"
    return str(Path(name).expanduser().absolute()) if is_file_name(name) else name


def is_file_name(name: str) -> bool:
    """Whether a profile is a file of one's own and not one of ours."""
    return name.lower().endswith(SUFFIXES) or os.sep in name


def _ours(name: str) -> dict[str, Any]:
    if name not in profile_names():
        raise SettingsError(
            f"no profile {name!r}; there are: {', '.join(profile_names())} (pipelines/profiles/*.yaml), or give a "
            f"file of your own ({', '.join(SUFFIXES)})"
        )
    text = (files("pipelines") / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    return values


def _own(path: Path) -> dict[str, Any]:
    """The values of a profile of one's own; its name, if it has none, is the file's."""
    if path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"profile {path}: a profile of one's own is a file {', '.join(SUFFIXES)}")
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"profile {path} cannot be read: {problem}") from problem
    except (json.JSONDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise SettingsError(f"profile {path} is no {path.suffix[1:].upper()}: {_flaw(problem)}") from None
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values):
        raise SettingsError(
            f"profile {path} holds no settings by name; pipelines/profiles/demo.yaml shows how"
        )
    values = {field: each for field, each in values.items() if each is not None}  # a section left empty
    name = values.setdefault("name", path.stem)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SettingsError(
            f"profile {path}: name: {name!r} cannot be a folder's; letters, digits, points and dashes can"
        )
    return values


def _flaw(problem: Exception) -> str:
    """What is wrong with a file, and in which line; YAML's own words quote the line, which may hold a key."""
    mark = getattr(problem, "problem_mark", None)
    said = getattr(problem, "problem", None) or str(problem)
    return f"{said}, line {mark.line + 1}" if mark is not None else said


def _override(values: dict[str, Any]) -> None:
    """Environment over file; a value is read as YAML, so numbers and lists are what they look like."""
    for variable, field in LMM_VARIABLES.items():
        section = values.get("lmm") or {}
        if os.environ.get(variable) and isinstance(
            section, dict
        ):  # else it is named when the profile is judged
            values["lmm"] = section | {field: os.environ[variable]}
    for variable, text in os.environ.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        *sections, field = variable.removeprefix(PREFIX).lower().split("__")
        if not sections and field not in Profile.model_fields:
            raise SettingsError(f"{variable} is no setting; there are: {_variables()}")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise SettingsError(f"{variable}: {section} has no named fields; give the whole as YAML")
        try:
            # to YAML a * is an alias, to people it is how a cron line begins; a key is never anything but text
            plain = text.startswith("*") or field == "api_key"
            target[field] = text if plain else yaml.safe_load(text)
        except yaml.YAMLError as problem:
            if "notify" in variable.lower():  # the problem quotes what was given
                raise SettingsError(f"{variable} is no YAML; lists read like ['…', '…']") from None
            raise SettingsError(f"{variable} is no YAML: {problem}") from problem


def _variables() -> str:
    fields = (f"{PREFIX}{name.upper()}" for name in Profile.model_fields)
    return ", ".join([*sorted(NOT_SETTINGS), *fields, f"{PREFIX}<SECTION>__<FIELD>"])


def _explain(problem: ValidationError) -> str:
    """Field by field: where, what was found, what is wanted; secrets are never repeated."""
    lines = []
    for error in problem.errors(include_url=False):
        where = ".".join(str(part) for part in error["loc"]) or "profile"
        secret = any(name in where for name in SECRET_SETTINGS)
        found = "" if secret or isinstance(error["input"], dict) else f", found {error['input']!r}"
        lines.append(f"{where}: {error['msg']}{found}")
    return "; ".join(lines) + ". Mend it in pipelines/profiles or the G3_… environment variables"


def load_home(profile: Profile) -> Home:
    """G3_HOME, by default ./data/<profile>; absolute, so that every process means the same place."""
    root = os.environ.get("G3_HOME") or f"data/{profile.name}"
    return Home(Path(root).expanduser().resolve())
