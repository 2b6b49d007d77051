"""The label most similar to each: against loops, and known cases."""

import numpy as np
import polars as pl
import pytest
from drawn_labels import positions, world
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.im2city.proximity import AGAINST_CHANCE, NEAREST, label_distances, nearest_labels, nearest_summary


@settings(max_examples=30)
@given(labels=st.integers(2, 12), seed=st.integers(0, 99))
def test_every_row_is_what_a_loop_finds(labels: int, seed: int) -> None:
    similarity, distance = world(labels, 1.0, seed)
    countries = [("a", "b", None)[label % 3] for label in range(labels)]
    found = nearest_labels(similarity, distance, countries)
    assert found.schema == NEAREST and found["label"].to_list() == list(range(labels))
    for row in found.iter_rows(named=True):
        label, nearest = row["label"], row["nearest"]
        others = [other for other in range(labels) if other != label]
        assert nearest == max(others, key=lambda other: similarity[label, other])
        assert (row["km"], row["similarity"]) == (distance[label, nearest], similarity[label, nearest])
        assert row["rank"] == 1 + sum(distance[label, other] < row["km"] for other in others)
        assert row["is_nearest"] == (row["rank"] == 1)
        both = countries[label] is not None and countries[nearest] is not None
        assert row["same_country"] == (countries[label] == countries[nearest] if both else None)


def test_ties_go_to_the_first_and_share_a_rank() -> None:
    distance = label_distances([0.0, 0.0, 0.0], [0.0, 1.0, -1.0])
    found = nearest_labels(np.full((3, 3), 0.5), distance)
    assert found["nearest"].to_list() == [1, 0, 0]
    assert found["rank"].to_list() == [1, 1, 1] and found["same_country"].null_count() == 3


def test_labels_that_know_where_they_are_against_chance() -> None:
    distance = label_distances(*positions(30))
    countries = ["east" if each > 0 else "west" for each in positions(30)[1]]
    found = nearest_summary(-distance, distance, countries, 999)
    assert found.schema == AGAINST_CHANCE
    rows = {row["measure"]: row for row in found.iter_rows(named=True)}
    km, first, same = (rows[name] for name in ("mean km", "geographically nearest", "same country"))
    others = distance[~np.eye(30, dtype=bool)]
    assert km["measured"] < km["chance_low"] < km["chance"] < km["chance_high"]
    assert km["chance"] == pytest.approx(others.mean(), rel=0.02)
    assert first["measured"] == 1.0 and first["chance"] == pytest.approx(1 / 29, abs=0.01)
    assert {row["p"] for row in rows.values()} == {0.001} and same["measured"] > same["chance_high"]
    assert {row["n"] for row in rows.values()} == {30} and {row["permutations"] for row in rows.values()} == {
        999
    }


def test_the_chance_of_a_country_is_what_the_labels_countries_allow() -> None:
    similarity, distance = world(10, 1.0)
    countries = ["a"] * 4 + ["b"] * 5 + [None]
    found = nearest_summary(similarity, distance, countries, 4_999).row(2, named=True)
    # of 9 * 8 ordered pairs with countries, 4 * 3 + 5 * 4 are of compatriots
    assert found["chance"] == pytest.approx(32 / 72, abs=0.02)
    assert found["n"] == nearest_labels(similarity, distance, countries)["same_country"].count()


def test_labels_that_know_nothing_are_as_near_as_chance() -> None:
    found = nearest_summary(*world(40, 1e6, 5), permutations=499)
    assert found["p"][0] > 0.05 and found["chance_low"][0] < found["measured"][0] < found["chance_high"][0]


def test_without_countries_there_is_no_share_of_them() -> None:
    row = nearest_summary(*world(5, 1.0), permutations=9).filter(pl.col("measure") == "same country")
    assert row["n"].item() == 0 and row["measured"].item() is None and row["p"].item() is None


def test_what_does_not_fit_is_refused() -> None:
    similarity, distance = world(5, 1.0)
    with pytest.raises(ValueError, match="4 countries for 5 labels"):
        nearest_labels(similarity, distance, ["a"] * 4)
    with pytest.raises(ValueError, match="1 labels"):
        nearest_labels(similarity[:1, :1], distance[:1, :1])
    with pytest.raises(ValueError, match="permutations=-1"):
        nearest_summary(similarity, distance, permutations=-1)
