"""`g3 score`: our own predictions have the warehouse's numbers, others' are kept beside them, errors say what to do."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest
from filelock import FileLock
from tiny import BENCHMARK, QUERIES, Finished, TinyHome

from g3lib.store import Key
from pipelines.commands.failures import FAILED, WRONG_USAGE

OURS = "g3"
ABOUT = ("benchmark", "experiment", "method", "variant", "lmm", "gallery_policy")


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


@contextmanager
def warehouse(tiny: TinyHome) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tiny.home.warehouse), read_only=True) as connection:
        yield connection


def ask(tiny: TinyHome, query: str) -> pl.DataFrame:
    with warehouse(tiny) as connection:
        return connection.sql(query).pl()


@pytest.fixture(scope="module")
def exported(done: TinyHome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The predictions of one of our experiments, as anybody would write them down."""
    path = tmp_path_factory.mktemp("predictions") / "ann.csv"
    ask(
        done,
        "select photo_id as img_id, lat as pred_lat, lon as pred_lon from results.prediction "
        f"where experiment = '{OURS}' order by random()",
    ).write_csv(path)
    return path


def scored(tiny: TinyHome, *arguments: str) -> dict:  # type: ignore[type-arg]
    said = tiny.call("score", *arguments, "--json")
    assert said.returncode == 0, said.stderr
    found: dict = json.loads(said.stdout)  # type: ignore[type-arg]
    return found


@pytest.mark.parametrize(
    ("part", "relation", "key"),
    [
        ("accuracy", "results.accuracy", ["threshold_km"]),
        ("continents", "results.accuracy_by_continent", ["continent", "threshold_km"]),
        ("places", "results.place_accuracy", ["level"]),
    ],
)
def test_our_own_predictions_have_the_warehouses_numbers(
    done: TinyHome, exported: Path, part: str, relation: str, key: list[str]
) -> None:
    found = pl.DataFrame(scored(done, str(exported), "--benchmark", BENCHMARK)[part])
    ours = ask(done, f"from {relation} where experiment = '{OURS}'").drop(*ABOUT, "run_id", strict=False)
    assert found.height == ours.height > 0
    ours = ours.select(found.columns).with_columns(pl.col(pl.Int32).cast(pl.Int64))
    assert found.sort(key).equals(ours.sort(key)), "to the last bit"


def test_our_own_predictions_have_the_warehouses_summary(done: TinyHome, exported: Path) -> None:
    found = scored(done, str(exported), "--benchmark", BENCHMARK)
    (ours,) = ask(done, f"from results.summary where experiment = '{OURS}'").to_dicts()
    assert found["n"] == QUERIES == ours["n"]
    assert found["summary"] == pytest.approx({name: ours[name] for name in found["summary"]}, rel=1e-12)
    assert {row["difference"] for row in found["comparison"] if row["other"] == OURS} == {0.0}


def test_a_terminal_of_80_columns(done: TinyHome, exported: Path) -> None:
    said = done.call("score", str(exported), "--benchmark", BENCHMARK, COLUMNS="80")
    assert said.returncode == 0 and max(map(len, said.stdout.splitlines())) <= 80
    for words in (
        "img_id",
        "pred_lat, pred_lon",
        f"{QUERIES} photos",
        "95 % interval",
        "Beside others",
        "warehouse: G3",
    ):
        assert words in said.stdout, said.stdout


def test_csv_is_one_table_and_the_rest_is_told_beside_it(done: TinyHome, exported: Path) -> None:
    said = done.call("score", str(exported), "--benchmark", BENCHMARK, "--csv")
    table = pl.read_csv(io.StringIO(said.stdout))
    assert table.filter(pl.col("measure") == "accuracy").height == 5
    assert "pred_lat, pred_lon" in said.stderr


def test_a_metadata_file_needs_no_home(tmp_path: Path, exported: Path, done: TinyHome) -> None:
    truth = tmp_path / "truth.csv"
    ask(
        done, f"select photo_id, author, lat, lon from results.photo where dataset = '{BENCHMARK}'"
    ).write_csv(truth)
    nowhere = TinyHome(tmp_path / "home")
    found = scored(nowhere, str(exported), "--truth", str(truth))
    assert (found["benchmark"], found["n"], found["name"]) == ("truth", QUERIES, "ann")
    at_home = scored(done, str(exported), "--benchmark", BENCHMARK)
    assert found["accuracy"] == at_home["accuracy"]
    assert not nowhere.root.exists()


@pytest.fixture(scope="module")
def copy(new_copy: Callable[..., TinyHome]) -> TinyHome:
    return new_copy()


