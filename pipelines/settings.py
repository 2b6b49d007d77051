"""Which profile, in which home: YAML files, overridden by environment variables G3_…

`G3_PROFILE`, `G3_HOME`, `G3_LMM_BASE_URL`, `G3_LMM_MODEL`, `G3_LMM_API_KEY`, and any other setting as `G3_<FIELD>` or
`G3_<SECTION>__<FIELD>`, e.g. `G3_ALIGNMENT__EPOCHS=30`.
"""

import os
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


class SettingsError(ValueError):
    """A profile, experiment or value that cannot be used; the message says which and what to do."""


def profile_names() -> list[str]:
    """The profiles there are."""
    folder = files("pipelines") / "profiles"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if ".yaml" in path.name)


def load_profile(name: str | None = None) -> Profile:
    """The named profile (default: G3_PROFILE, else demo) with the environment's overrides."""
    name = name or os.environ.get("G3_PROFILE") or "demo"
    if name not in profile_names():
        raise SettingsError(
            f"no profile {name!r}; there are: {', '.join(profile_names())} (pipelines/profiles/*.yaml)"
        )
    text = (files("pipelines") / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    _override(values)
    try:
        profile = Profile(**values)
        experiments = [experiment(each) for each in profile.experiments]
        needed = max(each.references_needed for each in experiments)
        for each in experiments:
            profile.lmm_named(each.lmm)
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


def _override(values: dict[str, Any]) -> None:
    """Environment over file; a value is read as YAML, so numbers and lists are what they look like."""
    for variable, field in LMM_VARIABLES.items():
        if os.environ.get(variable):
            values.setdefault("lmm", {})[field] = os.environ[variable]
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
            raise SettingsError(f"{variable} is no YAML: {problem}") from problem


def _variables() -> str:
    fields = (f"{PREFIX}{name.upper()}" for name in Profile.model_fields)
    return ", ".join([*sorted(NOT_SETTINGS), *fields, f"{PREFIX}<SECTION>__<FIELD>"])


def _explain(problem: ValidationError) -> str:
    """Field by field: where, what was found, what is wanted; secrets are never repeated."""
    lines = []
    for error in problem.errors(include_url=False):
        where = ".".join(str(part) for part in error["loc"]) or "profile"
        found = (
            "" if "api_key" in where or isinstance(error["input"], dict) else f", found {error['input']!r}"
        )
        lines.append(f"{where}: {error['msg']}{found}")
    return "; ".join(lines) + ". Mend it in pipelines/profiles or the G3_… environment variables"


def load_home(profile: Profile) -> Home:
    """G3_HOME, by default ./data/<profile>; absolute, so that every process means the same place."""
    root = os.environ.get("G3_HOME") or f"data/{profile.name}"
    return Home(Path(root).expanduser().resolve())
