"""Sets of prompts as data, and their rendering; which references a photo has is decided elsewhere.

A set is one YAML file of `prompt_sets/`, or any other file of that form, with the fields of PromptSet. Where its text
says {similar} and {dissimilar}, the references of that kind are put, as `references` writes them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import yaml

from g3lib.candidates.questions import Expected
from g3lib.candidates.references import FORMATS, Reference, ReferenceFormat, write_references

__all__ = [
    "PromptSet",
    "Reference",
    "ReferenceFormat",
    "load_prompt_set",
    "prompt_set",
    "prompt_set_names",
    "render",
    "write_references",
]

FOLDER = files("g3lib.candidates") / "prompt_sets"
KINDS = ("similar", "dissimilar")
_TEXTS = ("zero_shot", "with_references")
_CHOICES: dict[str, tuple[str, ...]] = {"answer": get_args(Expected), "references": FORMATS}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")  # not str.format: JSON lines have braces of their own


@dataclass(frozen=True)
class PromptSet:
    """One wording of the question.

    source: where it is from. answer: what it asks for. references: their format, if an experiment names none.
    zero_shot, with_references: the text without and with references; None where the set has none.
    """

    name: str
    source: str
    answer: Expected
    references: ReferenceFormat
    zero_shot: str | None = None
    with_references: str | None = None


_FIELDS = tuple(field.name for field in fields(PromptSet))


def prompt_set_names() -> list[str]:
    """The sets there are, in order."""
    return sorted(path.name.removesuffix(".yaml") for path in FOLDER.iterdir() if path.name.endswith(".yaml"))


def prompt_set(name: str) -> PromptSet:
    """As `load_prompt_set`; the sets of the package are read once per process, other files every time."""
    return load_prompt_set(name) if name.endswith(".yaml") else _packaged(name)


@cache
def _packaged(name: str) -> PromptSet:
    return load_prompt_set(name)


def load_prompt_set(name: str) -> PromptSet:
    """The set of that name, or in the file of that path if it ends in .yaml.

    KeyError lists the sets there are; FileNotFoundError for a path without a file; ValueError names the file, the
    field, what was found and the remedy.
    """
    there = ", ".join(prompt_set_names())
    if not name.endswith(".yaml"):
        if name not in prompt_set_names():
            raise KeyError(f"no prompt set {name!r}; there are: {there}; or give the path of a .yaml file")
        return _checked(f"prompt_sets/{name}.yaml", (FOLDER / f"{name}.yaml").read_bytes())
    if not Path(name).is_file():
        raise FileNotFoundError(f"no prompt set at {name}; give the path of a YAML file, or a name: {there}")
    return _checked(name, Path(name).read_bytes())


def _checked(file: str, content: bytes) -> PromptSet:
    """A set from a file's content, with nothing in it unknown, missing or of the wrong kind."""
    try:
        values: Any = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ValueError(f"prompt set {file} is no YAML: {problem}") from problem
    if not isinstance(values, dict):
        raise ValueError(f"prompt set {file} holds {values!r:.60}; give it the fields {', '.join(_FIELDS)}")
    for field in [*values, *(field for field in _FIELDS if field not in (*values, *_TEXTS))]:
        if problem_found := _problem(field, values.get(field), Path(file).stem):
            raise ValueError(f"prompt set {file}: {field} is {values.get(field)!r:.60}; {problem_found}")
    texts = {field: values[field].strip() for field in _TEXTS if field in values}
    if not texts:
        raise ValueError(f"prompt set {file} has no text; give it {' or '.join(_TEXTS)}")
    return PromptSet(**(values | texts))


def _problem(field: Any, value: Any, stem: str) -> str | None:
    """What is to be done about a field's value, None if nothing."""
    if field not in _FIELDS:
        return f"no such field; there are: {', '.join(_FIELDS)}"
    if field in _CHOICES and value not in _CHOICES[field]:
        return f"make it one of: {', '.join(_CHOICES[field])}"
    if not isinstance(value, str) or not value.strip():
        return "leave it out or give it a text" if field in _TEXTS else "give it a text"
    if field == "name" and value != stem:
        return f"call it {stem!r} as the file, so that results name what they came from"
    return _problem_of_text(field, set(_PLACEHOLDER.findall(value))) if field in _TEXTS else None


def _problem_of_text(field: str, placeholders: set[str]) -> str | None:
    """As `_problem`, for the placeholders of a text."""
    if field == "zero_shot" and placeholders:
        return f"it has no references to put for {{{min(placeholders)}}}: only with_references has"
    if unknown := placeholders - {*KINDS}:
        return f"{{{min(unknown)}}} stands for nothing; there are: {{similar}}, {{dissimilar}}"
    if field == "with_references" and not placeholders:
        return "say {similar}, {dissimilar} or both where the references are to stand"
    return None


def render(
    prompts: PromptSet,
    similar: Sequence[Reference],
    dissimilar: Sequence[Reference],
    format: ReferenceFormat | None = None,
) -> str:
    """The text of a question that shows these references, by rank, in the set's own format if none is named.

    ValueError for references that are not finite or that the text has no place for, and for a set that has no text
    for this question. Source: paper section 3.3.
    """
    shown = dict(zip(KINDS, (similar, dissimilar), strict=True))
    field = "with_references" if similar or dissimilar else "zero_shot"
    text = prompts.with_references if similar or dissimilar else prompts.zero_shot
    if text is None:
        counts = " and ".join(f"{len(shown[kind])} {kind}" for kind in KINDS)
        raise ValueError(f"prompt set {prompts.name!r} has no {field}, asked with {counts}; use another set")
    for kind in KINDS:
        if shown[kind] and f"{{{kind}}}" not in text:
            raise ValueError(
                f"prompt set {prompts.name!r} has no place for {kind} references, {len(shown[kind])} given; "
                f"ask for none, or write {{{kind}}} in its {field}"
            )
    lists = {kind: write_references(shown[kind], format or prompts.references) for kind in KINDS}
    # in one pass: a name may say {similar}, too
    return _PLACEHOLDER.sub(lambda found: lists.get(found[1], found[0]), text)
