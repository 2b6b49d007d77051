"""Labels become the prompts of the authors' scripts, letter for letter."""

import re

import polars as pl
import pytest

from g3lib.experiments.gem import LABEL_SETS, LabelSet
from g3lib.im2city.labels import LABELS
from g3lib.im2city.prompts import UnfinishedPrompt, prompt_texts, recorded, template, templates
from g3lib.im2city.prompts.templates import check_placeholders, contexts


def labels_of(*rows: tuple[str | None, str | None]) -> pl.DataFrame:
    columns = {"city": [city for city, _ in rows], "country": [country for _, country in rows]}
    empty = [pl.lit(None, kind).alias(name) for name, kind in LABELS.items() if name not in columns]
    return (
        pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        .with_columns(empty)
        .select(LABELS.names())
    )


CITIES = labels_of(("Rome", "Italy"), ("Sao Paulo", "Brazil"))
COUNTRIES = labels_of((None, "Italy"), (None, "Côte d'Ivoire"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("in", ["in Rome", "in Sao Paulo"]),
        ("from", ["from Rome", "from Sao Paulo"]),
        ("at", ["at Rome", "at Sao Paulo"]),
        ("city-of", ["city of Rome", "city of Sao Paulo"]),
        ("label", ["Rome", "Sao Paulo"]),
        ("to", ["to Rome", "to Sao Paulo"]),
        ("streetclip-city", ["A Street View photo from Rome.", "A Street View photo from Sao Paulo."]),
    ],
)
def test_cities(name: str, expected: list[str]) -> None:
    assert prompt_texts(CITIES, "cities", name) == expected


def test_cities_with_their_country_and_countries() -> None:
    assert prompt_texts(CITIES, "cities-with-country", "in") == ["in Rome, Italy", "in Sao Paulo, Brazil"]
    assert prompt_texts(COUNTRIES, "countries", "from") == ["from Italy", "from Côte d'Ivoire"]
    asked = prompt_texts(COUNTRIES, "countries", "streetclip-country")
    assert asked[1] == "A Street View photo in Côte d'Ivoire."
    assert prompt_texts(CITIES.clear(), "cities", "in") == []


def test_braces_in_a_name_stay_what_they_are() -> None:
    odd = labels_of(("{country}", "{label} {0}"))
    assert prompt_texts(odd, "cities-with-country", "in") == ["in {country}, {label} {0}"]


def test_unknown_templates_and_label_sets_bring_the_known_ones() -> None:
    with pytest.raises(
        KeyError, match=r"no prompt template 'near'; there are: in, from, at, city-of, label, to"
    ):
        prompt_texts(CITIES, "cities", "near")
    with pytest.raises(
        KeyError, match="no label set 'towns'; there are: cities, cities-with-country, countries"
    ):
        prompt_texts(CITIES, "towns", "in")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "label_set", "name", "lacks"),
    [
        (COUNTRIES, "cities", "in", "'Italy' has not"),
        (COUNTRIES, "countries", "streetclip-city", "asks for a city"),
        (labels_of(("Rome", None)), "cities-with-country", "in", "asks for a country"),
    ],
)
def test_a_label_without_what_the_prompt_asks_for(
    labels: pl.DataFrame, label_set: LabelSet, name: str, lacks: str
) -> None:
    with pytest.raises(UnfinishedPrompt, match=lacks):
        prompt_texts(labels, label_set, name)


def test_the_files_hold_what_the_experiments_name() -> None:
    assert set(contexts()) == set(LABEL_SETS)
    assert {*recorded("recorded").weights} | {*recorded("recorded-all").weights} <= set(templates())
    for name, each in templates().items():
        assert each == template(name) and each.source and re.search(r"\{(label|city|country)\}", each.text)
    with pytest.raises(KeyError, match="no recorded weights 'best'; there are: recorded, recorded-all"):
        recorded("best")


@pytest.mark.parametrize("text", ["in {town}", "in the city", "in {label} of {}"])
def test_a_text_with_other_placeholders_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"say at least one of \{label\}, \{city\} in it"):
        check_placeholders("prompts/own.yaml: template 'own'", text, ("label", "city"))
