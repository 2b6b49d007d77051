"""From labels to prompts: one text for each row of a table of labels."""

from collections.abc import Mapping

import polars as pl

from g3lib.experiments.gem import LabelSet
from g3lib.im2city.prompts.templates import COLUMNS, PLACEHOLDER, contexts, template


class UnfinishedPrompt(ValueError):
    """A prompt asks for a city or country that its label has not."""


def prompt_texts(labels: pl.DataFrame, label_set: LabelSet, template_name: str) -> list[str]:
    """The prompt of every label, in the order of `labels` (schema LABELS; city and country are read).

    For `cities-with-country` the label in the prompt is "{city}, {country}", for `countries` the country, else the
    city. KeyError lists the templates or label sets there are; UnfinishedPrompt names a label that lacks what is asked
    for.
    """
    wording = template(template_name)
    if label_set not in contexts():
        raise KeyError(f"no label set {label_set!r}; there are: {', '.join(contexts())}")
    rows = labels.select(COLUMNS).iter_rows(named=True)
    return [_prompt(wording.text, contexts()[label_set], row) for row in rows]


def _prompt(text: str, context: str, row: Mapping[str, str | None]) -> str:
    """The text with its placeholders filled; the label only if the text asks for it."""
    values = {**row, "label": _filled(context, row)} if "{label}" in text else row
    return _filled(text, values)


def _filled(text: str, values: Mapping[str, str | None]) -> str:
    """In one pass, so that braces in a name stay what they are."""
    for name in PLACEHOLDER.findall(text):
        if not values.get(name):
            label = values.get("city") or values.get("country")
            raise UnfinishedPrompt(
                f"the prompt {text!r} asks for a {name}, which the label {label!r} has not; use a template for this "
                "label set, or fill the column"
            )
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)
