"""The measured tables: what they divide by, what they refuse, what they leave null."""

import polars as pl
import pytest

from g3lib.results import accuracy_table, continent_table, place_table, summary_table
from g3lib.results.accuracy import ACCURACY_SCHEMA, CONTINENT_SCHEMA, PLACE_SCHEMA, SUMMARY_SCHEMA


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


def test_great_circles_and_galleries_stand_beside_the_accuracies(predictions: pl.DataFrame) -> None:
    changed = predictions.with_columns(
        error_haversine_km=pl.col("error_haversine_km").replace(30.1, 24.9),
        gallery_policy=pl.when(pl.col("experiment") == "g3").then(pl.lit("other-authors")),
    )
    table = accuracy_table(changed, 4, 50, 0)
    assert table["accuracy"].to_list()[:5] == [0.25, 0.25, 0.5, 0.5, 0.75]
    assert table["accuracy_haversine"].to_list()[:5] == [0.25, 0.5, 0.5, 0.5, 0.75]
    assert table["gallery_policy"].to_list() == ["other-authors"] * 5 + [None] * 5


def test_the_order_of_photos_changes_nothing(predictions: pl.DataFrame, queries: pl.DataFrame) -> None:
    names = pl.col("city", "state", "country", "continent").fill_null("nowhere")
    placed = predictions.join(queries.drop("benchmark").with_columns(names), on="photo_id", how="left")
    many, asked = (
        pl.concat(
            each.with_columns(pl.format("{}-{}", "photo_id", pl.lit(part)).alias("photo_id"))
            for part in range(25)
        )
        for each in (placed, queries)
    )
    hardly = pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.col("continent", "country", "error_km"))
    many = many.sort("experiment", "photo_id").with_columns(hardly)
    shuffled = many.select(pl.all().shuffle(seed=3).over("experiment"))
    assert shuffled["photo_id"].to_list() != many["photo_id"].to_list()
    for one, other in (
        (accuracy_table(many, 100, 99, 0), accuracy_table(shuffled, 100, 99, 0)),
        (continent_table(many, asked, 99, 0), continent_table(shuffled, asked, 99, 0)),
        (place_table(many, asked, 99, 0), place_table(shuffled, asked.reverse(), 99, 0)),
    ):
        assert one.equals(other)


def test_continents_are_those_of_the_truth_and_share_all_queries(
    predictions: pl.DataFrame, queries: pl.DataFrame
) -> None:
    table = continent_table(predictions, queries, 200, 0)
    own = table.filter(pl.col("experiment") == "g3")
    assert table.schema == CONTINENT_SCHEMA and table.height == 30
    assert own["continent"].unique(maintain_order=True).to_list() == ["Europe", "North America", "none"]
    first = own.filter(pl.col("threshold_km") == 200)
    assert first.select("accuracy", "n", "n_failed").rows() == [(0.0, 1, 0), (1.0, 2, 0), (0.0, 1, 1)]
    by_threshold = own.group_by("threshold_km").agg(
        pl.col("n").sum(), total=(pl.col("accuracy") * pl.col("n")).sum() / pl.col("n").sum()
    )
    whole = accuracy_table(predictions, 4, 10, 0).filter(pl.col("experiment") == "g3")
    assert by_threshold.sort("threshold_km")["total"].to_list() == pytest.approx(whole["accuracy"].to_list())
    assert (own["ci_low"] <= own["accuracy"]).all() and (own["ci_high"] >= own["accuracy"]).all()


def test_a_city_counts_only_in_its_state_and_country(
    predictions: pl.DataFrame, queries: pl.DataFrame
) -> None:
    placed = predictions.filter(pl.col("experiment") == "g3").with_columns(
        city=pl.Series(["Springfield", "Springfield", "Monaco", None]),
        state=pl.Series(["Illinois", "Illinois", None, None]),
        country=pl.Series(["United States", "United States", "Monaco", None]),
        continent=pl.Series(["North America", "North America", "Africa", None]),
    )
    table = place_table(placed, queries, 200, 0)
    assert table.schema == PLACE_SCHEMA
    assert table.select("level", "accuracy", "n", "n_failed").rows() == [
        ("continent", pytest.approx(2 / 3), 3, 0),
        ("country", 1.0, 3, 0),
        ("state", 0.5, 2, 0),  # the second is Springfield in Illinois, not in Oregon
        ("city", pytest.approx(2 / 3), 3, 0),  # Monaco has no state, nor has its prediction
    ]


def test_a_failure_is_in_no_place_and_counts(predictions: pl.DataFrame, queries: pl.DataFrame) -> None:
    nowhere = [pl.lit(None, pl.String).alias(name) for name in ("city", "state", "country", "continent")]
    failed = predictions.with_columns(*nowhere, error_km=pl.lit(None, pl.Float64))
    table = place_table(failed, queries, 50, 0)
    assert set(table["accuracy"]) == {0.0} and (table["n"] == table["n_failed"]).all()


def test_levels_without_a_name_are_left_out(predictions: pl.DataFrame, queries: pl.DataFrame) -> None:
    placed = predictions.with_columns(pl.lit("x").alias(n) for n in ("city", "state", "country", "continent"))
    unnamed = queries.with_columns(city=pl.lit(None, pl.String), state=pl.lit(None, pl.String))
    assert set(place_table(placed, unnamed, 50, 0)["level"]) == {"continent", "country"}


def test_queries_that_are_not_the_predictions_are_refused(
    predictions: pl.DataFrame, queries: pl.DataFrame
) -> None:
    with pytest.raises(ValueError, match="4 rows for a benchmark of 3"):
        continent_table(predictions, queries.head(3), 10, 0)
    other = queries.with_columns(photo_id=pl.col("photo_id").replace("q2", "q9"))
    with pytest.raises(ValueError, match="first 'q2'"):
        continent_table(predictions, other, 10, 0)
    with pytest.raises(ValueError, match="4 rows for a benchmark of 0"):
        continent_table(predictions, queries.with_columns(benchmark=pl.lit("another")), 10, 0)


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
    assert lmm["p90_km"] == float("inf") and lmm["gallery_policy"] == "open"
    assert lmm["parse_failure_rate"] == 0.25
    assert (lmm["tokens_in"], lmm["tokens_out"]) == (800, 80)
    assert plain["parse_failure_rate"] is None and plain["lmm"] is None
    assert (plain["tokens_in"], plain["tokens_out"]) == (0, 0)


def test_no_predictions_give_empty_typed_tables(predictions: pl.DataFrame, candidates: pl.DataFrame) -> None:
    assert accuracy_table(predictions.clear(), 0, 10, 0).schema == ACCURACY_SCHEMA
    assert continent_table(predictions.clear(), predictions.clear(), 10, 0).schema == CONTINENT_SCHEMA
    assert place_table(predictions.clear(), predictions.clear(), 10, 0).schema == PLACE_SCHEMA
    assert summary_table(predictions.clear(), candidates).schema == SUMMARY_SCHEMA
