"""The analysts' DuckDB file: built anew from every committed file, swapped in by one rename.

Its tables and their meaning are the .sql files beside this one. Nothing else opens it for writing.
"""

import logging
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl
from filelock import FileLock, Timeout

from g3lib.experiments.published import published_metrics, published_references
from g3lib.store.artifacts import Home
from g3lib.store.committed import Commit, Committed, committed_now
from g3lib.store.files import replacing, scratch_folder
from g3lib.store.lineage import Record
from g3lib.store.paper_views import paper_views_sql

log = logging.getLogger(__name__)

LOCK_SECONDS = 600.0
STORAGE = "v1.4.0"  # the oldest DuckDB that can open the file; left alone, DuckDB 2 writes what only it reads

# results table: the asset whose Parquet files it holds, and the folder if they lie beside the asset's own
_SOURCES = {
    "prediction": "predictions",
    "candidate": "scored_candidates",
    "accuracy": "accuracy",
    "query": "queries",
    "reference": "references",
    "diagnosis": "diagnoses",
    "comparison": "comparisons",
    "pool_choice": "pool_choice",
    "published": "published",
    "reference_distance": "distances",
    "photo": "photos",
    "photo_census": "photo_census",
    "photo_duplicate": "photo_duplicates",
    "leaked_query": "leaked_queries",
    "author_overlap": "author_overlap",
    "place": "captions",
    "photo_ledger": "photos/ledger",
    "metadata_finding": "metadata/findings",
    "accuracy_by_continent": "accuracy/continents",
    "place_accuracy": "accuracy/places",
    "city_label": "city_labels",
    "city_photo": "city_labels/photos",
    "city_model": "city_models",
    "city_choice": "city_models/choices",
    "city_prediction": "city_predictions",
    "city_accuracy": "city_accuracy",
    "city_reliability": "city_predictions/reliability",
    "city_set": "city_predictions/sets",
    "city_wrong_answer": "city_predictions/wrong_answers",
    "city_wrong_distance": "city_predictions/wrong_distances",
    "city_proximity": "city_proximity",
    "city_proximity_comparison": "city_proximity/comparisons",
    "city_neighbour": "city_proximity/neighbours",
    "city_neighbour_summary": "city_proximity/summaries",
    "city_pair": "city_proximity/pairs",
}
SCRIPTS = (  # tables, and views over them
    "warehouse.sql",
    "warehouse_cities.sql",
    "warehouse_views.sql",
    "warehouse_diagnosis.sql",
)
_OUTSIDE = {  # the same of anybody's predictions (`g3 score --keep`)
    "prediction": "outside_predictions",
    "accuracy": "outside_accuracy",
    "accuracy_by_continent": "outside_continents",
    "place_accuracy": "outside_places",
}
_FROM_RECORD = {"run_id": "run_id", "shard": "partition"}  # column: field of the file's record
_OWN = {("photo_census", "shard")}  # columns of that name that a file has itself
_LATER = {  # columns that files made by earlier versions lack
    "candidate": {"answer"},
    "prediction": {"gallery_policy", "error_haversine_km", "city", "state", "country", "continent"},
    "accuracy": {"accuracy_haversine"},
    "published": {"year", "basis", "source", "caveat"},
}
Prices = Mapping[str, tuple[float, float]]  # by what tables call the LMM: USD per million tokens, in and out


class WarehouseError(RuntimeError):
    """The warehouse cannot be built or read; the message says what to do."""


@dataclass(frozen=True)
class Published:
    """A finished publication: rows by `schema.table`."""

    path: Path
    tables: dict[str, int]
    seconds: float


