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
        "neighbourhood": ["Altstadt", None, None, None, None],
        "county": ["Plessur", None, None, None, None],
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
    with pytest.raises(KeyError, match=r"'offical'; there are: official, g3-n, paper, streetclip, satellite"):
        captions(PLACES, "offical")


def test_g3_n_adds_the_neighbourhood() -> None:
    assert captions(PLACES, "g3-n").to_list()[:2] == [
        "A street view photo taken in Altstadt, Chur, Grisons, Switzerland",
        "A street view photo taken in Chur, Switzerland",
    ]


def test_streetclip_says_a_clause_for_each_level() -> None:
    assert captions(PLACES, "streetclip").to_list() == [
        "A Street View photo close to the town of Chur in the region of Grisons in Switzerland.",
        "A Street View photo close to the town of Chur in Switzerland.",
        "A Street View photo in the region of Grisons in Switzerland.",
        "A Street View photo in Switzerland.",
        None,
    ]


@pytest.mark.parametrize(
    ("granularity", "named"),
    [
        ("country", "Switzerland"),
        ("state", "Grisons, Switzerland"),
        ("city", "Chur, Grisons, Switzerland"),
        ("county", "Chur, Plessur, Switzerland"),
        ("neighbourhood", "Altstadt, Chur, Grisons, Switzerland"),
    ],
)
def test_any_wording_at_any_granularity(granularity: str, named: str) -> None:
    assert captions(PLACES, "official", granularity)[0] == f"A street view photo taken in {named}"
    assert captions(PLACES, "satellite", granularity)[0] == f"A satellite photo taken in {named}"


def test_a_granularity_may_leave_nothing_to_say() -> None:
    assert captions(PLACES, "paper", "country").to_list()[3:] == ["A photo taken from Switzerland", None]


def test_an_unknown_granularity_brings_the_known_ones() -> None:
    known = "country, state, city, county, neighbourhood"
    with pytest.raises(KeyError, match=rf"'street'; there are: {known}"):
        captions(PLACES, "official", "street")


def test_places_without_neighbourhoods_are_told_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"'g3-n' needs the column\(s\) neighbourhood; take the places of geocode"
    ):
        captions(PLACES.drop("neighbourhood"), "g3-n")
