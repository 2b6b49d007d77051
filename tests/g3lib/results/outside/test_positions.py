"""Positions read as they are meant where that is certain, and never because another reading happens to fit better."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.images.metadata.whereabouts import Whereabouts
from g3lib.results.outside.positions import Draft, check_answers, draft_of, read_otherwise


def draft(lat: np.ndarray, lon: np.ndarray) -> Draft:
    """Checked predictions of these numbers."""
    text = (pl.Series([repr(float(each)) for each in axis], dtype=pl.String) for axis in (lat, lon))
    ids = pl.Series([str(number) for number in range(len(lat))], dtype=pl.String)
    found = draft_of("", ids, *text, Whereabouts(np.arange(len(lat)), str))
    check_answers(found)
    return found


def names(found: Draft) -> dict[str, str]:
    return {each.name: each.action for each in found.findings}


def europe(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Photos of Europe, where neither latitudes nor longitudes say which they are; too few to ask the map of towns."""
    generator = np.random.default_rng(seed)
    return generator.uniform(42, 60, count), generator.uniform(-8, 25, count)


def test_swapped_where_only_the_truth_tells() -> None:
    lat, lon = europe(0)
    found = read_otherwise(draft(lon + 1, lat), lat, lon)
    assert names(found) == {"swapped_coordinates": "repaired"}
    assert found.findings[0].rows == 60 and "60 predictions" in found.findings[0].detail
    np.testing.assert_array_equal(found.lat, lat)


def test_radians() -> None:
    lat, lon = europe(1)
    found = read_otherwise(draft(np.radians(lat), np.radians(lon)), lat, lon)
    assert names(found) == {"radians": "repaired"}
    np.testing.assert_allclose(found.lat, lat, atol=1e-9)


def test_a_few_are_a_doubt() -> None:
    lat, lon = europe(2, 12)
    found = read_otherwise(draft(lon, lat), lat, lon)
    assert names(found) == {"possibly_swapped": "noted"}
    np.testing.assert_array_equal(found.lat, lon)


def test_one_position_for_all_is_no_evidence() -> None:
    lat, lon = europe(3)
    constant = draft(np.full(60, 10.0), np.full(60, 50.0))  # the sea off Somalia; turned, it is Germany
    assert names(read_otherwise(constant, lat, lon)) == {}


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32 - 1), st.integers(10, 400))
def test_predictions_that_know_nothing_are_never_turned(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    truth, said = ((generator.uniform(-60, 70, count), generator.uniform(-180, 180, count)) for _ in range(2))
    found = read_otherwise(draft(*said), *truth)
    assert "repaired" not in names(found).values()
    np.testing.assert_array_equal(found.lat, said[0])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 60.0))
def test_predictions_near_the_truth_are_never_turned(seed: int, spread: float) -> None:
    lat, lon = europe(seed, 80)
    said = np.clip(lat + np.random.default_rng(seed).normal(0, spread, 80), -90, 90)
    found = read_otherwise(draft(said, lon), lat, lon)
    np.testing.assert_array_equal(found.lat, said)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("48,5", 48.5),
        (" 48.5 ", 48.5),
        ("48.5 N", 48.5),
        ("S 48.5", -48.5),
        ("4.85e1", 48.5),
        ("\u221248.5", -48.5),
    ],
)
def test_spellings(text: str, degrees: float) -> None:
    found = draft_of(
        "", pl.Series(["a"]), pl.Series([text]), pl.Series(["0"]), Whereabouts(np.array([1]), str)
    )
    check_answers(found)
    assert found.usable.all() and found.lat[0] == degrees


@pytest.mark.parametrize(
    "text", ["", " ", "nan", "NULL", "None", "n/a", "-", "inf", "48.5.1", "48 30 N", "1e400"]
)
def test_what_is_no_position(text: str) -> None:
    found = draft_of(
        "", pl.Series(["a"]), pl.Series([text]), pl.Series(["0"]), Whereabouts(np.array([1]), str)
    )
    check_answers(found)
    assert not found.usable.any()
