"""Accuracies of labels beside plain counting, and chance beside drawing."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest

from g3lib.results.cities import CITY_ACCURACY_SCHEMA, chance, city_accuracy_table


def row(photo: int, **more: Any) -> dict[str, Any]:
    about = {
        **{
            "experiment": "e",
            "test_set": "t",
            "photo_id": f"p{photo}",
            "author": f"a{photo % 3}",
            "scale": "city",
        },
        **{
            "truth": "Paris",
            "true_country": "fr",
            "truth_rank": 1,
            "country_rank": 1,
            "in_country": 2,
            "labels": 6,
        },
    }
    return about | more


TOLD = pl.DataFrame(
    [
        row(0),
        row(1, truth_rank=2, country_rank=1),
        row(2, truth_rank=6, country_rank=6),
        row(3, truth="Rome", true_country="it", in_country=1, truth_rank=5, country_rank=5),
        row(4, truth=None, true_country=None, truth_rank=None, country_rank=None, in_country=None),
    ],
    infer_schema_length=None,
)


def of(found: pl.DataFrame, scale: str, top: int) -> dict[str, Any]:
    return found.row(by_predicate=(pl.col("scale") == scale) & (pl.col("top") == top), named=True)


def test_cities_are_judged_as_cities_and_as_countries() -> None:
    found = city_accuracy_table(TOLD, 200, seed=0)
    assert found.schema == CITY_ACCURACY_SCHEMA and found.height == 4
    assert [of(found, "city", top)["accuracy"] for top in (1, 5)] == [1 / 4, 3 / 4]
    assert [of(found, "country", top)["accuracy"] for top in (1, 5)] == [2 / 4, 3 / 4]
    assert not of(found, "city", 1)["mapped"] and of(found, "country", 1)["mapped"]


def test_photos_without_a_label_are_counted_and_not_judged() -> None:
    found = city_accuracy_table(TOLD, 200, seed=0)
    assert found["n"].unique().to_list() == [4] and found["n_outside"].unique().to_list() == [1]


def test_many_photos_of_one_city_count_once_in_the_mean() -> None:
    found = of(city_accuracy_table(TOLD, 200, seed=0), "city", 1)
    assert found["mean_accuracy"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["majority"] == pytest.approx(3 / 4)


def test_a_truth_that_is_no_label_is_a_miss() -> None:
    lost = TOLD.with_columns(truth_rank=pl.lit(None, pl.Int64), country_rank=pl.lit(None, pl.Int64))
    assert city_accuracy_table(lost, 200, seed=0)["accuracy"].to_list() == [0.0] * 4


def test_named_countries_are_judged_once() -> None:
    found = city_accuracy_table(TOLD.with_columns(scale=pl.lit("country")), 200, seed=0)
    assert found["scale"].to_list() == ["country"] * 2 and found["mapped"].to_list() == [False] * 2


def test_a_test_set_without_a_label_has_no_rows() -> None:
    assert city_accuracy_table(TOLD.filter(pl.col("truth").is_null()), 200, seed=0).height == 0


def test_intervals_hold_the_accuracy_and_do_not_hang_on_the_order() -> None:
    many = pl.DataFrame([row(photo, truth_rank=1 + photo % 3) for photo in range(300)])
    found = city_accuracy_table(many, 500, seed=0)
    assert (found["ci_low"] <= found["accuracy"]).all() and (found["accuracy"] <= found["ci_high"]).all()
    shuffled = many.sample(fraction=1, shuffle=True, seed=1)
    assert city_accuracy_table(shuffled, 500, seed=0).equals(found)


@pytest.mark.parametrize("top", [1, 2, 5, 9])
def test_chance_is_that_of_drawing_labels(top: int) -> None:
    right = np.array([1, 3, 3])
    draws = list(combinations(range(6), min(top, 6)))
    expected = np.mean([np.mean([any(each < count for each in draw) for draw in draws]) for count in right])
    assert chance(6, right, top) == pytest.approx(expected)
