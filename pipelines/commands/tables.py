"""`g3 results`, `g3 sql`, `g3 trace` and `g3 photos`: tables in the terminal; nothing is written."""

import sys
from pathlib import Path

import click
import polars as pl

from g3lib.store import Home
from pipelines.commands.failures import WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings
from pipelines.commands.showing import show, show_leaderboard

PIPE_WIDTH = 10_000  # columns: nothing is folded where no terminal is


def show_results(name: str | None, profile: str | None, limit: int, svg: Path | None) -> None:
    """The leaderboard, or a table of schema results."""
    _, home = settings(profile)
    if name is None:
        _need_warehouse(home)
        show_leaderboard(home, svg)
        return
    there = _query(home, "select table_name from information_schema.tables where table_schema = 'results'")[
        "table_name"
    ].to_list()
    if name not in there:
        raise CommandFailed(f"no table results.{name}; there are: {', '.join(sorted(there))}", WRONG_USAGE)
    _print(_query(home, f'from results."{name}" limit {int(limit)}'), svg)


def show_query(query: str, profile: str | None, csv: bool) -> None:
    """Whatever the warehouse answers to a query."""
    _, home = settings(profile)
    answer = _query(home, query)
    if csv:
        sys.stdout.write(answer.write_csv())
    else:
        _print(answer)


def show_trace(benchmark: str, experiment: str, profile: str | None) -> None:
    """The lineage of an accuracy row: every materialization upstream, and how many photos that is."""
    _, home = settings(profile)
    known = _query(home, "select distinct benchmark, experiment from results.accuracy order by all")
    if (benchmark, experiment) not in known.rows():
        there = "; ".join(f"{b} {e}" for b, e in known.rows()) or "nothing yet: g3 run"
        raise CommandFailed(f"no accuracy of {benchmark} {experiment}; there are: {there}", WRONG_USAGE)
    partition = f"{benchmark}|{experiment}"
    traced = _query(
        home,
        "select depth, asset, partition, left(data_version, 12) as data_version, code_version, "
        "left(git_commit, 12) as git_commit, left(run_id, 8) as dagster_run, "
        f"left(mlflow_run_id, 8) as mlflow_run from lineage.trace('accuracy', '{partition}') "
        "order by depth, asset, partition",
    )
    _print(traced)
    shards = traced.filter(asset="photos").height
    click.echo(f"{traced.height} materializations, down to {shards} photo shards.")


def show_positions(folder: Path, csv: bool) -> None:
    """Every photo below a folder with its position and place, or the reason for having none."""
    from g3lib.images.metadata import BadMetadata
    from g3lib.images.sources.folder import position_table
    from g3lib.places import geocode

    try:
        positions = position_table(folder)
    except BadMetadata as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem
    known = positions.filter(pl.col("lat").is_not_null() & pl.col("refused").is_null())
    places = geocode(known["lat"], known["lon"]).select("city", "country")
    table = positions.join(
        known.select("photo").hstack(places), on="photo", how="left", maintain_order="left"
    )
    if csv:
        sys.stdout.write(table.write_csv())
    else:
        _print(table)
        click.echo(f"{known.height} of {table.height} photos have a position.")


def _need_warehouse(home: Home) -> None:
    if not home.warehouse.exists():
        raise CommandFailed(f"{home.warehouse} is not there yet; `g3 run` makes it")


def _query(home: Home, query: str) -> pl.DataFrame:
    import duckdb

    from g3lib.store import warehouse

    _need_warehouse(home)
    try:
        return warehouse.query(home, query)
    except duckdb.Error as problem:
        raise CommandFailed(f"{problem}", WRONG_USAGE) from problem


def _print(frame: pl.DataFrame, svg: Path | None = None) -> None:
    from rich.table import Table

    table = Table()
    for name in frame.columns:
        table.add_column(name, overflow="fold")  # a cut value is of no use
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else _cell(value) for value in row))
    show(table, svg, None if sys.stdout.isatty() else PIPE_WIDTH)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