class TestKeeping:
    def test_puts_them_into_the_tables_beside_ours(self, copy: TinyHome, exported: Path) -> None:
        said = copy.call("score", str(exported), "--benchmark", BENCHMARK, "--keep")
        assert said.returncode == 0 and "Kept as ann" in said.stdout, said.stdout + said.stderr
        both = ask(
            copy,
            "select threshold_km, count(distinct accuracy) as different, count(*) as rows from results.accuracy "
            f"where benchmark = '{BENCHMARK}' and experiment in ('{OURS}', 'ann') group by all",
        )
        assert both["rows"].to_list() == [2] * 5 and set(both["different"]) == {1}
        assert ask(copy, "from results.prediction where experiment = 'ann'").height == QUERIES
        assert ask(copy, "from results.summary where experiment = 'ann'").height == 1

    def test_traces_them_to_the_photos(self, copy: TinyHome) -> None:
        traced = ask(copy, f"from lineage.trace('outside_accuracy', '{BENCHMARK}|ann')")
        assert {"outside_predictions", "photos", "metadata"} <= set(traced["asset"])
        record = copy.records()[Key("outside_predictions", f"{BENCHMARK}|ann")]
        assert record.config["file"] == "ann.csv" and record.config["columns"]["photo id"] == "img_id"

    def test_leaves_nothing_to_do_for_the_next_run(self, copy: TinyHome) -> None:
        said = copy.g3("run", "demo")
        assert said.returncode == 0 and "Everything is current" in said.stdout, said.stdout + said.stderr

    def test_waits_for_nobody(self, copy: TinyHome, exported: Path) -> None:
        with FileLock(copy.root / ".run.lock"):
            said = copy.call(
                "score", str(exported), "--benchmark", BENCHMARK, "--keep", "--name", "ann-again"
            )
        assert said.returncode == 0 and "another `g3 run` is at work" in said.stdout, (
            said.stdout + said.stderr
        )
        assert Key("outside_accuracy", f"{BENCHMARK}|ann-again") in copy.records()
        assert ask(copy, "from results.accuracy where experiment = 'ann-again'").is_empty()

    def test_says_what_it_replaces(self, copy: TinyHome, exported: Path) -> None:
        arguments = ("score", str(exported), "--benchmark", BENCHMARK, "--keep", "--name", "ann-again")
        assert "in place of the former" in copy.call(*arguments).stdout
        assert ask(copy, "from results.accuracy where experiment = 'ann-again'").height == 5


# options behind the file and the text in it (None: our exported predictions), exit code, words of the message
GOOD = "photo_id,lat,lon\nx,1,2\n"
WRONG: dict[str, tuple[str | None, tuple[str, ...], int, tuple[str, ...]]] = {
    "no benchmark": (None, (), WRONG_USAGE, ("--benchmark", "--truth", BENCHMARK, "pred_lat, pred_lon")),
    "unknown benchmark": (None, ("--benchmark", "gws15k"), WRONG_USAGE, ("'gws15k'", BENCHMARK, "--truth")),
    "strange photos": (GOOD, ("--benchmark", BENCHMARK), WRONG_USAGE, ("'x'", BENCHMARK, "--columns")),
    "no columns": ("a,b\n1,2\n", ("--benchmark", BENCHMARK), WRONG_USAGE, ("found: a, b", "--columns")),
    "empty": ("", ("--benchmark", BENCHMARK), WRONG_USAGE, ("empty",)),
    "columns that are none": (None, ("--columns", "latitude=x"), WRONG_USAGE, ("--columns", "true_lat")),
    "one of ours": (
        None,
        ("--benchmark", BENCHMARK, "--keep", "--name", OURS),
        WRONG_USAGE,
        (f"'{OURS}'", "--name"),
    ),
    "a name that is a path": (
        None,
        ("--benchmark", BENCHMARK, "--keep", "--name", "../x"),
        WRONG_USAGE,
        ("'../x'", "letters"),
    ),
    "two forms": (None, ("--json", "--csv"), WRONG_USAGE, ("--json", "--csv")),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_scored_is_named(done: TinyHome, exported: Path, tmp_path: Path, wrong: str) -> None:
    content, arguments, code, words = WRONG[wrong]
    path = exported if content is None else tmp_path / "predictions.csv"
    if content is not None:
        path.write_text(content)
    said = done.call("score", str(path), *arguments)
    assert said.returncode == code, said.stdout + said.stderr
    assert [word for word in words if word not in said.stderr] == [], said.stderr
    assert "Traceback" not in said.stderr
    assert not list(done.root.glob("tables/outside_*"))


def test_a_benchmark_of_another_profile(tmp_path: Path, exported: Path) -> None:
    plain = TinyHome(tmp_path / "home", settings={})
    said = plain.call("score", str(exported), "--benchmark", "im2gps3k")
    assert said.returncode == WRONG_USAGE and "add --profile im2city" in said.stderr, said.stderr


def test_photos_that_are_not_made_yet(tmp_path: Path, exported: Path) -> None:
    nothing = TinyHome(tmp_path / "home")
    said = nothing.call("score", str(exported), "--benchmark", BENCHMARK)
    assert said.returncode == FAILED and "g3 run demo" in said.stderr and "--truth" in said.stderr


def test_a_file_that_is_not_there(done: TinyHome) -> None:
    said = done.call("score", "nowhere.csv", "--benchmark", BENCHMARK)
    assert said.returncode == WRONG_USAGE and "nowhere.csv" in said.stderr
