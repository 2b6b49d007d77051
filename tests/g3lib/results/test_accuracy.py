"""The measured tables: what they divide by, what they refuse, what they leave null."""

import polars as pl
import pytest

from g3lib.results import accuracy_table, summary_table
from g3lib.results.accuracy import ACCURACY_SCHEMA, SUMMARY_SCHEMA


def test_accuracies_divide_by_all_queries(predictions: pl.DataFrame) -> None:
    table = accuracy_table(predictions, 4, 500, 0)
    own = table.filter(pl.col("experiment") == "g3")
    assert table.schema == ACCURACY_SCHEMA and table.height == 10
    assert own["threshold_km"].to_list() == [1, 25, 200, 750, 2500]
    assert own["accuracy"].to_list() == [0.25, 0.25, 0.5, 0.5, 0.75]
    assert set(own["n"]) == {4} and set(own["n_failed"]) == {1}
    assert set(own["lmm"]) == {"stand-in"} and set(own["gallery_policy"]) == {"open"}


def test_the_printed_interval_is_the_wider_one_and_holds_the_accuracy(
    predictions: pl.DataFrame,
) -> None:
    table = accuracy_table(predictions, 4, 500, 0)
    width = [table[f"{name}_high"] - table[f"{name}_low"] for name in ("ci", "ci_iid", "ci_author")]
    assert ((width[0] >= width[1]) & (width[0] >= width[2])).all()
    assert table["accuracy"].is_between(table["ci_low"], table["ci_high"]).all()


def test_photos_of_nobody_in_particular_are_no_cluster(predictions: pl.DataFrame) -> None:
    nobody = predictions.with_columns(author=pl.lit("unknown"))
    alone = predictions.with_columns(author=pl.col("photo_id"))
    table, expected = (accuracy_table(each, 4, 500, 0) for each in (nobody, alone))
    assert table.select("ci_author_low", "ci_author_high").equals(
        expected.select("ci_author_low", "ci_author_high")
    )


def test_one_seed_gives_one_table(predictions: pl.DataFrame) -> None:
    assert accuracy_table(predictions, 4, 99, 1).equals(accuracy_table(predictions, 4, 99, 1))


def test_a_missing_query_is_named_with_both_numbers(predictions: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="4 rows for a benchmark of 2997"):
        accuracy_table(predictions, 2997, 10, 0)


def test_a_repeated_query_is_named(predictions: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="first 'q1'"):
        accuracy_table(pl.concat([predictions, predictions.head(1)]), 4, 10, 0)


def test_summaries_count_answers_and_tokens(predictions: pl.DataFrame, candidates: pl.DataFrame) -> None:
    table = summary_table(predictions, candidates)
    lmm, plain = table.rows(named=True)
    assert table.schema == SUMMARY_SCHEMA
    assert lmm["median_km"] == pytest.approx(465.0) and lmm["mean_km"] == pytest.approx(310.17, 1e-4)
    assert lmm["parse_failure_rate"] == 0.25
    assert (lmm["tokens_in"], lmm["tokens_out"]) == (800, 80)
    assert plain["parse_failure_rate"] is None and plain["lmm"] is None
    assert (plain["tokens_in"], plain["tokens_out"]) == (0, 0)


def test_no_predictions_give_empty_typed_tables(predictions: pl.DataFrame, candidates: pl.DataFrame) -> None:
    assert accuracy_table(predictions.clear(), 0, 10, 0).schema == ACCURACY_SCHEMA
    assert summary_table(predictions.clear(), candidates).schema == SUMMARY_SCHEMA
