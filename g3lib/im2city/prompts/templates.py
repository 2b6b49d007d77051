"""The YAML files of this folder, read: templates by name, recorded weights, and what a label set puts into a prompt.

A file has a `source`, and `templates` (name: text) and perhaps `recorded` (preset: source and weights by template). In
a text, {city} and {country} are a label's own columns, {label} what label_sets.yaml makes of them. A new file, or a
new entry, is a new template: nothing else needs to know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

FOLDER = files("g3lib.im2city.prompts")
LABEL_SETS = "label_sets.yaml"
PLACEHOLDER = re.compile(r"\{(\w*)\}")  # not str.format: what is put in may have braces of its own
COLUMNS = ("city", "country")  # of a label


@dataclass(frozen=True)
class Template:
    """One wording of a prompt, with {label}, {city} or {country} in it; source: where it is from."""

    name: str
    text: str
    source: str


@dataclass(frozen=True)
class Recorded:
    """Weights that somebody wrote down for an ensemble, by template; source: who, and how they came about."""

    name: str
    weights: Mapping[str, float]
    source: str


@cache
def templates() -> Mapping[str, Template]:
    """Every template by name; read-only. ValueError for two of one name, or a placeholder that stands for nothing."""
    found: dict[str, Template] = {}
    for file, content in _files().items():
        for name, text in content["templates"].items():
            if name in found:
                raise ValueError(f"prompts/{file}: a template {name!r} is in another file too; rename one")
            check_placeholders(f"prompts/{file}: template {name!r}", text, ("label", *COLUMNS))
            found[name] = Template(name, text, content["source"].strip())
    return MappingProxyType(found)


def template(name: str) -> Template:
    """The template of that name; KeyError lists those there are."""
    if name not in templates():
        raise KeyError(f"no prompt template {name!r}; there are: {', '.join(templates())}")
    return templates()[name]


@cache
def _all_recorded() -> Mapping[str, Recorded]:
    found = {
        name: Recorded(name, MappingProxyType(dict(entry["weights"])), entry["source"].strip())
        for content in _files().values()
        for name, entry in content.get("recorded", {}).items()
    }
    return MappingProxyType(found)


def recorded(preset: str) -> Recorded:
    """The recorded weights of that name; KeyError lists those there are."""
    if preset not in _all_recorded():
        raise KeyError(f"no recorded weights {preset!r}; there are: {', '.join(_all_recorded())}")
    return _all_recorded()[preset]


@cache
def contexts() -> Mapping[str, str]:
    """What {label} stands for, by label set; read-only."""
    wordings: dict[str, str] = dict(_read(LABEL_SETS))
    del wordings["source"]
    for name, text in wordings.items():
        check_placeholders(f"prompts/{LABEL_SETS}: {name!r}", text, COLUMNS)
    return MappingProxyType(wordings)


def check_placeholders(where: str, text: str, known: tuple[str, ...]) -> None:
    """ValueError unless the text has at least one placeholder, and none but the known ones."""
    found = PLACEHOLDER.findall(text)
    if not found or set(found) - set(known):
        allowed = ", ".join(f"{{{each}}}" for each in known)
        raise ValueError(f"{where} is {text!r}; say at least one of {allowed} in it, and no other in braces")


@cache
def _files() -> Mapping[str, Any]:
    """The files of templates by name, in order."""
    names = sorted(path.name for path in FOLDER.iterdir() if path.name.endswith(".yaml"))
    return {name: _read(name) for name in names if name != LABEL_SETS}


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
