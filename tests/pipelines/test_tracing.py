"""`g3 trace` on a finished home: from a number to its photos, and no sum that does not come out."""

import json
import subprocess
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from tiny import BENCHMARK, QUERIES, Finished, TinyHome

from g3lib.images import read_shard
from g3lib.store import Key
from g3lib.store.snapshots import kept_profile
from pipelines.commands.failures import FAILED, WRONG_USAGE
from pipelines.commands.tracing import ROWS

THRESHOLDS = (1, 25, 200, 750, 2500)


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


def photos_of(said: "subprocess.CompletedProcess[str]") -> pl.DataFrame:
    assert said.returncode == 0, said.stdout + said.stderr
    return pl.read_csv(said.stdout.encode(), schema_overrides={"score": pl.Float64, "error_km": pl.Float64})


@pytest.mark.parametrize("experiment", ["g3", "nn-colour-histogram", "g3+other-authors"])
def test_the_photos_behind_a_number_add_up_to_it(done: TinyHome, experiment: str) -> None:
    accuracies = pl.read_parquet(done.home.table(Key("accuracy", f"{BENCHMARK}|{experiment}")))
    assert accuracies["threshold_km"].to_list() == list(THRESHOLDS)
    for threshold, accuracy in accuracies.select("threshold_km", "accuracy").rows():
        photos = photos_of(done.call("trace", BENCHMARK, experiment, "--threshold", str(threshold), "--csv"))
        hits = photos.filter(result="hit")
        assert photos.height == QUERIES == photos["photo_id"].n_unique()
        assert hits.height / QUERIES == pytest.approx(accuracy, abs=1e-12)
        assert (hits["error_km"] < threshold).all()
        assert not (photos.filter(result="miss")["error_km"] < threshold).any()


def test_it_says_what_made_them_and_where_each_photo_lies(done: TinyHome) -> None:
    photos = photos_of(done.call("trace", BENCHMARK, "g3", "--threshold", "2500", "--csv"))
    record = done.records()[Key("predictions", f"{BENCHMARK}|g3")]
    for name in ("run_id", "data_version", "git_commit"):
        assert photos[name].unique().to_list() == [getattr(record, name)]
    predictions = pl.read_parquet(done.home.table(record.key)).sort("photo_id")
    told = ["photo_id", "author", "lat", "lon", "true_lat", "true_lon", "error_km", "source"]
    assert photos.sort("photo_id").select(told).equals(predictions.select(told))
    assert photos["origin"].null_count() == 0
    (tar,) = photos["tar"].unique().to_list()
    manifest = pl.read_parquet((done.root / tar).with_suffix(".parquet"))
    one = manifest.filter(photo_id=photos["photo_id"][0])
    assert one.select("member", "offset").row(0) == photos.select("member", "offset").row(0)
    data = (done.root / tar).read_bytes()[photos["offset"][0] :]
    assert data.startswith(next(read_shard(done.root / tar, one))), "the bytes are there"


def test_misses_come_first_and_the_worst_of_them(done: TinyHome) -> None:
    photos = photos_of(done.call("trace", BENCHMARK, "nn-colour-histogram", "--threshold", "2500", "--csv"))
    assert set(photos["result"]) == {"hit", "miss"}
    assert photos["result"].to_list() == sorted(photos["result"], reverse=True)
    for _, group in photos.group_by("result"):
        assert group["error_km"].to_list() == sorted(group["error_km"], reverse=True)


def test_in_words_and_cut_short_for_a_terminal(done: TinyHome) -> None:
    said = done.call("trace", BENCHMARK, "g3", "--threshold", "2500")
    accuracy = pl.read_parquet(done.home.table(Key("accuracy", f"{BENCHMARK}|g3"))).row(-1, named=True)
    hits = round(accuracy["accuracy"] * QUERIES)
    assert f"{hits} of {QUERIES} = {100 * accuracy['accuracy']:.1f} %" in said.stdout, said.stdout
    assert f"{100 * accuracy['ci_low']:.1f} to {100 * accuracy['ci_high']:.1f} %" in said.stdout
    assert "stand-in" in said.stdout and "no language model" in said.stdout
    assert said.stdout.count(f"{BENCHMARK}-000000-") == ROWS and f"{QUERIES - ROWS} more" in said.stdout
    assert "LMM" not in done.call("trace", BENCHMARK, "nn-clip", "--threshold", "2500").stdout


@pytest.mark.parametrize("threshold", ["200.5", "100", "0", "-1"])
def test_a_threshold_that_was_not_measured(done: TinyHome, threshold: str) -> None:
    said = done.call("trace", BENCHMARK, "g3", f"--threshold={threshold}")
    assert said.returncode == WRONG_USAGE and threshold in said.stderr
    assert "." in threshold or "1, 25, 200, 750, 2500" in said.stderr


@pytest.fixture(scope="module")
def unlike(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy whose warehouse has another number than its predictions, and a failure and a hostile name in them."""
    tiny = new_copy()
    tiny.home.warehouse.chmod(0o644)
    with duckdb.connect(str(tiny.home.warehouse)) as connection:
        connection.execute("update results.accuracy set accuracy = 0.99 where experiment = 'g3'")
        where = "where experiment = 'nn-clip' and photo_id = (select max(photo_id) from results.prediction)"
        connection.execute(
            f"update results.prediction set error_km = null, lat = null, lon = null, author = '[red]x[/y]' {where}"
        )
    return tiny


def test_a_number_that_is_not_the_sum_is_refused(unlike: TinyHome) -> None:
    said = unlike.call("trace", BENCHMARK, "g3", "--threshold", "200")
    assert said.returncode == FAILED and "0.9900 of 40" in said.stderr and "g3 run" in said.stderr, (
        said.stderr
    )


def test_failures_are_misses_before_all_others_and_names_are_no_markup(unlike: TinyHome) -> None:
    said = unlike.call("trace", BENCHMARK, "nn-clip", "--threshold", "1")
    first = next(line for line in said.stdout.splitlines() if "│" in line)
    assert "miss" in first and "[red]x[/y]" in first, said.stdout


def test_lineage_as_csv(done: TinyHome) -> None:
    traced = pl.read_csv(done.call("trace", BENCHMARK, "g3", "--csv").stdout.encode())
    assert {"accuracy", "predictions", "references", "encoder", "photos"} <= set(traced["asset"])
    assert traced["depth"].min() == 0


def test_every_record_leads_to_the_whole_profile(done: TinyHome) -> None:
    versions = {record.profile for record in done.records().values()}
    assert len(versions) == 1
    plain = kept_profile(done.home, versions.pop())
    assert plain == json.loads(done.profile().model_dump_json())
    warehouse = done.call(
        "sql", "--csv", "select distinct profile from lineage.materialization where current"
    )
    assert len(warehouse.stdout.split()) == 2
