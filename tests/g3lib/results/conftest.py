"""Predictions and candidates small enough to count by hand."""

import polars as pl
import pytest


@pytest.fixture
def predictions() -> pl.DataFrame:
    """Two experiments on four queries by two authors; the last query of each failed."""
    return pl.concat(
        pl.DataFrame(
            {
                "benchmark": "toy",
                "experiment": experiment,
                "method": "G3",
                "variant": "a|b",
                "gallery_policy": "open",
                "photo_id": ["q1", "q2", "q3", "q4"],
                "author": ["ann", "ann", "bob", None],
                "lat": [10.0, -20.0, 0.0, None],
                "lon": [179.0, 20.0, -100.0, None],
                "true_lat": [10.0, -20.0, 0.0, 5.0],
                "true_lon": [-179.0, 20.0, 80.0, 5.0],
                "error_km": [0.5, 30.0, 900.0, None],
                "error_haversine_km": [0.5, 30.1, 898.0, None],
                "source": ["retrieval", "prompt-0", "prompt-0", None],
                "score": [0.5, 0.25, 0.125, None],
                "lmm": lmm,
            },
            schema_overrides={"lmm": pl.String},
        )
        for experiment, lmm in (("g3", "stand-in"), ("nn-clip", None))
    )


@pytest.fixture
def queries() -> pl.DataFrame:
    """Where the four queries were taken: Springfield twice, in two states; a city without a state; at sea."""
    return pl.DataFrame(
        {
            "benchmark": "toy",
            "photo_id": ["q4", "q3", "q2", "q1"],
            "city": [None, "Monaco", "Springfield", "Springfield"],
            "state": [None, None, "Oregon", "Illinois"],
            "country": [None, "Monaco", "United States", "United States"],
            "continent": [None, "Europe", "North America", "North America"],
        }
    )


@pytest.fixture
def candidates(predictions: pl.DataFrame) -> pl.DataFrame:
    """Two LMM answers per query of g3, and a retrieved candidate per query of nn-clip."""
    lmm, plain = predictions.partition_by("experiment")
    answers = lmm.select(
        "benchmark",
        "experiment",
        source=pl.lit("prompt-0"),
        failure=pl.Series([None, None, None, "refused"], dtype=pl.String),
        tokens_in=pl.lit(100, pl.Int64),
        tokens_out=pl.lit(10, pl.Int64),
    )
    retrieved = plain.select(
        "benchmark",
        "experiment",
        source=pl.lit("retrieval"),
        failure=pl.lit(None, pl.String),
        tokens_in=pl.lit(None, pl.Int64),
        tokens_out=pl.lit(None, pl.Int64),
    )
    return pl.concat([answers, answers, retrieved])
