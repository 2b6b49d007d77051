"""The grid of pools is what choosing from each pool by itself gives, and its best pool is taken."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.geo import geodesic_km
from g3lib.results import metrics
from g3lib.verification import choose, choose_pool, in_pool, pool_grid
from g3lib.verification.pool import THRESHOLDS_KM, WITHIN

SCHEMA = {
    "photo_id": pl.String,
    "source": pl.String,
    "rank": pl.Int32,
    **dict.fromkeys(("lat", "lon", "score"), pl.Float64),
}
TRUTH = pl.DataFrame({"photo_id": ["a", "b", "c"], "lat": [0.0, 50.0, -70.0], "lon": [0.0, 8.0, 179.9]})
Row = tuple[str, str, int, float | None, float | None, float | None]


def scored(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


TABLE = scored(
    ("a", "retrieval", 0, 10.0, 0.0, 0.5),
    ("a", "retrieval", 1, 0.0, 0.0, 0.9),  # the truth itself
    ("a", "prompt-0", 0, 1.0, 0.0, 0.6),
    ("a", "prompt-0", 1, 20.0, 0.0, 0.8),
    ("a", "prompt-5", 0, None, None, None),
    ("a", "prompt-5", 1, 30.0, 0.0, 0.1),
)


def test_a_pool_takes_the_first_answers_of_every_prompt_and_the_first_retrieved() -> None:
    assert in_pool(TABLE, 1, 0).equals(TABLE[[2, 4]])
    assert in_pool(TABLE, 0, 2).equals(TABLE[:2])
    assert in_pool(TABLE, 1, 1).equals(TABLE[[0, 2, 4]])
    assert in_pool(TABLE, 9, 9).equals(TABLE)


@pytest.mark.parametrize(("answers", "retrieved"), [(0, 0), (-1, 1), (1, -1)])
def test_a_pool_of_nothing_is_refused(answers: int, retrieved: int) -> None:
    with pytest.raises(ValueError, match=f"answers={answers} and retrieved={retrieved}"):
        in_pool(TABLE, answers, retrieved)
    with pytest.raises(ValueError, match=f"answers={answers} and retrieved={retrieved}"):
        pool_grid(TABLE, TRUTH, [answers], [retrieved])


def test_a_grid_in_closed_form() -> None:
    grid = pool_grid(TABLE, TRUTH[:1], [1, 2], [0, 2])
    assert grid.select("answers", "retrieved", "n").rows() == [(1, 0, 1), (1, 2, 1), (2, 0, 1), (2, 2, 1)]
    one, twenty = geodesic_km([1.0, 20.0], [0.0, 0.0], 0.0, 0.0)
    assert grid["median_km"].to_list() == pytest.approx([one, 0.0, twenty, 0.0])
    assert grid["within_200_km"].to_list() == [1.0, 1.0, 0.0, 1.0]
    assert grid["within_1_km"].to_list() == [0.0, 1.0, 0.0, 1.0]
    assert choose_pool(grid) == (1, 2)


def test_photos_without_a_choice_are_misses() -> None:
    grid = pool_grid(TABLE, TRUTH, [1], [2])
    assert grid.select("n", "within_1_km", "geoscore").row(0) == pytest.approx((3, 1 / 3, 5000 / 3))
    assert grid["median_km"].item() == math.inf


def test_the_thresholds_are_those_of_the_results() -> None:
    assert THRESHOLDS_KM == metrics.THRESHOLDS_KM


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (TRUTH.clear(), "0 photos are no truth"),
        (pl.concat([TRUTH, TRUTH[:1]]), "4 photos are no truth"),
        (TRUTH[1:], "photo 'a' has candidates but no true position"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(truth: pl.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pool_grid(TABLE, truth, [1], [0])


values = st.none() | st.sampled_from([0.25, 0.5, math.nan]) | st.floats(-1, 1)
cells = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["retrieval", "prompt-0", "prompt-5"]),
    st.integers(0, 4),
    st.none() | st.floats(-95, 95),
    st.none() | st.floats(-190, 190),
    values,
)


@settings(max_examples=40)
@given(st.lists(cells, max_size=25))
def test_the_grid_is_what_every_pool_by_itself_gives(rows: list[Row]) -> None:
    table, answers, retrieved = scored(*rows), range(1, 5), range(4)
    grid = pool_grid(table, TRUTH, answers, retrieved)
    expected = [by_itself(table, n, s) for n in answers for s in retrieved]
    for name in grid.columns:
        assert grid[name].to_list() == pytest.approx([each[name] for each in expected]), name


def by_itself(table: pl.DataFrame, answers: int, retrieved: int) -> dict[str, float]:
    """Photo by photo, with the measures that the results have."""
    errors = []
    for photo_id, lat, lon in TRUTH.iter_rows():
        own = in_pool(table, answers, retrieved).filter(photo_id=photo_id)
        won = choose(own, "verifier", 0).filter("chosen")
        errors.append(geodesic_km(won["lat"], won["lon"], lat, lon)[0] if won.height else math.nan)
    return {
        "answers": answers,
        "retrieved": retrieved,
        "n": len(errors),
        **dict(zip(WITHIN, metrics.hits(errors).mean(axis=0), strict=True)),
        "median_km": metrics.median_km(errors),
        "geoscore": metrics.geoscore(errors),
    }


def grid_of(*rows: tuple[int, int, float]) -> pl.DataFrame:
    """A grid in which all five accuracies are alike."""
    return pl.DataFrame(
        [(n, s, 30, *[share] * len(WITHIN)) for n, s, share in rows],
        schema=["answers", "retrieved", "n", *WITHIN],
        orient="row",
    )


def test_the_best_mean_accuracy_is_chosen_and_of_equals_the_smallest_pool() -> None:
    assert choose_pool(grid_of((1, 0, 0.1), (5, 3, 0.5), (9, 0, 0.4))) == (5, 3)
    assert choose_pool(grid_of((2, 1, 0.5), (2, 0, 0.5), (1, 5, 0.4), (3, 0, 0.5))) == (2, 0)


def test_accuracies_that_are_equal_but_for_rounding_are_equal() -> None:
    shares = np.array([1, 2, 3, 4, 5]) / 30, np.array([5, 4, 3, 2, 1]) / 30  # sums differ in the last bit
    grid = pl.DataFrame(
        [(2, 0, 30, *shares[0]), (1, 0, 30, *shares[1])],
        schema=["answers", "retrieved", "n", *WITHIN],
        orient="row",
    )
    assert choose_pool(grid) == (1, 0) == choose_pool(grid[::-1])
