"""The command `g3` as a script or a person meets it: exit codes, and words that say what to do next."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import duckdb
import polars as pl
import pytest
from filelock import FileLock
from tiny import BENCHMARK, QUERIES, Finished, TinyHome, lines_until

from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.stand_in.running import running_stand_in
from g3lib.store import Key
from pipelines.commands.failures import BUSY, FAILED, INTERRUPTED, WRONG_USAGE

COMMANDS = ("run", "ui", "results", "sql", "trace", "rerun", "score", "locate", "photos", "export", "doctor")
SECRET = "sk-not-to-be-seen-anywhere"


@pytest.fixture(scope="module")
def done(finished: Finished) -> TinyHome:
    return finished.tiny


@pytest.fixture
def empty(tmp_path: Path) -> TinyHome:
    """A home in which nothing was ever run."""
    return TinyHome(tmp_path / "home")


class TestHelp:
    def test_lists_every_command_at_once(self, empty: TinyHome) -> None:
        started = perf_counter()
        said = empty.g3("--help")
        print(f"g3 --help: {perf_counter() - started:.2f} s")
        assert said.returncode == 0
        assert [name for name in COMMANDS if f"  {name} " not in said.stdout] == []

    @pytest.mark.parametrize("command", COMMANDS)
    def test_of_a_command(self, empty: TinyHome, command: str) -> None:
        said = empty.call(command, "--help")
        assert said.returncode == 0 and f"Usage: g3 {command}" in said.stdout
        assert not empty.root.exists(), "asking for help makes nothing"

    def test_a_misspelt_command(self, empty: TinyHome) -> None:
        said = empty.call("rnu")
        assert said.returncode == WRONG_USAGE and "No such command 'rnu'" in said.stderr


# what is wrong, and what the message must name: the thing, and what there is or what to do
WRONG: dict[str, tuple[tuple[str, ...], dict[str, str], tuple[str, ...]]] = {
    "profile": (("run", "demoo"), {}, ("'demoo'", "demo", "mp16")),
    "experiment": (("run", "--experiment", "g4"), {}, ("'g4'", "g3-without-alignment", "nn-clip")),
    "experiment by environment": (("run",), {"G3_EXPERIMENTS": "[g4]"}, ("'g4'", "nn-clip")),
    "out of range": (("run",), {"G3_ALIGNMENT__EPOCHS": "0"}, ("alignment.epochs", "greater than 0", "0")),
    "no number": (("run",), {"G3_ALIGNMENT__EPOCHS": "many"}, ("alignment.epochs", "integer", "'many'")),
    "unknown variable": (("run",), {"G3_EPOCHS": "3"}, ("G3_EPOCHS", "G3_ALIGNMENT", "G3_HOME")),
    "unknown field": (("run",), {"G3_ALIGNMENT__EPOCH": "3"}, ("alignment.epoch:", "G3_")),
    "unknown section": (("run",), {"G3_ALIGNEMENT__EPOCHS": "3"}, ("alignement",)),
    "section set whole": (("run",), {"G3_ALIGNMENT": "3"}, ("alignment",)),
    "no YAML": (("run",), {"G3_DATASETS": "[{name: x"}, ("G3_DATASETS",)),
    "field of a list": (("run",), {"G3_DATASETS__SHARDS": "3"}, ("G3_DATASETS__SHARDS",)),
    "URL without model": (
        ("run",),
        {"G3_LMM_BASE_URL": "http://127.0.0.1:1/v1"},
        ("lmm: ", "model is not", "G3_LMM_MODEL"),
    ),
    "model without URL": (("run",), {"G3_LMM_MODEL": "gpt"}, ("lmm: ", "base_url is not", "G3_LMM_BASE_URL")),
    "no cron": (("run",), {"G3_SCHEDULE__CRON": "at night"}, ("schedule.cron", "'at night'")),
    "no time zone": (("run",), {"G3_SCHEDULE__TIMEZONE": "Berlin"}, ("schedule.timezone", "'Berlin'")),
    "no template": (("run",), {"G3_CAPTION_TEMPLATE": "poem"}, ("'poem'", "satellite")),
    "no device": (("run",), {"G3_DEVICE": "tpu"}, ("device", "'tpu'", "cpu")),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_used_is_named_before_any_work(empty: TinyHome, wrong: str) -> None:
    arguments, settings, words = WRONG[wrong]
    said = empty.call(*arguments, **settings)
    assert said.returncode == WRONG_USAGE, said.stdout + said.stderr
    assert [word for word in words if word not in said.stderr] == [], said.stderr
    assert "Traceback" not in said.stderr and len(said.stderr) < 2000
    assert not (empty.root / "images").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("results", "acuracy"), ("results.acuracy", "accuracy", "leaderboard", "summary")),
        (("trace", BENCHMARK, "g4"), (f"{BENCHMARK} g4", f"{BENCHMARK} g3")),
        (("trace", "im2gps", "g3"), ("im2gps g3", f"{BENCHMARK} g3")),
        (("sql", "from results.acuracy"), ("acuracy", "Did you mean")),
        (("sql", "selct 1"), ("syntax error", "selct")),
        (("sql", "create table results.mine (n int)"), ("read-only",)),
    ],
)
def test_a_question_that_cannot_be_answered(
    done: TinyHome, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    said = done.call(*arguments)
    assert said.returncode == WRONG_USAGE, said.stdout + said.stderr
    assert [word for word in words if word not in said.stderr] == [], said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("arguments", [("results",), ("sql", "select 1"), ("trace", BENCHMARK, "g3")])
def test_before_the_first_run_it_says_what_to_run(empty: TinyHome, arguments: tuple[str, ...]) -> None:
    said = empty.call(*arguments)
    assert said.returncode == FAILED and "g3 run" in said.stderr, said.stderr


def test_a_home_that_cannot_be_made(empty: TinyHome) -> None:
    empty.root.write_text("a file where the folder should be")
    said = empty.call("run")
    assert said.returncode == WRONG_USAGE and str(empty.root) in said.stderr and "G3_HOME" in said.stderr


class TestAnswers:
    def test_results_are_the_tables_of_the_run(self, done: TinyHome, finished: Finished) -> None:
        said = done.call("results")
        assert said.returncode == 0
        for words in ("Nearest neighbour", "G3", "w/o Geo-V", "stand-in", f" {QUERIES} "):
            assert words in said.stdout
        assert said.stdout.strip() in finished.run.stdout

    def test_results_of_a_table(self, done: TinyHome) -> None:
        said = done.call("results", "accuracy", "--limit", "3")
        assert said.returncode == 0 and said.stdout.count(BENCHMARK) == 3, said.stdout

    def test_no_value_is_cut_off_in_a_pipe(self, done: TinyHome) -> None:
        said = done.call("sql", "from results.prediction limit 1", COLUMNS="80")
        photo = done.g3("sql", "--csv", "select photo_id from results.prediction limit 1").stdout.split()[1]
        assert photo in said.stdout and "…" not in said.stdout, said.stdout

    def test_sql_as_csv_is_whole(self, done: TinyHome) -> None:
        said = done.call("sql", "--csv", "from results.prediction")
        table = pl.read_csv(said.stdout.encode())
        assert table.height == QUERIES * len(done.profile().experiments)
        assert table["error_km"].dtype == pl.Float64

    def test_trace_leads_to_the_photos(self, done: TinyHome) -> None:
        said = done.call("trace", BENCHMARK, "g3")
        assert said.returncode == 0
        assert "down to 3 photo shards" in said.stdout
        record = done.records()[Key("alignment", "image-gps-text")]
        assert record.run_id[:8] in said.stdout and str(record.mlflow_run_id)[:8] in said.stdout
        assert record.data_version[:12] in said.stdout and record.git_commit[:12] in said.stdout

    def test_doctor_looks_at_this_machine(self, done: TinyHome) -> None:
        said = done.call("doctor", "demo")
        assert said.returncode == 0, said.stdout + said.stderr
        for words in ("Python", "torch", "memory", "disk", "stand-in"):
            assert words in said.stdout

    def test_doctor_says_what_a_profile_lacks(self, done: TinyHome) -> None:
        endpoint = {"G3_LMM_BASE_URL": "http://127.0.0.1:9/v1", "G3_LMM_MODEL": "some-model"}
        said = done.call("doctor", "demo", **endpoint)
        assert said.returncode == FAILED
        assert "lacking for demo: LMM key" in said.stderr and "demo: LMM some-model" in said.stderr
        assert "set G3_LMM_API_KEY" in said.stdout


class TestTwoAtOnce:
    def test_the_second_is_turned_away(self, new_copy: Callable[..., TinyHome]) -> None:
        tiny = new_copy(G3_EXPERIMENTS="[nn-clip]", G3_BOOTSTRAP_RESAMPLES="400")
        first = tiny.start("run", "demo")
        try:
            lines_until(first, "accuracy")
            first.send_signal(signal.SIGSTOP)  # it holds the home, however long the second takes to start
            second = tiny.g3("run", "demo")
            assert second.returncode == BUSY, second.stdout + second.stderr
            assert "another `g3 run`" in second.stderr and str(tiny.root) in second.stderr
            assert tiny.call("results").returncode == 0, "readers need not wait"
            first.send_signal(signal.SIGCONT)
            output, errors = first.communicate(timeout=60)
            assert first.returncode == 0, output + errors
        finally:
            if first.poll() is None:
                first.kill()

    def test_a_lock_left_by_a_dead_process_holds_nobody_up(self, done: TinyHome) -> None:
        with FileLock(done.root / ".run.lock"):
            pass  # the file stays, the lock does not
        assert done.g3("run", "demo", "--plan").returncode == 0


@pytest.fixture(scope="module")
def choosy(new_copy: Callable[..., TinyHome]) -> TinyHome:
    """A copy that asks an endpoint of its own."""
    return new_copy(
        G3_EXPERIMENTS="[nn-clip, g3]",
        G3_LMM_MODEL=MODEL,
        G3_LMM_API_KEY=SECRET,
        G3_LMM__MAX_RETRIES="0",
        G3_LMM__TIMEOUT_SECONDS="20",
    )


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    with running_stand_in("--model", MODEL, "--model", "small-llava") as url:
        yield url


class TestEndpoint:
    """An LMM of one's own that is down, answers nonsense or refuses; then one that works."""

    def fails(self, choosy: TinyHome, url: str, *words: str, **more: str) -> None:
        started = perf_counter()
        said = choosy.g3("run", "demo", G3_LMM_BASE_URL=url, **more)
        print(f"{words}: {perf_counter() - started:.1f} s")
        assert said.returncode in (FAILED, WRONG_USAGE), said.stdout + said.stderr
        assert [word for word in words if word not in said.stderr] == [], said.stderr
        assert "Traceback" not in said.stderr and SECRET not in said.stderr + said.stdout

    def test_down(self, choosy: TinyHome) -> None:
        self.fails(choosy, "http://127.0.0.1:9/v1", "no connection", "127.0.0.1:9", "G3_LMM_BASE_URL")

    def test_no_key(self, choosy: TinyHome, good: str) -> None:
        self.fails(choosy, good, "G3_LMM_API_KEY", MODEL, G3_LMM_API_KEY="")

    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            ("nonsense", ("no chat completion", "It works!", "G3_LMM_BASE_URL")),
            ("unauthorized", ("401", "G3_LMM_API_KEY")),
        ],
    )
    def test_faulty(self, choosy: TinyHome, fault: str, words: tuple[str, ...]) -> None:
        with running_stand_in("--fault", fault) as url:
            self.fails(choosy, url, url.removesuffix("/v1"), *words)

    def test_a_budget_stops_the_run_and_keeps_what_was_paid(self, choosy: TinyHome, good: str) -> None:
        self.fails(
            choosy, good, "budget of 10 requests", "What was finished is kept", G3_LMM__BUDGET__REQUESTS="10"
        )
        log = choosy.home.responses / "g3" / f"{BENCHMARK}.jsonl"
        mine = [line for line in log.read_bytes().splitlines() if f'"label": "{MODEL}"'.encode() in line]
        assert len(mine) == 10

    def test_the_next_run_with_a_good_one_completes(self, choosy: TinyHome, good: str) -> None:
        said = choosy.g3("run", "demo", G3_LMM_BASE_URL=good)
        assert said.returncode == 0, said.stdout + said.stderr
        query = "select distinct lmm from results.accuracy where experiment = 'g3'"
        lmm = choosy.call("sql", "--csv", query, G3_LMM_BASE_URL=good)
        assert lmm.stdout.split() == ["lmm", MODEL], "no longer called stand-in"

    def test_several_lmms_side_by_side(self, choosy: TinyHome, good: str) -> None:
        prefix = "G3_LMMS__LLAVA__"
        llava = {f"{prefix}BASE_URL": good, f"{prefix}MODEL": "small-llava", f"{prefix}API_KEY": SECRET}
        both = llava | {"G3_LMM_BASE_URL": good, "G3_EXPERIMENTS": "[nn-clip, g3, g3-llava, img2loc@llava]"}
        said = choosy.g3("run", "demo", **both)
        assert said.returncode == 0, said.stdout + said.stderr
        query = "select distinct experiment, lmm from results.accuracy where lmm != 'stand-in' order by all"
        found = choosy.call("sql", "--csv", query, **both).stdout.split()
        assert found == ["experiment,lmm", f"g3,{MODEL}", "g3-llava,small-llava", "img2loc@llava,small-llava"]
        assert "lacking" not in choosy.call("doctor", "demo", **both).stderr
        unnamed = choosy.g3("run", "demo", G3_LMM_BASE_URL=good, G3_EXPERIMENTS="[nn-clip, g3-llava]")
        assert unnamed.returncode == WRONG_USAGE and f"{prefix}BASE_URL" in unnamed.stderr, unnamed.stderr

    def test_answers_replay_without_key_or_network(self, choosy: TinyHome) -> None:
        offline = {"G3_LMM_API_KEY": "", "G3_LMM__TRANSPORT": "replay"}
        said = choosy.g3("run", "demo", **offline)
        assert said.returncode == 0, said.stdout + said.stderr
        made = [line for line in said.stdout.splitlines() if "candidates" in line]
        assert made == [], "only what compares all experiments is made anew, since there are fewer now"
        other = offline | {"G3_EXPERIMENTS": "[nn-clip, g3, g3-candidates-3, g3-official-pool]"}
        said = choosy.g3("run", "demo", **other)
        assert said.returncode == 0, said.stdout + said.stderr

    def test_the_key_is_nowhere(self, choosy: TinyHome) -> None:
        files = [path for path in choosy.root.rglob("*") if path.is_file()]
        assert any(path.suffix == ".jsonl" for path in files) and choosy.home.mlflow_database in files
        assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
        with duckdb.connect(str(choosy.home.warehouse), read_only=True) as warehouse:  # which compresses
            tables = warehouse.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
            for schema, name in tables:
                for (row,) in warehouse.execute(f'select t::varchar from {schema}."{name}" t').fetchall():
                    assert SECRET not in row


def test_ctrl_c_while_it_is_still_loading(empty: TinyHome) -> None:
    process = empty.start("run", "demo")
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED and "run again" in errors, errors
    assert "Traceback" not in errors
