"""What a model answers for each photo, beside a loop that sorts."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from small_world import CITIES

from g3lib.geo import geodesic_km
from g3lib.im2city.labels import NONE, label_set
from g3lib.im2city.predicting import PREDICTIONS, TOPS, TestPhotos, predictions, rank_of, ranked, tops

CITY_LABELS, COUNTRY_LABELS = label_set(CITIES, "cities"), label_set(CITIES, "countries")
SHOWN = np.array([0, 3, NONE, 4])
TEST = TestPhotos("test", pl.DataFrame({"photo_id": list("abcd"), "author": ["x", "x", "y", "z"]}), SHOWN)
CHANCES = np.array(
    [
        [0.1, 0.5, 0.1, 0.1, 0.1, 0.1],  # Lyon for Paris: the right country
        [0.0, 0.0, 0.0, 0.2, 0.7, 0.1],  # Kyoto for Tokyo
        [0.9, 0.1, 0.0, 0.0, 0.0, 0.0],  # shows nothing
        [0.1, 0.1, 0.1, 0.1, 0.5, 0.1],  # Kyoto, right
    ],
    np.float32,
)
chances = arrays(np.float32, (5, 6), elements=st.sampled_from([0.0, 0.125, 0.25, 0.5]))


def told(labels: pl.DataFrame = CITY_LABELS, found: NDArray[np.float32] = CHANCES) -> pl.DataFrame:
    half = (found / 2).astype(np.float32)
    return predictions("e", TEST, CITY_LABELS, labels, found, half, found >= 0.3)


@given(chances, st.lists(st.integers(-1, 5), min_size=5, max_size=5))
def test_ranks_are_those_of_a_stable_sort(found: NDArray[np.float32], labels: list[int]) -> None:
    order = np.argsort(-found, axis=1, kind="stable")
    expected = [
        0 if label == NONE else 1 + order[row].tolist().index(label) for row, label in enumerate(labels)
    ]
    assert rank_of(found, np.array(labels)).tolist() == expected
    assert ranked(found).tolist() == order[:, :5].tolist()


def test_a_row_tells_the_answer_the_truth_and_where_it_stood() -> None:
    found = told()
    assert found.schema == PREDICTIONS
    paris = found.row(0, named=True)
    assert (paris["truth"], paris["label"], paris["true_country"], paris["country"]) == (
        "Paris",
        "Lyon",
        "fr",
        "fr",
    )
    assert (paris["truth_rank"], paris["country_rank"], paris["in_country"], paris["labels"]) == (2, 1, 2, 6)
    assert (paris["probability"], paris["raw_probability"]) == (0.5, 0.25)
    assert (paris["set_size"], paris["in_set"], paris["scale"]) == (1, False, "city")
    assert paris["km"] == geodesic_km(45.76, 4.84, 48.85, 2.35)
    assert found["truth_rank"].to_list() == [2, 2, None, 1] and found["in_set"].to_list()[3]


def test_a_photo_of_no_city_has_an_answer_and_no_truth() -> None:
    nowhere = told().row(2, named=True)
    assert nowhere["label"] == "Paris" and nowhere["probability"] > 0.8
    empty = ("truth", "true_country", "truth_rank", "country_rank", "in_country", "km", "in_set")
    assert [nowhere[name] for name in empty] == [None] * len(empty)


def test_countries_are_judged_as_countries() -> None:
    found = told(COUNTRY_LABELS, CHANCES[:, :4])
    assert found["scale"].unique().to_list() == ["country"]
    assert found["truth"].to_list() == ["France", "Japan", None, "Japan"]
    assert found["label"].to_list() == ["Italy", "Australia", "France", "France"]
    assert found["truth_rank"].to_list() == [2, 4, None, 3] and found["in_country"].to_list() == [
        1,
        1,
        None,
        1,
    ]


def test_a_truth_that_is_no_label_is_judged_as_a_miss() -> None:
    without = COUNTRY_LABELS.filter(pl.col("label") != "Japan")
    found = told(without, CHANCES[:, :3])
    assert found["truth"].to_list() == ["France", "Japan", None, "Japan"]
    assert found["truth_rank"].to_list() == [2, None, None, None]
    assert found["in_set"].to_list() == [False, False, None, False]


def test_candidates_are_the_likeliest_labels_where_they_lie() -> None:
    found = tops(TEST, CITY_LABELS, CHANCES)
    assert found.schema == TOPS and found.height == 4 * 5
    kyoto = found.filter(photo_id="d").row(0, named=True)
    assert (kyoto["label"], kyoto["rank"], kyoto["lat"], kyoto["probability"]) == ("Kyoto", 0, 35.02, 0.5)
    assert found.filter(photo_id="d")["label"].to_list() == ["Kyoto", "Paris", "Lyon", "Rome", "Tokyo"]
    few = tops(TEST, CITY_LABELS.head(3), CHANCES[:, :3])
    assert few.height == 4 * 3
