"""Whatever analysts open the warehouse with, they see one whole publication or the next, while publishing goes on."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from small_home import NO_HISTORY, QUERIES, RUNS, put_results

from g3lib.store import Home
from g3lib.store.warehouse import STORAGE, publish, query

LOOK = """
select
    (select count(*) from results.prediction) as predictions,
    (select count(*) from results.candidate) as candidates,
    (select count(*) from results.leaderboard where accuracy is not null) as measured,
    (select count(*) from lineage.run) as runs
"""
# each prints the four numbers once it is ready, then as often as it can, and once more after it was told to stop
LOOP = """
import os, sys, time
from pathlib import Path
path, sql, seen, parent = sys.argv[1], sys.argv[2], [], os.getppid()
def look():
    seen.append(one_look())
    return seen[-1]
look()
print("ready", flush=True)
while not Path(path).with_name("stop").exists() and os.getppid() == parent:
    look()
    time.sleep(0.02)
look()
print(seen)
"""
POLARS = """
import duckdb, polars as pl
def one_look():
    with duckdb.connect(path, read_only=True) as connection:
        return pl.read_database(sql, connection).row(0)
"""
PANDAS = """
import duckdb, pandas as pd
def one_look():
    with duckdb.connect(path, read_only=True) as connection:
        frame = connection.sql(sql).df()
    assert isinstance(frame, pd.DataFrame)
    return tuple(int(value) for value in frame.iloc[0])
"""
ATTACHED = """
import duckdb
def one_look():
    with duckdb.connect(Path(path).with_name("analysts-own.duckdb")) as connection:
        connection.execute(f"attach '{path}' as g3 (read_only)")
        connection.execute("create or replace table looks as select * from g3.results.leaderboard")
        return connection.execute(sql.replace("results.", "g3.results.").replace("lineage.", "g3.lineage.")).fetchone()
"""
SHELL = """
import json, subprocess
def one_look():
    done = subprocess.run([sys.argv[3], "-readonly", "-json", path, sql], capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout)[0].values())
"""


def shell() -> str | None:
    """DuckDB's own shell, if it is installed: `pip install duckdb-cli` puts it beside Python."""
    beside = Path(sys.executable).with_name("duckdb")
    return str(beside) if beside.exists() else shutil.which("duckdb")


@dataclass(frozen=True)
class Reader:
    """Another process that looks in a loop."""

    process: "subprocess.Popen[str]"

    @classmethod
    def started(cls, home: Home, kind: str, *more: str) -> "Reader":
        command = [sys.executable, "-c", kind + LOOP, str(home.warehouse), LOOK, *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return cls(process)

    def seen(self) -> list[tuple[int, ...]]:
        out, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        found: list[tuple[int, ...]] = eval(out.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, ...]]]:
    """What each kind of reader saw during four publications; the shell's are missing if there is none."""
    home = Home(tmp_path_factory.mktemp("home"))
    put_results(home)
    publish(home, RUNS.head(1), NO_HISTORY, {})
    found = shell()
    readers = {
        "polars": Reader.started(home, POLARS),
        "pandas": Reader.started(home, PANDAS),
        "another DuckDB": Reader.started(home, ATTACHED),
        **({"the shell": Reader.started(home, SHELL, found)} if found else {}),
    }
    for reader in readers.values():
        assert reader.process.stdout
        first = reader.process.stdout.readline()
        assert first == "ready\n", reader.process.communicate()[1]
    for count in (2, 1, 1, 2):
        publish(home, RUNS.head(count), NO_HISTORY, {})
    (home.root / "stop").touch()
    return {name: reader.seen() for name, reader in readers.items()}


@pytest.mark.parametrize("kind", ["polars", "pandas", "another DuckDB", "the shell"])
def test_a_reader_sees_whole_publications_while_others_follow(
    looks: dict[str, list[tuple[int, ...]]], kind: str
) -> None:
    if kind not in looks:
        pytest.skip("DuckDB's shell is not installed: `pip install duckdb-cli`")
    seen, before, after = looks[kind], (QUERIES, 2 * QUERIES, 5, 1), (QUERIES, 2 * QUERIES, 5, 2)
    assert (seen[0], seen[-1]) == (before, after)
    assert set(seen) == {before, after}


def test_older_clients_can_open_the_file(tmp_path: Path) -> None:
    publish(Home(tmp_path), RUNS, NO_HISTORY, {})
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as warehouse (read_only)")
        tags = connection.execute("select tags from duckdb_databases() where database_name = 'warehouse'")
        row = tags.fetchone()
    assert row and row[0]["storage_version"].startswith(STORAGE)


def test_a_query_sees_the_latest_file_though_an_old_one_is_open_in_this_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    publish(home, RUNS.head(1), NO_HISTORY, {})
    with duckdb.connect(home.warehouse, read_only=True) as notebook:
        publish(home, RUNS, NO_HISTORY, {})
        assert query(home, "select count(*) from lineage.run").item() == 2
        assert notebook.execute("select count(*) from lineage.run").fetchone() == (1,)
