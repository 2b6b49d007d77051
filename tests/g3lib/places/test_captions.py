"""Captions say what is known and nothing else."""

import polars as pl
import pytest

from g3lib.places import TEMPLATES, captions

PLACES = pl.DataFrame(
    {
        "city": ["Chur", "Chur", None, None, None],
        "state": ["Grisons", None, "Grisons", None, None],
        "country": ["Switzerland", "Switzerland", "Switzerland", "Switzerland", None],
        "country_code": ["ch"] * 5,
    },
    schema_overrides={"city": pl.String},
)


def test_the_official_wording_with_missing_parts_dropped() -> None:
    assert captions(PLACES, "official").to_list() == [
        "A street view photo taken in Chur, Grisons, Switzerland",
        "A street view photo taken in Chur, Switzerland",
        "A street view photo taken in Grisons, Switzerland",
        "A street view photo taken in Switzerland",
        None,
    ]


def test_the_papers_wording_leaves_the_city_out() -> None:
    assert captions(PLACES, "paper").to_list()[:2] == [
        "A photo taken from Grisons, Switzerland",
        "A photo taken from Switzerland",
    ]


def test_a_city_alone_does_not_make_a_paper_caption() -> None:
    only_city = PLACES[:1].with_columns(state=None, country=None)
    assert captions(only_city.cast(pl.String), "paper").to_list() == [None]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_places_give_no_captions(template: str) -> None:
    empty = captions(PLACES.clear(), template)
    assert empty.to_list() == [] and empty.dtype == pl.String and empty.name == "caption"


def test_an_unknown_template_brings_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"'offical'; there are: official, paper, satellite"):
        captions(PLACES, "offical")
