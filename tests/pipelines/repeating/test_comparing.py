"""What differs between two tables, counted and measured; checked by hand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import geodesic_km
from g3lib.store import Input, Key, Record
from pipelines.repeating.comparing import Artefact, Comparison, Shift, numbers_of, reason_of, shift_of

RECORD = Record(
    *("accuracy", "b|e", "d" * 64, "f" * 64, "1", "run", None, "a" * 40, "", "", 5, 5, "path"),
    config={"seed": 0, "nested": {"x": 1.5}},
    inputs=(Input("predictions", "b|e", "v1"), Input("photos", "b-0", "v1")),
)
THRESHOLDS = [1, 25, 200, 750, 2500]


def accuracies(*values: float, n: int = 40, n_failed: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"threshold_km": THRESHOLDS, "accuracy": values, "n": n, "n_failed": n_failed})


def comparison(before: pl.DataFrame, after: pl.DataFrame, *artefacts: Artefact) -> Comparison:
    return Comparison(numbers_of(before, after), artefacts, None, None)


NUMBERS = accuracies(0.1, 0.2, 0.3, 0.4, 0.5)


def test_equal_numbers_are_the_same() -> None:
    assert comparison(NUMBERS, NUMBERS).same


@pytest.mark.parametrize(
    "other",
    [
        accuracies(0.1, 0.2, 0.3, 0.4, 0.5 + 1 / 4_000_000),
        accuracies(0.1, 0.2, 0.3, 0.4, 0.5, n=41),
        accuracies(0.1, 0.2, 0.3, 0.4, 0.5, n_failed=1),
        NUMBERS.head(4),
        NUMBERS.with_columns(accuracy=None),
    ],
)
def test_any_other_number_is_not(other: pl.DataFrame) -> None:
    assert not comparison(NUMBERS, other).same and not comparison(other, NUMBERS).same
    assert numbers_of(NUMBERS, other)["threshold_km"].to_list() == THRESHOLDS


def test_the_first_to_differ_is_the_first_in_the_order_of_data() -> None:
    same, first, second = (
        Artefact(Key(name), RECORD, RECORD, name == "same") for name in ("same", "first", "second")
    )
    assert comparison(NUMBERS, NUMBERS, same, first, second).first_different is first
    assert comparison(NUMBERS, NUMBERS, same).first_different is None


def predictions(*rows: tuple[str, float | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, {"photo_id": pl.String, "lat": pl.Float64, "lon": pl.Float64}, orient="row")


def test_shifts_are_counted_by_photo_and_measured_on_the_earth() -> None:
    before = predictions(
        ("a", 0.0, 0.0), ("b", 0.0, 0.0), ("c", None, None), ("d", 5.0, 5.0), ("e", None, None)
    )
    after = predictions(
        ("e", None, None), ("b", 0.0, 1.0), ("a", 0.0, 0.0), ("c", 1.0, 1.0), ("d", None, None)
    )
    found = shift_of(before, after)
    assert (found.photos, found.of, found.one_sided) == (3, 5, 2)
    assert found.farthest_km == pytest.approx(111.319, abs=0.001)  # a degree of the equator


positions = st.tuples(st.floats(-90, 90), st.floats(-180, 179.99)) | st.just((None, None))


@given(st.lists(st.tuples(positions, positions), max_size=8))
def test_shifts_agree_with_photo_by_photo(
    pairs: list[tuple[tuple[float, float], tuple[float, float]]],
) -> None:
    before = predictions(*((str(i), *one) for i, (one, _) in enumerate(pairs)))
    after = predictions(*((str(i), *other) for i, (_, other) in enumerate(pairs)))
    moved = [(one, other) for one, other in pairs if one != other]
    both = [(one, other) for one, other in moved if one[0] is not None and other[0] is not None]
    farthest = max((float(geodesic_km(*one, *other)) for one, other in both), default=0.0)
    found = shift_of(before, after)
    assert found == Shift(len(moved), len(pairs), len(moved) - len(both), pytest.approx(farthest))
    assert shift_of(before, before) == Shift(0, len(pairs), 0, 0.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code_version": "2"}, "code version 1, now 2"),
        ({"config": {"seed": 1, "nested": {"x": 1.5}, "new": None}}, "other settings: seed"),
        ({"config": {"seed": 0, "nested": {"x": 1}}}, "other settings: nested"),
        ({"inputs": (Input("predictions", "b|e", "v2"), RECORD.inputs[1])}, "other inputs: predictions"),
        ({"inputs": (*RECORD.inputs, Input("queries", "b", "v1"))}, "other inputs: queries"),
        ({"git_commit": "b" * 40}, "code at aaaaaaaaaaaa, now at bbbbbbbbbbbb, or other arithmetic here"),
        ({}, "same code, settings and inputs: other arithmetic here"),
    ],
)
def test_why_it_may_be(changes: dict[str, object], words: str) -> None:
    again = Record(**{**vars(RECORD), **changes})  # type: ignore[arg-type]
    assert reason_of(RECORD, again).startswith(words)
