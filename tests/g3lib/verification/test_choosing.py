"""One possible candidate per photo is chosen, or none, and by that photo's rows alone."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.experiments.experiment import Selection
from g3lib.geo import is_on_earth
from g3lib.verification import choose

SELECTIONS: tuple[Selection, ...] = ("verifier", "first", "random")
SCHEMA = {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64, "score": pl.Float64}
Row = tuple[str, float | None, float | None, float | None]


def scored(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def chosen(
    table: pl.DataFrame, selection: Selection, seed: int = 0, eligible: list[bool | None] | None = None
) -> list[int]:
    mask = None if eligible is None else pl.Series(eligible, dtype=pl.Boolean)
    result = choose(table, selection, seed, mask)
    assert result.drop("chosen").equals(table)  # nothing else changes, the order least of all
    return result.with_row_index("row").filter("chosen")["row"].to_list()


TABLE = scored(
    ("a", 1.0, 1.0, 0.1),
    ("b", 2.0, 2.0, 0.9),
    ("a", 3.0, 3.0, 0.5),
    ("a", 4.0, 4.0, 0.5),
    ("b", 5.0, 5.0, 0.2),
    ("c", None, None, None),
)


def test_the_verifier_takes_the_best_score_and_of_equals_the_earliest() -> None:
    assert chosen(TABLE, "verifier") == [1, 2]


def test_without_it_the_first_is_taken() -> None:
    assert chosen(TABLE, "first") == [0, 1]
    assert chosen(TABLE.drop("score"), "first") == [0, 1]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_is_not_eligible_is_not_chosen(selection: Selection) -> None:
    assert chosen(TABLE, selection, 0, [False, None, False, True, True, True]) == [3, 4]
    assert chosen(TABLE, selection, 0, [False] * 6) == []


@pytest.mark.parametrize("selection", SELECTIONS)
def test_candidates_that_cannot_be_are_never_chosen(selection: Selection) -> None:
    nowhere: list[tuple[float | None, float | None]] = [
        *((None, None), (None, 1.0), (1.0, None), (90.5, 0.0), (0.0, 180.0)),
        *((math.nan, 1.0), (0.0, math.inf), (-math.inf, 0.0)),
    ]
    table = scored(*(("a", lat, lon, 0.99) for lat, lon in nowhere), ("a", 1.0, 2.0, -0.5))
    for seed in range(5):
        assert chosen(table, selection, seed) == [len(nowhere)]
        assert chosen(table[:-1], selection, seed) == []  # all failed: no prediction
    assert choose(table.clear(), selection, 0).schema["chosen"] == pl.Boolean


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_no_score(value: float | None) -> None:
    table = scored(("a", 1.0, 2.0, value), ("a", 3.0, 4.0, -0.9), ("b", 1.0, 2.0, value))
    assert chosen(table, "verifier") == [1]
    assert chosen(table, "first") == [0, 2]


def test_a_random_choice_is_its_seeds_and_takes_each_candidate_about_as_often() -> None:
    table = scored(*(("a", float(i), 0.0, float(i)) for i in range(4)))
    picks = [chosen(table, "random", seed)[0] for seed in range(400)]
    assert picks[:20] == [chosen(table, "random", seed)[0] for seed in range(20)]
    assert np.bincount(picks, minlength=4) == pytest.approx(100, abs=45)  # five deviations


def test_photos_draw_apart() -> None:
    table = scored(*((f"photo {i // 4}", float(i % 4), 0.0, 0.0) for i in range(1600)))
    picks = np.array(chosen(table, "random")) % 4
    assert len(picks) == 400 and np.bincount(picks, minlength=4) == pytest.approx(100, abs=45)


cells = st.tuples(
    st.sampled_from("abc"),
    st.none() | st.floats(-100, 100),
    st.none() | st.floats(-200, 200),
    st.none() | st.sampled_from([-0.5, 0.25, 0.5]) | st.floats(-1, 1),
)
tables = st.lists(cells, max_size=12)


@given(tables, st.sampled_from(SELECTIONS), st.integers(0, 9))
def test_one_possible_candidate_per_photo_if_there_is_any(
    rows: list[Row], selection: Selection, seed: int
) -> None:
    picks = chosen(scored(*rows), selection, seed)
    possible = [
        i
        for i, (_, lat, lon, value) in enumerate(rows)
        if lat is not None and lon is not None and is_on_earth(lat, lon)
        if value is not None or selection != "verifier"
    ]
    assert set(picks) <= set(possible)
    photos = [rows[i][0] for i in picks]
    assert sorted(photos) == sorted({rows[i][0] for i in possible})
    for pick in picks if selection == "verifier" else []:
        rivals = [i for i in possible if rows[i][0] == rows[pick][0]]
        assert pick == max(rivals, key=lambda i: (rows[i][3], -i))


@given(tables, st.sampled_from(SELECTIONS), st.integers(0, 9), st.randoms(use_true_random=False))
def test_other_photos_have_no_say(rows: list[Row], selection: Selection, seed: int, random: Any) -> None:
    """A photo's choice is the same alone, and wherever the others' rows stand between its own."""
    picks = chosen(scored(*rows), selection, seed)
    own = [i for i, row in enumerate(rows) if row[0] == "a"]
    others = [i for i, row in enumerate(rows) if row[0] != "a"]
    slots = sorted(random.sample(range(len(rows)), len(own)))
    mixed = random.sample(others, len(others))
    for slot, row in zip(slots, own, strict=True):
        mixed.insert(slot, row)
    among = [mixed[i] for i in chosen(scored(*(rows[i] for i in mixed)), selection, seed)]
    alone = [own[i] for i in chosen(scored(*(rows[i] for i in own)), selection, seed)]
    assert alone == [i for i in among if i in own] == [i for i in picks if i in own]