def publish(home: Home, runs: pl.DataFrame, history: pl.DataFrame, prices: Prices) -> Published:
    """Rebuild the warehouse as of now and swap it in; readers keep what they have open.

    runs:    run_id, job, status, started_at, finished_at (timestamps or ISO 8601), tags (JSON).
    history: column `record`, the Record JSON of every materialization event, superseded or not.
    prices:  of every LMM whose price is known; what others cost stays null.
    Raises WarehouseError, leaving the old file, if a committed file is damaged.
    """
    started, database = time.perf_counter(), home.warehouse
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{database}.lock", timeout=LOCK_SECONDS):
            _sweep(database)
            with replacing(database) as scratch, scratch_folder(database) as kept:
                committed = committed_now(home, kept)
                _check_readable(committed)
                with duckdb.connect(scratch, config={"storage_compatibility_version": STORAGE}) as connection:
                    tables = _fill(connection, committed, runs, history, prices)
                # left by someone who opened the old file read-write; the new one would not open
                Path(f"{database}.wal").unlink(missing_ok=True)
            database.chmod(0o444)  # an accidental read-write open fails instead of blocking others
    except Timeout as problem:
        raise WarehouseError(
            f"{database}.lock: another publication has held it for {LOCK_SECONDS:.0f} s; "
            "wait for it, or end it, and publish again"
        ) from problem
    return Published(database, tables, time.perf_counter() - started)


def query(home: Home, sql: str) -> pl.DataFrame:
    """What `sql` returns from the published warehouse, opened read-only for this one call.

    Raises WarehouseError if nothing was published yet; DuckDB's own errors pass through.
    """
    if not home.warehouse.is_file():
        raise WarehouseError(f"{home.warehouse}: there is no warehouse yet; run `g3 run` first")
    with duckdb.connect(config={"temp_directory": f"{home.warehouse}.tmp"}) as connection:
        # not opened itself: DuckDB would hand out the file that another connection of this process still has open
        connection.execute("attach $path as warehouse (read_only)", {"path": str(home.warehouse)})
        connection.execute("use warehouse")
        relation = connection.sql(sql)
        frame: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
        return frame


def data_dictionary() -> str:
    """Markdown of every schema, table, view and macro, from the comments of the .sql files."""
    with duckdb.connect() as connection:
        _define(connection)
        parts = []
        for schema in ("results", "lineage"):
            parts.append(f"## Schema `{schema}`\n")
            for name, comment in connection.execute(_OBJECTS, {"schema": schema}).fetchall():
                parts.append(f"### `{schema}.{name}`\n\n{comment}\n")
                found = {"schema": schema, "name": name}
                columns = connection.execute(_COLUMNS, found).fetchall()
                if columns:
                    rows = [f"| `{column}` | {kind} | {text} |" for column, kind, text in columns]
                    parts.append("\n".join(["| column | type | meaning |", "|---|---|---|", *rows, ""]))
        return "\n".join(parts)


_OBJECTS = """
select name, comment from (
    select table_name as name, comment, 0 as kind from duckdb_tables() where schema_name = $schema
    union all
    select view_name, comment, 1 from duckdb_views() where schema_name = $schema
    union all
    select function_name || '(' || array_to_string(parameters, ', ') || ')', comment, 2
    from duckdb_functions() where schema_name = $schema
) order by kind, name
"""
_COLUMNS = """
select column_name, data_type, comment from duckdb_columns()
where schema_name = $schema and table_name = $name order by column_index
"""


def _define(connection: duckdb.DuckDBPyConnection) -> None:
    """Every table, view and macro, empty."""
    for name in SCRIPTS:
        connection.execute(_script(name))
    connection.execute(paper_views_sql())


def _script(name: str) -> str:
    return files("g3lib.store").joinpath(name).read_text(encoding="utf-8")


def _fill(
    connection: duckdb.DuckDBPyConnection,
    committed: Committed,
    runs: pl.DataFrame,
    history: pl.DataFrame,
    prices: Prices,
) -> dict[str, int]:
    """Define and load everything; rows by `schema.table`."""
    connection.begin()  # spares a sync for every comment
    _define(connection)
    connection.register("records", _records(committed.records.values(), history["record"]))
    connection.register("run_rows", runs)
    connection.execute(_script("warehouse_fill.sql"))
    for table, source in _SOURCES.items():
        outside = committed.tables.get(_OUTSIDE.get(table, ""), [])
        _load(connection, table, [*committed.tables.get(source, []), *outside])
    connection.register("reference_rows", published_references())
    connection.execute("insert into results.published_reference by name from reference_rows")
    connection.register("metric_rows", published_metrics())
    connection.execute("insert into results.published_metric by name from metric_rows")
    connection.register("price_rows", _price_rows(prices))
    connection.execute(_script("warehouse_summary.sql"))
    tables = "select schema_name || '.\"' || table_name || '\"' from duckdb_tables()"
    names = [name for (name,) in connection.execute(tables).fetchall()]
    rows = {name.replace('"', ""): _count(connection, name) for name in names}
    connection.commit()
    return rows


