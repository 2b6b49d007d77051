"""The warehouse: complete, typed when empty, traceable, and never half there."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from small_home import (
    NO_HISTORY,
    PARTITION,
    QUERIES,
    RUNS,
    candidates,
    history_of,
    predictions,
    put,
    put_results,
    record_of,
)

from g3lib.experiments.published import published, published_metrics
from g3lib.results import accuracy_table, summary_table
from g3lib.results.accuracy import SUMMARY_SCHEMA
from g3lib.store import Home, Key, Record, warehouse
from g3lib.store.artifacts import commit_card
from g3lib.store.committed import Commit
from g3lib.store.warehouse import Published, WarehouseError, publish, query

PRICES = {"gpt-4": (10.0, 30.0)}
Connection = duckdb.DuckDBPyConnection
CITY_TABLES = (
    *("results.city_label", "results.city_photo", "results.city_model", "results.city_choice"),
    *("results.city_prediction", "results.city_accuracy", "results.city_reliability", "results.city_set"),
    *("results.city_proximity", "results.city_proximity_comparison", "results.city_pair"),
    *("results.city_neighbour", "results.city_neighbour_summary"),
    *("results.city_wrong_answer", "results.city_wrong_distance"),
)


def published_now(home: Home, history: pl.DataFrame = NO_HISTORY) -> Published:
    return publish(home, RUNS, history, PRICES)


def test_nothing_at_all_still_gives_every_table(home: Home) -> None:
    done = publish(home, RUNS.clear(), NO_HISTORY, PRICES)
    packaged = {"results.published_reference", "results.published_metric"}
    assert {name for name, rows in done.tables.items() if rows} == packaged
    assert query(home, "from results.prediction").schema["lat"] == pl.Float64
    assert query(home, "from results.leaderboard").height == 0
    assert query(home, "from lineage.trace('predictions', 'a|b')").height == 0


def test_every_file_and_record_arrives(home: Home) -> None:
    put_results(home)
    done = published_now(home)
    assert done.path == home.warehouse
    assert done.tables == {
        "results.prediction": QUERIES,
        "results.candidate": 2 * QUERIES,
        "results.accuracy": 5,
        "results.accuracy_by_continent": 10,
        "results.place_accuracy": 2,
        "results.query": QUERIES,
        "results.reference": QUERIES,
        "results.diagnosis": QUERIES,
        "results.comparison": 5,
        "results.summary": 1,
        "results.pool_choice": 2,
        "results.published": published().height,
        "results.published_metric": published_metrics().height,
        "results.published_reference": 9,
        "results.reference_distance": 2,
        "results.photo": 20,
        "results.photo_ledger": 24,
        "results.photo_census": 1,
        "results.photo_duplicate": 1,
        "results.leaked_query": 1,
        "results.author_overlap": 1,
        "results.metadata_finding": 1,
        **dict.fromkeys(CITY_TABLES, 0),  # tests/assets/test_im2city.py has some
        "results.place": 1,
        "lineage.materialization": 20,
        "lineage.input": 26,
        "lineage.run": 2,
        "lineage.check": 20,
    }
    assert query(home, "from results.photo_census").row(0)[:3] == ("mp16", "mp16-000000", "stored")
    fates = query(home, "select shard, fate, count(*) from results.photo_ledger group by all order by all")
    assert fates.rows()[:2] == [("im2gps3k-000000", "gone", 2), ("im2gps3k-000000", "stored", 10)]
    row = query(home, "from results.prediction where photo_id = 'q9'").row(0, named=True)
    assert row["error_km"] is None and row["run_id"] == "run-1"
    made = query(home, "from lineage.materialization where asset = 'predictions'").row(0, named=True)
    assert made["path"] == "tables/predictions/im2gps3k__g3.parquet" and made["current"]
    assert json.loads(made["config"]) == {"lmm": {"model": "gpt-4"}}
    runs = query(home, "from lineage.run order by run_id")
    assert runs["started_at"].cast(pl.String)[1].startswith("2026-01-02 00:00:00")  # UTC
    assert query(home, "select distinct shard from results.photo order by 1").to_series()[1] == (
        "mp16-000000"
    )


def test_table_3_has_the_published_distances_beside_the_open_gallery(home: Home) -> None:
    put_results(home)
    published_now(home)
    board = query(home, "from results.table_3")
    rows = board.drop_nulls("mean_km").select("policy", "mean_km", "published_mean_km", "mean_difference_km")
    assert rows.rows() == [
        ("open", 2500.0, 2554.7, pytest.approx(-54.7)),
        ("other-authors", 2600.0, None, None),
    ]
    assert board["published_mean_km"].drop_nulls().len() == 9  # those that nobody measured are there, too


def test_summaries_carry_cost_and_time(home: Home) -> None:
    put_results(home)
    published_now(home)
    row = query(home, "from results.summary").row(0, named=True)
    assert row["cost_usd"] == pytest.approx((QUERIES * 500 * 10 + QUERIES * 20 * 30) / 1e6)
    assert row["seconds"] == 55.0


def of_another_lmm(home: Home, name: str, lmm: str | None) -> None:
    """Predictions and candidates of another experiment, by another LMM or none."""
    tables = {"predictions": predictions(name), "scored_candidates": candidates(name)}
    for asset, frame in tables.items():
        named = frame.with_columns(lmm=pl.when(pl.col("lmm").is_not_null()).then(pl.lit(lmm, pl.String)))
        if lmm is None and asset == "scored_candidates":
            named = named.filter(source="retrieval")
        put(home, Key(asset, f"im2gps3k|{name}"), named)


def test_every_lmm_costs_its_own_price_and_one_without_a_price_nobody_knows_what(home: Home) -> None:
    put_results(home)
    for name, lmm in (("cheap", "llava"), ("dear", "mystery"), ("nn", None)):
        of_another_lmm(home, name, lmm)
    publish(home, RUNS, NO_HISTORY, PRICES | {"llava": (0.0, 0.0), "nobody": (1.0, 1.0)})
    costs = dict(query(home, "select experiment, cost_usd from results.summary").rows())
    assert costs == {"g3": pytest.approx(0.224), "cheap": 0.0, "dear": None, "nn": 0.0}


def test_a_summary_without_candidates_costs_nothing(home: Home) -> None:
    put(home, Key("predictions", PARTITION), predictions())
    published_now(home)
    assert query(home, "select cost_usd, tokens_in from results.summary").row(0) == (0.0, 0)


def test_unread_answers_are_shown_and_older_tables_have_none(home: Home) -> None:
    put_results(home)
    old = candidates("old").drop("answer")
    put(home, Key("scored_candidates", "im2gps3k|old"), old)
    published_now(home)
    shown = "select experiment, count(answer), count(failure) from results.candidate group by 1 order by 1"
    assert query(home, shown).rows() == [("g3", 8, 8), ("old", 0, 8)]
    home.table(Key("scored_candidates", PARTITION)).unlink()
    published_now(home)
    assert query(home, shown).rows() == [("old", 0, 8)]


@pytest.mark.parametrize("failed", [0, 19, 20, 21, 40])
def test_summaries_are_those_of_the_library(home: Home, failed: int) -> None:
    put_results(home)
    error = pl.when(pl.int_range(pl.len()) >= failed).then(pl.int_range(pl.len()) * 10.0)
    own = predictions("nn-clip").with_columns(error_km=error, lmm=pl.lit(None, pl.String))
    found = candidates("nn-clip").filter(pl.col("source") == "retrieval")
    put(home, Key("predictions", "im2gps3k|nn-clip"), own)
    put(home, Key("scored_candidates", "im2gps3k|nn-clip"), found)
    published_now(home)
    names = SUMMARY_SCHEMA.names()
    measured = query(home, "from results.summary order by experiment").select(names)
    both = pl.concat([predictions(), own], how="vertical_relaxed")
    expected = summary_table(both, pl.concat([candidates(), found]))
    assert_frame_equal(measured, expected, check_dtypes=False)


def test_the_leaderboard_joins_both_sides_and_keeps_the_rest(home: Home) -> None:
    put_results(home)
    other = predictions("img2loc").with_columns(benchmark=pl.lit("toy"))
    put(home, Key("accuracy", "toy|img2loc"), accuracy_table(other, QUERIES, 100, 0))
    published_now(home)
    board = query(home, "from results.leaderboard")
    both = board.drop_nulls(["accuracy", "published"])
    assert both["paper_table"].unique().to_list() == ["Table 1, Table 2, Table 4, Table 7"]
    assert both.height == 5 and set(both["lmm"]) == {"gpt-4"}
    covered = both["published"].is_between(both["ci_low"], both["ci_high"])
    assert both["covered"].to_list() == covered.to_list()
    assert (both["difference"] - (both["accuracy"] - both["published"])).abs().max() == 0
    assert board.filter(benchmark="toy").height == 5  # measured, never published
    assert board.filter(benchmark="place-pulse-2").height == 2  # published, never measured
    assert board.filter(pl.col("method") == "PIGEON").height == 10
    assert board.filter(experiment="img2loc", benchmark="im2gps3k").height == 10  # two papers


def test_trace_goes_down_to_the_photos_each_once_at_its_smallest_depth(home: Home) -> None:
    put_results(home)
    published_now(home)
    trace = query(home, f"from lineage.trace('predictions', '{PARTITION}')")
    found = {(row["asset"], row["partition"]): row["depth"] for row in trace.to_dicts()}
    assert found == {
        ("predictions", PARTITION): 0,
        ("scored_candidates", PARTITION): 1,
        ("photos", "im2gps3k-000000"): 1,
        ("candidates", PARTITION): 2,
        ("gallery_index", "image"): 3,
        ("photos", "mp16-000000"): 4,
    }
    assert trace.height == len(found) and trace["code_version"].null_count() == 0
    assert query(home, "from lineage.trace('published')").height == 1  # partition null


def test_trace_follows_the_versions_that_were_used_even_if_superseded(home: Home) -> None:
    old = record_of(Key("photos", "mp16-000000"), "photos-old", path="images/mp16/old.tar")
    older = record_of(Key("photos", "mp16-000000"), "photos-older")
    index = record_of(Key("gallery_index", "image"), "index-old", (old,))
    lost = record_of(Key("captions"), "captions-1")
    put_results(home)
    made = put(home, Key("accuracy", "b|e"), pl.DataFrame({"benchmark": ["b"]}), index, lost)
    home.table(made.key).unlink()
    table = pl.DataFrame(schema={"n": pl.Int64})
    put(home, Key("things", "b|e"), table, index, lost)
    published_now(home, history_of(old, older, index, made, made))
    trace = query(home, "from lineage.trace('things', 'b|e')").to_dicts()
    found = {row["data_version"]: row["path"] for row in trace if row["depth"]}
    assert found == {"index-old": "", "photos-old": "images/mp16/old.tar", "captions-1": None}
    flags = "select data_version, current from lineage.materialization where asset = $$photos$$"
    assert query(home, flags).sort("data_version").rows()[-2:] == [
        ("photos-old", False),
        ("photos-older", False),
    ]
    removed = query(home, "from lineage.materialization where partition = 'b|e' and not current")
    assert removed["asset"].to_list() == ["accuracy"]  # once, though there were two events


def test_data_made_twice_alike_has_the_inputs_of_its_current_making(home: Home) -> None:
    first, second = (record_of(Key("photos", "p-000000"), name) for name in ("one", "two"))
    before = replace(record_of(Key("heads"), "same", (first,)), code_version="0")
    now = record_of(Key("heads"), "same", (second,), seconds=20)
    commit_card(home.card("models", now.key), now)
    published_now(home, history_of(first, second, before, now))
    assert query(home, "select upstream_data_version from lineage.input").rows() == [("two",)]
    assert query(home, "from lineage.materialization where asset = 'heads'").height == 2
    assert query(home, "select depth, code_version from lineage.trace('heads')").rows() == [
        (0, "1"),
        (1, "1"),
    ]


def test_runs_may_come_with_timestamps_of_any_kind(home: Home) -> None:
    at = pl.col("started_at").str.to_datetime(time_zone="UTC")
    zoned = RUNS.with_columns(at, finished_at=at.dt.replace_time_zone(None), tags=pl.lit(None))
    publish(home, zoned, NO_HISTORY, PRICES)
    rows = query(home, "from lineage.run order by run_id")
    assert rows["started_at"].equals(rows["finished_at"])
    assert rows["started_at"].cast(pl.String)[1].startswith("2026-01-02 00:00:00")


def test_a_file_replaced_under_way_stays_as_its_record_says(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_results(home)
    load = warehouse._load
    replaced: list[Record] = []

    def interfering(connection: Connection, table: str, commits: Sequence[Commit]) -> None:
        if not replaced:
            replaced.append(put(home, Key("predictions", PARTITION), predictions(queries=7)))
            home.table(Key("published")).unlink()
        load(connection, table, commits)

    monkeypatch.setattr(warehouse, "_load", interfering)
    versions = "select data_version from lineage.materialization where asset = 'predictions'"
    done = published_now(home)
    assert done.tables["results.prediction"] == QUERIES and done.tables["results.published"] > 0
    assert query(home, versions).item() != replaced[0].data_version
    done = published_now(home)
    assert done.tables["results.prediction"] == 7 and done.tables["results.published"] == 0
    assert query(home, versions).item() == replaced[0].data_version


def test_events_of_another_version_are_left_out(home: Home) -> None:
    history = pl.DataFrame({"run_id": ["r"] * 3, "record": ["{}", None, "no JSON"]})
    assert published_now(home, history).tables["lineage.materialization"] == 0


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_a_damaged_file_is_named_and_nothing_is_swapped(home: Home, keep: float) -> None:
    put_results(home, queries=2000)
    published_now(home)
    before = home.warehouse.stat().st_ino
    put(home, Key("predictions", "im2gps3k|other"), predictions("other"))
    bad = home.table(Key("predictions", "im2gps3k|g3"))
    data = bytearray(bad.read_bytes())
    if keep == 0.5:  # the footer is fine, a page is not
        data[200:-6000] = os.urandom(len(data) - 6200)
    bad.write_bytes(data if keep == 0.5 else data[: int(keep)])
    with pytest.raises(WarehouseError, match=r"im2gps3k__g3\.parquet.*delete it and run again"):
        published_now(home)
    assert home.warehouse.stat().st_ino == before
    assert query(home, "select count(*) from results.prediction").item() == 2000
    assert not list(home.root.glob(".*"))


def test_a_file_that_lacks_a_column_is_named(home: Home) -> None:
    put_results(home)
    frame = candidates().drop("chosen").with_columns(experiment=pl.lit("x"))
    put(home, Key("scored_candidates", "im2gps3k|x"), frame)
    home.table(Key("scored_candidates", PARTITION)).unlink()
    with pytest.raises(WarehouseError, match=r"im2gps3k__x\.parquet.*chosen"):
        published_now(home)


def test_without_a_warehouse_the_remedy_is_named(home: Home) -> None:
    with pytest.raises(WarehouseError, match="run `g3 run` first"):
        query(home, "select 1")


def test_the_file_is_read_only_and_errors_of_sql_pass_through(home: Home) -> None:
    published_now(home)
    assert stat.S_IMODE(home.warehouse.stat().st_mode) == 0o444
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        query(home, "delete from results.prediction")
    with pytest.raises(duckdb.CatalogException, match="nonsense"):
        query(home, "from nonsense")


def test_a_stray_wal_does_not_reach_the_new_file(home: Home) -> None:
    published_now(home)
    wal = Path(f"{home.warehouse}.wal")
    wal.write_bytes(b"left by a killed shell")
    published_now(home)
    assert not wal.exists()
    assert query(home, "select 1 as one").item() == 1


def test_a_reader_that_stays_keeps_the_old_file_and_blocks_nobody(home: Home) -> None:
    published_now(home)
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True);"
        "print('open', flush=True); sys.stdin.read();"
        "print(c.sql('from results.prediction').shape[0])"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(home.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout and reader.stdout.readline() == "open\n"
    put_results(home)
    assert published_now(home).tables["results.prediction"] == QUERIES
    assert reader.communicate()[0].strip() == "0" and reader.returncode == 0


READER = """
import os, sys, time
from pathlib import Path
from g3lib.store import Home
from g3lib.store.warehouse import query
home, seen, parent = Home(Path(sys.argv[1])), set(), os.getppid()
print("ready", flush=True)
while not (home.root / "stop").exists() and os.getppid() == parent:
    row = query(home, "select (select count(*) from results.prediction),"
        "(select count(*) from results.candidate), (select count(*) from lineage.run)").row(0)
    seen.add(row)
    time.sleep(0.02)  # the publisher needs the processor too
