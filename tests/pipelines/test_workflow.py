"""The workflow from imagery to tables, and what must hold of whatever it makes."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from time import perf_counter

import dagster as dg
import duckdb
import pytest
from tiny import BENCHMARK, MAYBE_EMPTY, QUERIES, Finished, TinyHome

from g3lib.store import Key
from pipelines.definitions import build_definitions

THRESHOLDS = [1, 25, 200, 750, 2500]
WITH_LMM = {"g3", "g3-without-verification", "g3+other-authors"}
TRACKED = {
    "encoder",
    "alignment",
    "gallery_index",
    "distances",
    "accuracy",
}  # candidates too, where an LMM is asked

# what analysts may rely on; further columns are free to come
CONTRACT = {
    "results.prediction": "benchmark experiment method photo_id author lat lon true_lat true_lon error_km "
    "source score run_id",
    "results.candidate": "benchmark experiment photo_id source rank lat lon score chosen",
    "results.accuracy": "benchmark experiment method gallery_policy threshold_km accuracy ci_low ci_high n "
    "n_failed",
    "results.summary": "benchmark experiment median_km mean_km geoscore parse_failure_rate cost_usd seconds",
    "results.published": "paper paper_table method variant benchmark threshold_km accuracy note",
    "results.leaderboard": "benchmark method threshold_km accuracy published difference covered",
    "lineage.materialization": "asset partition data_version code_version run_id mlflow_run_id git_commit "
    "started_at finished_at rows bytes path config",
    "lineage.input": "asset partition data_version upstream_asset upstream_partition upstream_data_version",
    "lineage.run": "run_id job status started_at finished_at tags",
}


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


@pytest.fixture(scope="module")
def warehouse(done: TinyHome) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(done.home.warehouse, read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def instance(done: TinyHome) -> Iterator[dg.DagsterInstance]:
    with done.dagster() as found:
        yield found


def test_everything_is_made_and_current(done: TinyHome) -> None:
    workflow = done.workflow()
    wanted = {Key(name, key) for name, step in workflow.steps.items() for key in step.keys(workflow.profile)}
    assert set(done.records()) == wanted
    assert [name for name, step in workflow.steps.items() if workflow.pending(step)] == []
    assert done.scratch() == []


def test_records_say_what_made_them(done: TinyHome) -> None:
    statuses = done.run_statuses()
    mlflow_runs = {run for (run,) in done.mlflow("select run_uuid from runs")}
    for key, record in done.records().items():
        assert statuses[record.run_id] == "SUCCESS", key
        assert re.fullmatch(r"[0-9a-f]{40}(\+changes)?|g3 [\d.]+", record.git_commit), key
        assert record.rows > 0 or key.asset in MAYBE_EMPTY, key
        assert record.bytes >= 0 and record.seconds >= 0, key
        asked = key.asset == "candidates" and str(key.partition).split("|")[1] in WITH_LMM
        assert (record.mlflow_run_id is not None) == (key.asset in TRACKED or asked), key
        assert record.mlflow_run_id is None or record.mlflow_run_id in mlflow_runs, key


def test_records_hold_the_settings_that_determined_them(done: TinyHome) -> None:
    records = done.records()
    assert records[Key("alignment", "image-gps-text")].config["epochs"] == 2
    assert records[Key("encoder")].config["training"]["epochs"] == 1
    assert records[Key("photos", f"{BENCHMARK}-000000")].config["source"]["seed"] == 2
    assert records[Key("candidates", f"{BENCHMARK}|g3")].config["lmm"]["label"] == "stand-in"


def test_every_check_passed_in_every_partition(done: TinyHome, instance: dg.DagsterInstance) -> None:
    profile = done.profile()
    definitions = build_definitions(profile, done.home)
    evaluated = Counter[tuple[str, str]]()
    for check in definitions.resolve_asset_graph().asset_check_keys:
        history = instance.event_log_storage.get_asset_check_execution_history(check, limit=100)
        assert {str(each.status.value) for each in history} <= {"SUCCEEDED"}, check
        evaluated[check.asset_key.to_user_string(), check.name] = len(history)
    expected = {
        (step.name, rule.name): len(step.keys(profile))
        for step in done.workflow().steps.values()
        for rule in step.rules
    }
    assert expected and dict(evaluated) == expected


@pytest.mark.parametrize("table", CONTRACT)
def test_the_analysts_contract(warehouse: duckdb.DuckDBPyConnection, table: str) -> None:
    found = [name for name, *_ in warehouse.execute(f"describe from {table}").fetchall()]
    assert set(CONTRACT[table].split()) - set(found) == set()
    assert warehouse.execute(f"select count(*) from {table}").fetchall() != [(0,)]


def test_accuracy_covers_every_query_of_every_experiment(
    done: TinyHome, warehouse: duckdb.DuckDBPyConnection
) -> None:
    rows = warehouse.execute(
        "select experiment, list(threshold_km order by threshold_km), min(n), max(n), "
        "bool_and(0 <= ci_low and ci_low <= accuracy and accuracy <= ci_high and ci_high <= 1) "
        "from results.accuracy group by all order by all"
    ).fetchall()
    expected = sorted(done.profile().arms)
    assert rows == [(name, THRESHOLDS, QUERIES, QUERIES, True) for name in expected]


def test_accuracy_is_what_the_predictions_say(warehouse: duckdb.DuckDBPyConnection) -> None:
    wrong = warehouse.execute(
        "select experiment, threshold_km, accuracy, count_if(error_km < threshold_km) / n as counted "
        "from results.accuracy as a join results.prediction using (benchmark, experiment) "
        "group by experiment, threshold_km, accuracy, n having abs(accuracy - counted) > 1e-9"
    ).fetchall()
    assert wrong == []


def test_no_prediction_lies_outside_the_earth(warehouse: duckdb.DuckDBPyConnection) -> None:
    positions = warehouse.execute(
        "select count(*), count_if(lat between -90 and 90 and lon >= -180 and lon < 180) "
        "from results.prediction where lat is not null"
    ).fetchall()
    assert positions[0][0] == positions[0][1] > 3 * QUERIES


def test_tables_say_stand_in_wherever_it_was_asked(warehouse: duckdb.DuckDBPyConnection) -> None:
    for table in ("prediction", "accuracy", "summary"):
        said = warehouse.execute(f"select distinct experiment, lmm from results.{table}").fetchall()
        assert {name for name, lmm in said if lmm == "stand-in"} == WITH_LMM, table
        assert {lmm for name, lmm in said if name not in WITH_LMM} == {None}, table
    answers = "select distinct lmm from results.candidate where source <> 'retrieval'"
    assert warehouse.execute(answers).fetchall() == [("stand-in",)]


def test_lineage_leads_from_every_row_to_every_photo_shard(
    done: TinyHome, warehouse: duckdb.DuckDBPyConnection
) -> None:
    shards = set(done.profile().shards())
    rows = warehouse.execute("select distinct benchmark, experiment from results.accuracy").fetchall()
    assert len(rows) == len(done.profile().experiments)
    for benchmark, experiment in rows:
        traced = warehouse.sql(f"from lineage.trace('accuracy', '{benchmark}|{experiment}')").pl()
        assert set(traced.filter(asset="photos")["partition"]) == shards, experiment
        told = traced.select("code_version", "git_commit", "config", "run_id", "data_version", "path")
        assert sum(told.null_count().row(0)) == 0, experiment
        known = warehouse.execute("select run_id from lineage.run where status = 'SUCCESS'").fetchall()
        assert set(traced["run_id"]) <= {run for (run,) in known}
        assert traced.filter(asset="accuracy")["mlflow_run_id"].null_count() == 0


def test_mlflow_has_an_experiment_for_each_stage_that_trains_or_measures(done: TinyHome) -> None:
    names = {name for (name,) in done.mlflow("select name from experiments")}
    assert names == {"Default", "features", "alignment", "gallery", "candidates", "results"}
    assert done.mlflow("select distinct status from runs") == [("FINISHED",)]


def test_mlflow_runs_name_their_dagster_run_asset_and_parent(done: TinyHome) -> None:
    tagged: dict[str, dict[str, str]] = {}
    for run, name, value in done.mlflow("select run_uuid, key, value from tags"):
        tagged.setdefault(run, {})[name] = value
    parents = {run for run, tags in tagged.items() if "g3.parent" in tags}
    for key, record in done.records().items():
        if record.mlflow_run_id is None:
            continue
        tags = tagged[record.mlflow_run_id]
        assert tags["dagster.run_id"] == record.run_id, key
        assert (tags["dagster.asset"], tags.get("dagster.partition")) == key
        assert key.asset == "encoder" or tags["mlflow.parentRunId"] in parents, key


def test_mlflow_holds_parameters_epochs_and_artifacts(done: TinyHome) -> None:
    records = done.records()
    alignment = records[Key("alignment", "image-gps-text")].mlflow_run_id
    steps = done.mlflow(
        f"select count(distinct step) from metrics where run_uuid = '{alignment}' and key = 'loss_image_gps'"
    )
    assert steps == [(2,)], "one value per epoch"
    epochs = f"select value from params where run_uuid = '{alignment}' and key = 'epochs'"
    assert done.mlflow(epochs) == [("2",)]
    wanted = {
        Key("encoder"): {"model-card.md"},
        Key("alignment", "image-gps-text"): {"model-card.md", "curves.png"},
        Key("accuracy", f"{BENCHMARK}|g3"): {"accuracy.csv", "errors.png", "map.png"},
    }
    for key, names in wanted.items():
        (folder,) = done.home.mlflow_artifacts.glob(f"*/{records[key].mlflow_run_id}/artifacts")
        assert {path.name for path in folder.iterdir() if path.stat().st_size} == names, key


def test_materializations_link_to_their_mlflow_run(done: TinyHome, instance: dg.DagsterInstance) -> None:
    experiments = dict(done.mlflow("select run_uuid, experiment_id from runs"))
    linked = 0
    for key, record in done.records().items():
        page = instance.fetch_materializations(
            dg.AssetRecordsFilter(
                dg.AssetKey(key.asset), asset_partitions=[key.partition] if key.partition else None
            ),
            limit=1,
        )
        event = page.records[0].asset_materialization
        assert event is not None and event.metadata["lineage"].value["run_id"] == record.run_id
        if record.mlflow_run_id is not None:
            link, run = str(event.metadata["MLflow run"].value), record.mlflow_run_id
            assert link.endswith(f"/experiments/{experiments[run]}/runs/{run}"), key
            linked += 1
    assert linked > len(TRACKED)


def test_a_second_run_finds_everything_current(finished: Finished) -> None:
    done = finished.tiny
    records, runs = done.records(), done.run_statuses()
    published = done.home.warehouse.stat().st_mtime_ns
    started = perf_counter()
    again = done.g3("run", "demo")
    seconds = perf_counter() - started
    print(f"first run {finished.seconds:.1f} s, second {seconds:.1f} s")
    assert again.returncode == 0 and "Everything is current" in again.stdout, again.stdout + again.stderr
    assert "w/o Geo-V" in again.stdout, "the tables are printed all the same"
    assert done.run_statuses() == runs, "no Dagster run was launched"
    assert done.records() == records and done.home.warehouse.stat().st_mtime_ns == published
    assert seconds < min(30, finished.seconds / 2)


@pytest.fixture(scope="module")
def changed(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy run again with one setting changed, for two of the experiments."""
    tiny = new_copy(G3_ALIGNMENT__SEED="1", G3_EXPERIMENTS="[nn-clip, g3]")
    runs = "select count(*) from lineage.run"
    with duckdb.connect(tiny.home.warehouse, read_only=True) as reader:
        before = reader.execute(runs).fetchall()
        run = tiny.g3("run", "demo", "--accept")  # worse or better, with so few photos
        assert run.returncode == 0, run.stdout + run.stderr
        assert reader.execute(runs).fetchall() == before, "who reads all the while keeps the old tables"
    return tiny


