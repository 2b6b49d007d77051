"""Table 3: per query first, then over queries, on geodesics."""

import math

import polars as pl
import pytest

from g3lib.geo import geodesic_km
from g3lib.results.reference_distances import SCHEMA, reference_distances

TRUTH = pl.DataFrame({"photo_id": ["a", "b", "c"], "lat": [0.0, 10.0, None], "lon": [0.0, 20.0, None]})
STEPS = {"a": [1.0, 4.0, 2.0, 8.0], "b": [3.0, 3.0, 30.0, 5.0], "c": [1.0, 1.0, 1.0, 1.0]}  # degrees east


def references(policy: str = "open") -> pl.DataFrame:
    rows = [
        (policy, photo, "similar", rank, 10.0 * (photo == "b"), 20.0 * (photo == "b") + step)
        for photo, steps in STEPS.items()
        for rank, step in enumerate(steps)
    ]
    return pl.DataFrame(rows, schema=["policy", "photo_id", "kind", "rank", "lat", "lon"], orient="row")


def kilometres(photo: str, steps: list[float]) -> list[float]:
    lat, lon = (10.0, 20.0) if photo == "b" else (0.0, 0.0)
    return [float(geodesic_km(lat, lon, lat, lon + step)) for step in steps]


def test_averages_over_queries_of_each_querys_own() -> None:
    found = reference_distances(references(), TRUTH, tops=(3,))
    assert found.schema == SCHEMA
    (row,) = found.to_dicts()
    a, b = (sorted(kilometres(photo, STEPS[photo][:3])) for photo in "ab")
    assert row["mean_km"] == pytest.approx((sum(a) / 3 + sum(b) / 3) / 2)
    assert row["median_km"] == pytest.approx((a[1] + b[1]) / 2)
    assert row["max_km"] == pytest.approx((a[2] + b[2]) / 2)
    assert row["min_km"] == pytest.approx((a[0] + b[0]) / 2)
    assert row["queries"] == 2  # nobody knows where `c` is


def test_deeper_the_maximum_grows_and_the_minimum_shrinks() -> None:
    found = reference_distances(references(), TRUTH, tops=(1, 2, 3, 4))
    assert found["top"].to_list() == [1, 2, 3, 4]
    assert found["max_km"].is_sorted() and found["min_km"].is_sorted(descending=True)
    assert math.isclose(found["mean_km"][0], found["max_km"][0])


def test_depths_that_were_not_retrieved_are_left_out() -> None:
    assert reference_distances(references(), TRUTH)["top"].to_list() == []
    assert reference_distances(references(), TRUTH, tops=(4, 5))["top"].to_list() == [4]


def test_each_policy_has_its_rows() -> None:
    both = pl.concat([references(), references("other-authors").with_columns(pl.col("lon") + 1)])
    found = reference_distances(both, TRUTH, tops=(2,))
    assert found["policy"].to_list() == ["open", "other-authors"]
    assert found["mean_km"][1] > found["mean_km"][0]
