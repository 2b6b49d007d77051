"""The papers' numbers, against the papers."""

import polars as pl
import pytest

from g3lib.experiments import EXPERIMENTS
from g3lib.experiments.published import PUBLISHED_SCHEMA, published, published_references


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return published()


def test_every_table_is_there_in_full(table: pl.DataFrame) -> None:
    assert table.schema == PUBLISHED_SCHEMA
    counts = dict(table.group_by("paper_table").len().iter_rows())
    assert counts == {
        "Table 1": 10 * 2 * 5,
        "Table 2": 4 * 2 * 5,
        "Table 4": 4 * 5,
        "Table 5": 3 * 5,
        "Table 7": 2 * 5,
        None: 2 * 5,  # Img2Loc's own
        "abstract": 4,  # IM2City's gains
    }
    assert not table.drop("note").is_duplicated().any()


def test_accuracy_grows_with_the_threshold(table: pl.DataFrame) -> None:
    rows = ["paper", "paper_table", "method", "variant", "benchmark"]
    printed = table.drop_nulls("accuracy").sort("threshold_km")
    growth = printed.with_columns(step=pl.col("accuracy").diff().over(rows))["step"].drop_nulls()
    assert growth.min() > 0  # type: ignore[operator]
    assert printed["accuracy"].is_between(0, 1).all()


@pytest.mark.parametrize(
    ("where", "method", "variant", "benchmark", "percentages"),
    [
        ("Table 1", "G3", "full", "im2gps3k", (16.65, 40.94, 55.56, 71.24, 84.68)),
        ("Table 1", "G3", "full", "yfcc4k", (23.99, 35.89, 46.98, 64.26, 78.15)),
        ("Table 1", "PIGEON", None, "im2gps3k", (11.3, 36.7, 53.8, 72.4, 85.3)),
        ("Table 1", "[L]kNN, sigma=4", None, "yfcc4k", (2.3, 5.7, 11, 23.5, 42)),
        ("Table 2", "G3", "w/o Geo-D", "yfcc4k", (20.28, 31.87, 43.67, 60.84, 76.25)),
        ("Table 4", "Img2Loc", "LLaVA", "im2gps3k", (10.21, 29.06, 39.51, 56.36, 71.07)),
        ("Table 5", "G3", "IMG+GPS", "im2gps3k", (16.91, 41.41, 55.02, 70.94, 84.18)),
        (None, "Img2Loc", "own paper", "im2gps3k", (17.1, 45.1, 57.9, 72.9, 84.7)),
    ],
)
def test_rows_say_what_the_papers_say(
    table: pl.DataFrame,
    where: str | None,
    method: str,
    variant: str | None,
    benchmark: str,
    percentages: tuple[float, ...],
) -> None:
    found = table.filter(
        pl.col("paper_table").eq_missing(where),
        pl.col("method") == method,
        pl.col("variant").eq_missing(variant),
        pl.col("benchmark") == benchmark,
    )
    assert found["threshold_km"].to_list() == [1, 25, 200, 750, 2500]
    assert found["accuracy"].to_list() == pytest.approx([each / 100 for each in percentages])


def test_experiments_named_are_in_the_catalogue_and_identical_rows_agree(
    table: pl.DataFrame,
) -> None:
    named = table.drop_nulls("experiment")
    assert set(named["experiment"]) <= {each.name for each in EXPERIMENTS}
    own = named.filter(pl.col("paper").str.starts_with("G3"))
    per = own.group_by("experiment", "benchmark", "threshold_km").agg(pl.col("accuracy").n_unique())
    assert set(per["accuracy"]) == {1}


def test_relative_gains_are_notes_without_a_number(table: pl.DataFrame) -> None:
    gains = table.filter(pl.col("paper_table") == "abstract")
    assert gains["accuracy"].null_count() == gains["threshold_km"].null_count() == 4
    for gain in ("+4.1 %", "+49.5 %", "+16.8 %", "+71.0 %"):
        assert gains["note"].str.starts_with(gain).sum() == 1


def test_reference_distances_shrink_with_alignment() -> None:
    table = published_references()
    assert table.height == 9
    assert table.filter(embedding="G3 + Mercator", top=5).row(0)[6:10] == (
        2299.2,
        2054.9,
        4474.7,
        699.0,
    )
    assert (table["min_km"] < table["median_km"]).all() and (table["mean_km"] < table["max_km"]).all()
