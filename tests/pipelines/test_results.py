"""The tables about the predictions: what they must agree on with each other, in the home of a whole run."""

from collections.abc import Callable, Iterator
from itertools import combinations

import duckdb
import polars as pl
import pytest
from tiny import BENCHMARK, QUERIES, Finished, TinyHome

from g3lib.geo import geodesic_km
from g3lib.places import geocode
from g3lib.store import Key

ARM = "g3+other-authors"


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


@pytest.fixture(scope="module")
def warehouse(done: TinyHome) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(done.home.warehouse, read_only=True) as connection:
        yield connection


def test_every_query_is_described_once(done: TinyHome, warehouse: duckdb.DuckDBPyConnection) -> None:
    queries = warehouse.sql("from results.query").pl()
    assert queries.height == queries["photo_id"].n_unique() == QUERIES
    gallery = warehouse.sql("from results.photo where dataset = 'blue-marble'").pl()
    for row in queries.head(5).iter_rows(named=True):
        km = geodesic_km(row["lat"], row["lon"], gallery["lat"].to_numpy(), gallery["lon"].to_numpy())
        assert row["gallery_km"] == pytest.approx(km.min(), abs=1e-6)
    assert (queries["gallery_km"] <= queries["gallery_km_other_authors_no_duplicates"]).all()
    assert set(queries["detail"]) == {"little", "medium", "much"}
    assert queries["scene"].null_count() == QUERIES, "nobody says what a tile shows"


def test_predictions_and_truths_are_named_by_one_geocoder(
    done: TinyHome, warehouse: duckdb.DuckDBPyConnection
) -> None:
    names = ("city", "state", "country", "continent")
    for table in ("prediction", "query"):
        found = warehouse.sql(f"from results.{table} where lat is not null").pl()
        told = geocode(found["lat"], found["lon"], done.profile().places.near_km)
        assert found.select(names).equals(told.select(names))
        assert found["country"].null_count() < found.height


def test_misses_have_one_kind_each(done: TinyHome, warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.sql(
        "select m.experiment, m.n, m.hit - a.accuracy, hit + ranking + retrieval + coverage + proposal - 1 "
        "from results.miss as m join results.accuracy as a using (benchmark, experiment, threshold_km)"
    ).fetchall()
    assert len(rows) == 5 * len(done.profile().arms)
    assert all(n == QUERIES and abs(off) < 1e-9 and abs(rest) < 1e-9 for _, n, off, rest in rows)


def test_an_oracle_is_never_worse_than_the_choice(warehouse: duckdb.DuckDBPyConnection) -> None:
    worse = warehouse.sql(
        "select * from results.oracle as o join results.accuracy as a using (benchmark, experiment, threshold_km) "
        "where k is null and o.accuracy < a.accuracy - 1e-9"
    ).fetchall()
    assert worse == []
    falling = warehouse.sql(
        "select * from (select *, lag(accuracy) over (partition by benchmark, experiment, threshold_km "
        "order by k nulls last) as before from results.oracle) where accuracy < before"
    ).fetchall()
    assert falling == []


def test_the_verifiers_first_candidate_is_the_prediction(warehouse: duckdb.DuckDBPyConnection) -> None:
    off = warehouse.sql(
        "select * from results.diagnosis where experiment = 'g3' "
        "and coalesce(abs(oracle_1_km - error_km), 0) > 1e-6"
    ).fetchall()
    assert off == []


def test_two_experiments_are_compared_once(done: TinyHome, warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.sql("from results.comparison").pl()
    pairs = {frozenset(pair) for pair in combinations(done.profile().arms, 2)}
    assert found.height == 5 * len(pairs)
    assert {frozenset(row) for row in found.select("experiment", "other").iter_rows()} == pairs
    accuracy = {
        (e, t): a
        for e, t, a in warehouse.sql(
            "select experiment, threshold_km, accuracy from results.accuracy"
        ).fetchall()
    }
    for row in found.iter_rows(named=True):
        one, other = (accuracy[row[name], row["threshold_km"]] for name in ("experiment", "other"))
        assert row["difference"] == pytest.approx(one - other, abs=1e-9)
        assert row["ci_low"] - 1e-9 <= row["difference"] <= row["ci_high"] + 1e-9
        assert (row["only_experiment"] - row["only_other"]) / QUERIES == pytest.approx(
            row["difference"], abs=1e-9
        )
        assert 0 <= row["p_mcnemar"] <= row["p_holm"] <= 1


def test_an_arm_asks_only_what_its_references_change(
    done: TinyHome, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """No author took both queries and gallery here, so the arm is the open experiment, and asked nobody again."""
    records = done.records()
    arm, own = (pl.read_parquet(done.home.table(Key("candidates", f"{BENCHMARK}|{e}"))) for e in (ARM, "g3"))
    assert arm.drop("experiment").equals(own.drop("experiment"))
    assert records[Key("candidates", f"{BENCHMARK}|{ARM}")].config["experiment"]["policy"] == "other-authors"
    policies = dict(
        warehouse.sql("select distinct experiment, gallery_policy from results.accuracy").fetchall()
    )
    assert (policies[ARM], policies["g3"], policies["nn-clip"]) == ("other-authors", "open", "open")
    log = done.home.responses / ARM / f"{BENCHMARK}.jsonl"
    assert log.stat().st_size == 0 < (done.home.responses / "g3" / log.name).stat().st_size


def test_parts_of_the_accuracy_add_up(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.sql(
        "select c.experiment, c.threshold_km, sum(c.accuracy * c.n) - any_value(a.accuracy * a.n), sum(c.n) "
        "from results.accuracy_by_continent as c "
        "join results.accuracy as a using (benchmark, experiment, threshold_km) "
        "group by all"
    ).fetchall()
    assert rows and all(abs(off) < 1e-6 and n == QUERIES for *_, off, n in rows)
    levels = warehouse.sql(
        "select experiment, max(accuracy) filter (level = 'continent'), max(accuracy) filter (level = 'country') "
        "from results.place_accuracy group by all"
    ).fetchall()
    assert all(continent is not None and country is not None for _, continent, country in levels)


def test_a_report_is_written_where_it_is_wanted(new_copy: Callable[..., TinyHome]) -> None:
    tiny = new_copy(G3_REPORTS="true")
    made = tiny.g3("run", "demo")
    assert made.returncode == 0 and "warehouse, report" in made.stdout, made.stdout + made.stderr
    report = tiny.root / "reports" / f"{BENCHMARK}.html"
    told = report.read_text(encoding="utf-8")
    assert "stand-in" in told and "g3-without-verification" in told and report.stat().st_size < 10e6
    (artifact,) = tiny.home.mlflow_artifacts.rglob(report.name)
    assert artifact.read_bytes() == report.read_bytes()
    again = tiny.g3("run", "demo")
    assert again.returncode == 0 and "Everything is current" in again.stdout, again.stdout
    report.unlink()
    assert "warehouse, report" in tiny.g3("run", "demo").stdout and report.exists()
