"""The papers' tables as views: published beside open arms only, one entry a table, every column explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl
import pytest

from g3lib.experiments.published import (
    THRESHOLD_COLUMNS,
    published,
    published_metrics,
    published_references,
    published_rows,
)
from g3lib.experiments.published_tables import PaperTable, paper_tables
from g3lib.geo import haversine_km
from g3lib.store.paper_views import paper_views_sql
from g3lib.store.views import over

if TYPE_CHECKING:
    Connection = duckdb.DuckDBPyConnection

KM = (1, 25, 200, 750, 2500)
NAMED = [table.name for table in paper_tables() if table.of_accuracies]


def accuracy(
    experiment: str, policy: str | None = "open", benchmark: str = "im2gps3k", at: float = 0.4
) -> pl.DataFrame:
    """Five rows of results.accuracy: `at` everywhere, two points of interval on either side."""
    about = {
        "benchmark": benchmark,
        "experiment": experiment,
        "method": "G3",
        "variant": "measured",
        "lmm": "gpt-x",
    }
    values = {"accuracy": at, "ci_low": at - 0.02, "ci_high": at + 0.02, "n": 2997, "n_failed": 3}
    schema = {"gallery_policy": pl.String}
    return pl.DataFrame(
        {**about, "gallery_policy": policy, "threshold_km": KM, **values}, schema_overrides=schema
    )


@pytest.fixture
def measured() -> Iterator[Connection]:
    """G3 in two arms and by another LMM, the LMM alone, an experiment of no table; on two benchmarks."""
    frames = [
        accuracy("g3"),
        accuracy("g3+other-authors", "other-authors", at=0.3),
        accuracy("g3@llava", at=0.2),
        accuracy("lmm-only", None, at=0.25),
        accuracy("g3-paper-wording"),
        accuracy("g3", benchmark="own-photos"),
    ]
    with over({"accuracy": pl.concat(frames), "published": published()}) as connection:
        yield connection


def rows(connection: Connection, sql: str) -> list[tuple[object, ...]]:
    return connection.sql(sql).fetchall()


def test_published_numbers_stand_beside_the_open_arm_only(measured: Connection) -> None:
    found = rows(
        measured,
        "select experiment, gallery_policy, accuracy, published, round(difference, 4), covered, basis "
        "from results.table_1 where benchmark = 'im2gps3k' and threshold_km = 25 and accuracy is not null",
    )
    assert found == [
        ("g3", "open", 0.4, 0.4094, -0.0094, True, "paper"),
        ("g3@llava", "open", 0.2, None, None, None, None),
        ("g3+other-authors", "other-authors", 0.3, None, None, None, None),
        ("lmm-only", None, 0.25, None, None, None, None),
    ]
    outside = rows(measured, "select threshold_km from results.table_1 where covered = false order by 1")
    assert outside == [(1,), (200,), (750,), (2500,)]


def test_what_nobody_measured_is_there_and_each_printed_number_once(measured: Connection) -> None:
    counted = "select count(published), count(*) filter (accuracy is not null) from results.table_1"
    assert rows(measured, counted) == [(100, 25)]
    places = rows(
        measured, "select distinct place, method from results.table_1 where published is not null order by 1"
    )
    assert [place for place, _ in places] == list(range(10)) and places[0][1] == "[L]kNN, sigma=4"
    assert rows(
        measured, "select distinct experiment from results.table_7 where accuracy is not null order by 1"
    ) == [
        ("g3",),
        ("g3+other-authors",),
        ("g3@llava",),
    ]


def test_with_nothing_measured_every_table_shows_what_is_printed() -> None:
    with over({"published": published()}) as connection:
        counts = {
            name: rows(connection, f"select count(published) from results.{name}")[0][0] for name in NAMED
        }
    assert counts == {
        "table_1": 100,
        "table_2": 40,
        "table_4": 20,
        "table_5": 15,
        "table_7": 10,
        "figure_3": 5,
        "figure_4": 5,
        "im2city": 0,  # gains alone are printed
    }


def test_all_named_tables_have_the_same_columns(measured: Connection) -> None:
    columns = {tuple(measured.sql(f"from results.{name}").columns) for name in NAMED}
    assert len(columns) == 1 and "name" not in columns.pop()


def test_every_view_and_column_says_what_it_is() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema results")
        for name, frame in (("accuracy", accuracy("g3")), ("published", published())):
            connection.execute(f"create table results.{name} as from frame")
            assert frame.height
        needed = {
            "reference": "benchmark, photo_id, gallery, policy, rank, reference_dataset, reference_id, "
            "reference_author, similarity, lat, lon, kind",
            "query": "benchmark, photo_id, author, lat, lon, scene, detail, country",
            "prediction": "benchmark, experiment, gallery_policy, photo_id, author, error_km, country, true_lat, "
            "true_lon, lat, lon, source, score, lmm",
        }
        for name, columns in needed.items():
            typed = ", ".join(f"{each} double" for each in columns.split(", "))
            connection.execute(f"create table results.{name} ({typed})")
        asked = (
            "name, place, arm, series, experiment, test_set, scale, accuracy, ci_low, ci_high, mean_accuracy, chance, "
            "majority, labels, n, n_outside, trained_on, kind, backbone, label_set, training, shots"
        )
        typed = ", ".join(f"{each} varchar" for each in asked.split(", "))
        connection.execute(f"create table results.city_question ({typed})")
        connection.execute(paper_views_sql())
        views = connection.sql(
            "select view_name from duckdb_views() where schema_name = 'results'"
        ).fetchall()
        assert {name for (name,) in views} >= {
            *NAMED,
            "paper_row",
            "paper_result",
            "state_of_the_art",
            "case_study",
        }
        for source, what in (("duckdb_views", "view_name"), ("duckdb_columns", "table_name")):
            missing = connection.sql(
                f"from {source}() where comment is null and schema_name = 'results' "
                f"and {what} not in ('accuracy', 'published', 'reference', 'query', 'prediction', 'city_question')"
            )
            assert missing.fetchall() == []


def test_a_table_of_another_paper_is_one_entry() -> None:
    entry = PaperTable("gem", "accuracies", "GEM's gains", "IM2City (GeoAI 2022)", "abstract", ("nn-clip",))
    with over(
        {"published": published(), "accuracy": accuracy("nn-clip", benchmark="place-pulse-2")}
    ) as connection:
        for view in [*NAMED, "paper_result", "state_of_the_art", "case_study", "worst_miss", "failure_study"]:
            connection.execute(f"drop view results.{view}")
        connection.execute("drop view results.paper_row")
        connection.execute(paper_views_sql((entry,)))
        found = rows(
            connection,
            "select method, variant, threshold_km, accuracy, left(note, 7) from results.gem "
            "where benchmark = 'place-pulse-2' and coalesce(threshold_km, 1) = 1",
        )
        comment = rows(connection, "select comment from duckdb_views() where view_name = 'gem'")
    assert found == [
        ("GEM", "zero-shot", None, None, "+49.5 %"),
        ("GEM", "linear probing", None, None, "+71.0 %"),
        ("G3", "measured", 1, 0.4, None),
    ]
    assert comment == [("GEM's gains: IM2City (GeoAI 2022), abstract, measured beside published.",)]


# --- leaderboard and table 3


def test_the_leaderboard_keeps_published_numbers_from_other_arms(measured: Connection) -> None:
    found = rows(
        measured,
        "select experiment, gallery_policy, published, basis, year from results.leaderboard "
        "where benchmark = 'im2gps3k' and threshold_km = 25 and experiment like 'g3%' and accuracy is not null",
    )
    assert found == [
        ("g3", "open", 0.4094, "paper", 2024),
        ("g3+other-authors", "other-authors", None, None, None),
        ("g3-paper-wording", "open", None, None, None),
        ("g3@llava", "open", None, None, None),
    ]


def test_an_arm_that_bears_the_plain_name_gets_no_published_number() -> None:
    arm = accuracy("g3", "other-authors")
    with over({"accuracy": arm, "published": published()}) as connection:
        for view in ("leaderboard", "table_1"):
            beside = (
                f"select count(*) from results.{view} where accuracy is not null and published is not null"
            )
            assert rows(connection, beside) == [(0,)]


def test_table_3_has_both_sides_and_their_difference() -> None:
    about = {"benchmark": "im2gps3k", "gallery": "image", "kind": "similar", "top": 5, "queries": 2997}
    distances = {"mean_km": 2500.0, "median_km": 2200.0, "max_km": 5000.0, "min_km": 800.7}
    frame = pl.DataFrame({**about, "policy": ["open", "other-authors"], **distances})
    with over({"reference_distance": frame, "published_reference": published_references()}) as connection:
        found = rows(
            connection,
            "select policy, mean_difference_km, min_difference_km from results.table_3 where mean_km is not null",
        )
        assert found == [("open", pytest.approx(-54.7), 0.0), ("other-authors", None, None)]
        assert rows(connection, "select count(published_mean_km), count(*) from results.table_3") == [(9, 10)]


# --- the state of the art


def test_the_best_of_each_column() -> None:
    sql = (
        "select (benchmark, threshold_km)::varchar, string_agg(method, ' / ' order by method) "
        "from results.state_of_the_art where rank = 1 group by all"
    )
    with over({"published": published()}) as connection:
        best = dict(connection.sql(sql).fetchall())
    assert [best[f"(im2gps3k, {km})"] for km in KM] == [*["GeoSearch"] * 3, "GeoRouter", "GeoRouter"]
    assert [best[f"(yfcc4k, {km})"] for km in KM] == [
        *("Pinpoint", "GeoRouter", "GeoRouter", "GeoRouter", "Geo-ADAPT / Pinpoint"),
    ]
    assert [best[f"(osv5m, {km})"] for km in KM] == ["GeoLocSFT", *["Pinpoint"] * 4]
    assert best["(gws15k, 2500)"] == "VLM-VPR"


def test_ours_stand_among_the_published_numbers_each_of_which_counts_once(measured: Connection) -> None:
    ours = rows(
        measured,
        "select experiment, accuracy, rank, basis from results.state_of_the_art "
        "where ours and benchmark = 'im2gps3k' and threshold_km = 25 order by rank, experiment",
    )
    assert [row[0] for row in ours] == ["g3", "g3-paper-wording", "g3+other-authors", "lmm-only", "g3@llava"]
    printed = published_rows().filter(benchmark="im2gps3k").unique(["paper", "method", *THRESHOLD_COLUMNS])
    assert ours[0][2] == 1 + printed.filter(pl.col("25") > 40).height
    g3 = (
        "select variant, accuracy from results.state_of_the_art where method = 'G3' and not ours and "
        "benchmark = 'yfcc4k' and threshold_km = 1 order by 2"
    )
    assert rows(measured, g3) == [
        ("w/o Geo-V", 0.1903),
        ("w/o Geo-D", 0.2028),
        ("w/o Geo-A", 0.208),
        ("full", 0.2399),
    ]


# --- case and failure studies


def test_a_case_study_tells_how_far_each_reference_lies() -> None:
    generator = np.random.default_rng(0)
    lat, lon = generator.uniform(-90, 90, 60), generator.uniform(-180, 180, 60)
    queries = pl.DataFrame(
        {"benchmark": "b", "photo_id": ["q0", "q1"], "author": ["ann", None], "lat": lat[:2], "lon": lon[:2]}
    )
    references = pl.DataFrame(
        {
            "benchmark": "b",
            "gallery": ["image", "image-gps-text"] * 20,
            "policy": "open",
            "kind": ["similar"] * 28 + ["dissimilar"] * 12,
            "photo_id": ["q0", "q0", "q1", "q1"] * 10,
            "rank": np.arange(40) // 4,
            "reference_dataset": "g",
            "reference_id": [f"r{i}" for i in range(40)],
            "reference_author": ["ann", "bob", "bob", None] * 10,
            "lat": lat[2:42],
            "lon": lon[2:42],
            "similarity": 0.5,
        }
    )
    references = references.with_columns(  # three of q0's first five by G3 lie within some 100 m
        lat=pl.when(pl.col("reference_id").is_in(["r1", "r5", "r9"])).then(lat[0] + 1e-3).otherwise("lat"),
        lon=pl.when(pl.col("reference_id").is_in(["r1", "r5", "r9"])).then(lon[0]).otherwise("lon"),
    )
    with over({"query": queries, "reference": references}) as connection:
        found = connection.sql("from results.case_study").pl()
    assert found.height == 28
    columns = (found[name] for name in ("lat", "lon", "true_lat", "true_lon"))
    expected = haversine_km(*(each.to_numpy() for each in columns))
    assert np.abs(found["distance_km"].to_numpy() - expected).max() < 1e-6
    assert found.sort("reference_id").filter(photo_id="q1")["same_author"].null_count() == 14
    near = found.select("photo_id", "gallery", "within_1_km_of_5").unique().sort("photo_id", "gallery")
    assert near["within_1_km_of_5"].to_list() == [0, 3, 0, 0]
    own = found.filter(pl.col("rank") < 5, photo_id="q1", gallery="image")
    assert own["median_km_of_5"].unique().to_list() == [pytest.approx(own["distance_km"].median())]


@pytest.fixture
def missed() -> Iterator[Connection]:
    """Twelve queries of two scenes: the natural ones far off, two of them without a prediction, two at 2500 km."""
    far = [3000.0, 9000.0, 2500.0, 2499.9, None, None]
    near = [0.5, 1.5, 30.0, 8000.0, 10.0, 20.0]
    ids = [f"q{i:02d}" for i in range(12)]
    predictions = pl.DataFrame(
        {
            "benchmark": "b",
            "experiment": "g3",
            "gallery_policy": "open",
            "photo_id": ids,
            "error_km": far + near,
        }
    )
    queries = pl.DataFrame(
        {
            "benchmark": "b",
            "photo_id": ids,
            "scene": ["natural"] * 6 + ["urban"] * 6,
            "detail": ["little"] * 6 + ["much"] * 6,
        }
    )
    with over({"prediction": predictions, "query": queries}) as connection:
        yield connection


def test_failures_are_grouped_by_what_the_photo_shows(missed: Connection) -> None:
    natural, urban = missed.sql("from results.failure_study").pl().to_dicts()
    assert (natural["scene"], natural["detail"], natural["n"], natural["n_failed"]) == (
        "natural",
        "little",
        6,
        2,
    )
    assert natural["beyond_2500_km"] == pytest.approx(5 / 6) and urban["beyond_2500_km"] == pytest.approx(
        1 / 6
    )
    assert natural["median_km"] == pytest.approx(
        (3000.0 + 9000.0) / 2
    )  # the two failures are farther than all
    assert natural["worst_photos"] == ["q01", "q00", "q02", "q03"] and natural["worst_km"] == 9000.0
    assert urban["worst_photos"] == ["q09", "q08", "q11", "q10", "q07"]


def test_the_worst_misses_are_ranked_and_what_has_no_error_is_not_among_them(missed: Connection) -> None:
    found = rows(missed, "select rank, photo_id, error_km, scene from results.worst_miss limit 3")
    assert found == [
        (1, "q01", 9000.0, "natural"),
        (2, "q09", 8000.0, "urban"),
        (3, "q00", 3000.0, "natural"),
    ]
    assert rows(missed, "select count(*) from results.worst_miss") == [(10,)]


def test_other_measures_fit_their_table() -> None:
    with over({"published_metric": published_metrics()}) as connection:
        assert rows(
            connection,
            "select value from results.published_metric where metric = 'median_km' and method = 'GeoBridge'",
        ) == [(145.8,)]