def test_what_follows_a_changed_setting_is_remade_and_nothing_before(
    done: TinyHome, changed: TinyHome
) -> None:
    before, after = done.records(), changed.records()
    left_out = ("-colour-histogram", "-verification", "+other-authors")
    asked = {key for key in before if not str(key.partition).endswith(left_out)}
    follows, more = set[Key](), {Key("alignment", "image-gps-text")}
    while more - follows:
        follows |= more
        more = {key for key in asked if follows & {Key(*each[:2]) for each in before[key].inputs}}
    assert {key for key in before if before[key].run_id != after[key].run_id} == follows
    assert {key.asset for key in follows} == {
        *("alignment", "gallery_index", "references", "distances", "candidates"),
        *("scored_candidates", "predictions", "diagnoses", "accuracy", "comparisons", "paper_tables"),
    }
    assert Key("candidates", f"{BENCHMARK}|nn-clip") not in follows


def test_the_warehouse_remembers_what_was_before(changed: TinyHome) -> None:
    with duckdb.connect(changed.home.warehouse, read_only=True) as connection:
        seeds = connection.execute(
            "select config->>'$.seed', current from lineage.materialization "
            "where asset = 'alignment' order by 1"
        ).fetchall()
    assert seeds == [("0", False), ("1", True)]


def test_a_plan_says_what_one_setting_would_remake(done: TinyHome) -> None:
    runs = done.run_statuses()
    plan = done.g3("run", "demo", "--plan", G3_ALIGNMENT__SEED="1")
    assert plan.returncode == 0, plan.stderr
    to_make = {line.split()[0]: line.split()[1:4] for line in plan.stdout.splitlines() if " of " in line}
    assert to_make["photos"] == ["0", "of", "3"] and to_make["alignment"] == ["1", "of", "1"]
    assert done.run_statuses() == runs
