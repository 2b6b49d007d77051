"""Publishing, measured: a year's results in one file while somebody reads; the event log; eight processes at once.

Times depend on the machine, so none of them fails a test; what readers see must hold everywhere.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import many_writers as many
import numpy as np
import pytest
from large_home import Filling, Size, events, runs, superseded

from assets.events import materialization_history
from g3lib.store import Home, Record
from g3lib.store.warehouse import Published, publish, query
from pipelines.home import DAGSTER_YAML

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

MATERIALIZATIONS = 1000
PRICES = {"gpt-4o": (2.5, 10.0)}
READER = """
import json, os, sys, time
from pathlib import Path
import duckdb
parent = os.getppid()
path, pause, queries, candidates = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
COUNT = '''
select (select count(*) from results.prediction), (select count(*) from results.candidate),
    (select count(*) from results.diagnosis), (select count(*) from results.accuracy),
    (select count(*) from results.accuracy_by_continent), (select count(*) from results.summary),
    (select count(*) from lineage.materialization where current and asset = 'predictions')
'''
ANALYSE = '''
select experiment, avg(coalesce(error_km < 200, false)::int), count(distinct photo_id)
from results.prediction group by all order by all
'''
stays = duckdb.connect(path, read_only=True)
first = stays.execute(ANALYSE).fetchall()
seen, took = [], []
print("ready", flush=True)
while not Path(path).with_name("stop").exists() and os.getppid() == parent:
    started = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as warehouse (read_only)")
        connection.execute("use warehouse")
        counts, rows = connection.execute(COUNT).fetchone(), connection.execute(ANALYSE).fetchall()
    n = len(rows)
    assert {each for *_, each in rows} == {queries}, "half an experiment"
    assert counts == (n * queries, n * queries * candidates, n * queries, 5 * n, 35 * n, n, n), (n, counts)
    assert stays.execute(ANALYSE).fetchall() == first, "what was open has changed"
    seen.append(n)
    took.append(time.perf_counter() - started)
    time.sleep(pause)
print(json.dumps({"seen": seen, "took": took}))
"""


def row(what: str, value: str, bar: str = "") -> None:
    print(f"{what:<46} {value:<50} {'bar: ' + bar if bar else ''}")


def published(home: Home, records: Sequence[Record]) -> Published:
    """As the asset does it, but for the event log, which another benchmark reads."""
    return publish(home, runs(records), events(records), PRICES)


def copied(path: Path) -> float:
    """Seconds to write a file of these bytes and sync it, which no publication can undercut."""
    copy = path.with_name("copy")
    data = path.read_bytes()
    started = time.perf_counter()
    with copy.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    seconds = time.perf_counter() - started
    copy.unlink()
    return seconds


def test_publishing(tmp_path: Path) -> None:
    size = Size()
    filling = Filling(Home(tmp_path), size, np.random.default_rng(0))
    records = list(filling.records())
    records += superseded(records, MATERIALIZATIONS - len(records))
    home = filling.home
    print(f"\n{len(records):,} materializations, {size.experiments} experiments on {size.queries:,} queries")
    best: Published | None = None
    for _ in range(3):
        started = time.process_time()
        done = published(home, records)
        busy = time.process_time() - started
        if best is None or done.seconds < best.seconds:
            best = done
    assert best is not None
    rows, size_mb = sum(best.tables.values()), home.warehouse.stat().st_size / 1e6
    row(
        "publishing, nobody reading",
        f"{best.seconds:.1f} s, {busy:.1f} s of processors",
        "<= 10 s on 2 cores",
    )
    row("what it holds", f"{rows:,} rows, {size_mb:,.0f} MB")
    row("writing and syncing as many bytes", f"{copied(home.warehouse):.1f} s")
    for pause, words in ((1.0, "once a second"), (0.0, "without pause")):
        seconds = []
        reader = start_reader(home, size, pause)
        for _ in range(3):  # each with one experiment more, so that what is read can be told apart
            name = f"later-{len(records)}"
            records += filling.experiment(name, records[-1:])
            seconds.append(published(home, records).seconds)
        (tmp_path / "stop").touch()
        out, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        told = json.loads(out.splitlines()[-1])
        (tmp_path / "stop").unlink()
        assert told["seen"] == sorted(told["seen"])
        looks = f"{len(told['seen'])} looks, {np.median(told['took']):.2f} s each, no error"
        row(f"publishing, a reader asking {words}", f"{min(seconds):.1f} to {max(seconds):.1f} s", "<= 10 s")
        row("", looks, "no error, never half a table")
    shutil.rmtree(tmp_path, ignore_errors=True)


def start_reader(home: Home, size: Size, pause: float) -> "subprocess.Popen[str]":
    """A process that asks until there is a file `stop`; returns once it has asked for the first time."""
    numbers = [str(pause), str(size.queries), str(size.candidates)]
    command = [sys.executable, "-c", READER, str(home.warehouse), *numbers]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert reader.stdout and reader.stdout.readline() == "ready\n", reader.communicate()[1]
    return reader


def test_the_event_log(tmp_path: Path) -> None:
    size = Size(experiments=40, queries=10, photos=1000, shards=10)
    filling = Filling(Home(tmp_path / "home"), size, np.random.default_rng(0))
    records = list(filling.records())
    records += superseded(records, MATERIALIZATIONS - len(records))
    (tmp_path / "dagster.yaml").write_text(DAGSTER_YAML)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        for record in records:
            lineage = dg.MetadataValue.json(json.loads(record.to_json()))
            event = dg.AssetMaterialization(
                record.asset, partition=record.partition, metadata={"reused": False, "lineage": lineage}
            )
            instance.report_runless_asset_event(event)
        started = time.perf_counter()
        history = materialization_history(instance)
        seconds = time.perf_counter() - started
    print()
    row(f"reading {len(records):,} materializations of the event log", f"{seconds:.2f} s", "part of the 10 s")
    assert sorted(history["record"]) == sorted(json.dumps(json.loads(record.to_json())) for record in records)


def test_eight_processes(tmp_path: Path) -> None:
    home = many.prepared(tmp_path)
    reader = many.start_reader(home, pause=0.0)
    works = [many.Work(tmp_path, number, 12, publish_every=4) for number in range(8)]
    started = time.perf_counter()
    writers = [many.start(many.write, work) for work in works]
    for writer in writers:
        writer.join(1800)
    seconds = time.perf_counter() - started
    assert [writer.exitcode for writer in writers] == [0] * 8, "an error, lock errors included; see above"
    last = many.start(many.publish, home.root)
    last.join(100)
    rows = query(home, "select count(*) from results.prediction").item()
    seen = many.stop_reader(home, reader)
    wanted = sum(len(work.names) for work in works)
    runs_made = f"{wanted} materializations and {8 * 12 // 4} publications in {seconds:.0f} s"
    print()
    row("8 processes at once", runs_made)
    row("rows lost", f"{wanted * many.ROWS - rows:,} of {wanted * many.ROWS:,}", "0")
    row("lock errors of writers and publishers", "0 of 8 processes", "0")
    row("a reader without pause", f"{seen.looks:,} looks, no error, never half a table", "0 errors")
    assert rows == wanted * many.ROWS
    assert seen.partitions == sorted(seen.partitions) and seen.partitions[-1] == wanted