def _price_rows(prices: Prices) -> pl.DataFrame:
    rows = [(lmm, *of_lmm) for lmm, of_lmm in prices.items()]
    schema = {"lmm": pl.String, "usd_in": pl.Float64, "usd_out": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _check_readable(found: Committed) -> None:
    for path in found.damaged:
        raise WarehouseError(
            f"{path}: damaged, or not made by this version (no lineage record can be read); "
            "delete it and run again: `g3 run`"
        )


def _records(made: Iterable[Record], history: Iterable[str | None]) -> pl.DataFrame:
    """Each materialization once, `current` if a file carries it; the event log adds the rest."""
    current = dict.fromkeys((each.to_json() for each in made), True)
    unreadable = 0
    for text in history:
        try:
            current.setdefault(Record.from_json(text or "").to_json(), False)
        except ValueError:
            unreadable += 1
    if unreadable:
        log.warning("%d events carry no lineage record of this version; left out", unreadable)
    rows = {"record": list(current.keys()), "current": list(current.values())}
    return pl.DataFrame(rows, schema={"record": pl.String, "current": pl.Boolean})


def _load(connection: duckdb.DuckDBPyConnection, table: str, commits: Sequence[Commit]) -> None:
    """Insert the files of one asset; WarehouseError names the file that cannot be read."""
    if not commits:
        return
    paths = [str(each.kept) for each in commits]
    carried = {name: [getattr(each.record, f) for each in commits] for name, f in _FROM_RECORD.items()}
    schema = dict.fromkeys(("filename", *carried), pl.String)
    connection.register("commit_rows", pl.DataFrame({"filename": paths, **carried}, schema=schema))
    try:
        selected = _selected(connection, table, paths)
        connection.execute(
            f"insert into results.{table} by name select {selected} "
            "from read_parquet($paths, union_by_name = true, filename = true) as data "
            "join commit_rows as made on made.filename = data.filename",
            {"paths": paths},
        )
    except duckdb.Error as problem:
        culprit = _culprit(connection, table, commits)
        raise WarehouseError(
            f"{culprit}: cannot be read into results.{table} ({str(problem).splitlines()[0]}); "
            "delete it and run again: `g3 run`"
        ) from problem


def _selected(connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[str]) -> str:
    """The select list that fills a results table from its files and their records."""
    found = connection.execute(_COLUMNS, {"schema": "results", "name": table}).fetchall()
    lacking = _lacking(connection, table, paths)
    carried = {name for name in _FROM_RECORD if (table, name) not in _OWN}
    return ", ".join(
        f"null as {name}" if name in lacking else f"{'made' if name in carried else 'data'}.{name}"
        for name, *_ in found
    )


def _lacking(connection: duckdb.DuckDBPyConnection, table: str, paths: Sequence[str]) -> set[str]:
    """Columns of a table that came later than all of its files."""
    later = _LATER.get(table, set())
    if not later:
        return later
    files_have = "describe select * from read_parquet($paths, union_by_name = true)"
    described = connection.execute(files_have, {"paths": list(paths)}).fetchall()
    return later - {name for name, *_ in described}


def _culprit(connection: duckdb.DuckDBPyConnection, table: str, commits: Sequence[Commit]) -> str:
    """The first file that fails on its own; the table's folder if they fail only together."""
    for each in commits:
        path = str(each.kept)
        try:
            connection.execute(
                f"create or replace temp table probe as select {_selected(connection, table, [path])} "
                "from read_parquet($path) as data, commit_rows as made limit 0",
                {"path": path},
            )
            connection.execute(
                "create or replace temp table probe as from read_parquet($path)", {"path": path}
            )
        except duckdb.Error:
            return str(each.path)
    return f"{commits[0].path.parent} (no single file, but all together)"


def _sweep(database: Path) -> None:
    """Remove what killed publications left; the caller holds the lock."""
    for stale in database.parent.glob(f".{database.name}.*.tmp*"):
        if stale.is_dir():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            stale.unlink(missing_ok=True)