print(sorted(seen))
"""


def test_a_reader_in_a_loop_never_sees_an_error_or_half_a_table(home: Home) -> None:
    put_results(home)
    published_now(home)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(home.root)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert reader.stdout and reader.stdout.readline() == "ready\n"
        for count in (1, 2, 1, 2):
            publish(home, RUNS.head(count), NO_HISTORY, PRICES)
    finally:
        (home.root / "stop").touch()
    out, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert out.strip() == "[(40, 80, 1), (40, 80, 2)]"


KILLED = """
import sys, time
from pathlib import Path
import polars as pl
from g3lib.store import Home, warehouse
load = warehouse._load
def slow(connection, table, commits):
    load(connection, table, commits)
    if table == "accuracy":
        print("half", flush=True)
        time.sleep(60)
warehouse._load = slow
runs = pl.DataFrame(schema=dict.fromkeys(
    ("run_id", "job", "status", "started_at", "finished_at", "tags"), pl.String))
warehouse.publish(Home(Path(sys.argv[1])), runs, pl.DataFrame(schema={"record": pl.String}), {})
"""


def test_a_publication_killed_half_way_leaves_the_old_file_and_no_lock(home: Home) -> None:
    published_now(home)
    put_results(home)
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(home.root)], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout and victim.stdout.readline() == "half\n"
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert list(home.root.glob(".warehouse.duckdb.*"))
    assert query(home, "select count(*) from results.prediction").item() == 0
    assert published_now(home).tables["results.prediction"] == QUERIES
    assert not list(home.root.glob(".warehouse.duckdb.*"))


def test_a_thousand_materializations_take_a_moment(home: Home) -> None:
    source = put_results(home)
    events = [record_of(Key("things", str(i)), f"v{i}", (source,)) for i in range(1000)]
    started = time.process_time()
    assert published_now(home, history_of(*events)).tables["lineage.materialization"] == 1020
    assert time.process_time() - started < 2.0
