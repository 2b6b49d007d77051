"""`g3 results`, `g3 sql` and `g3 photos`: tables in the terminal; nothing is written."""

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
    there = ask_warehouse(
        home, "select table_name from information_schema.tables where table_schema = 'results'"
    )["table_name"].to_list()
    if name not in there:
        raise CommandFailed(f"no table results.{name}; there are: {', '.join(sorted(there))}", WRONG_USAGE)
    print_frame(ask_warehouse(home, f'from results."{name}" limit {int(limit)}'), svg)


def show_query(query: str, profile: str | None, csv: bool) -> None:
    """Whatever the warehouse answers to a query."""
    _, home = settings(profile)
    answer = ask_warehouse(home, query)
    if csv:
        sys.stdout.write(answer.write_csv())
    else:
        print_frame(answer)


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
        print_frame(table)
        click.echo(f"{known.height} of {table.height} photos have a position.")


def _need_warehouse(home: Home) -> None:
    if not home.warehouse.exists():
        raise CommandFailed(f"{home.warehouse} is not there yet; `g3 run` makes it")


def ask_warehouse(home: Home, query: str) -> pl.DataFrame:
    """What the warehouse answers; CommandFailed with DuckDB's words, or with what makes a warehouse."""
    import duckdb

    from g3lib.store import warehouse

    _need_warehouse(home)
    try:
        return warehouse.query(home, query)
    except duckdb.Error as problem:
        raise CommandFailed(f"{problem}", WRONG_USAGE) from problem


def print_frame(frame: pl.DataFrame, svg: Path | None = None) -> None:
    """A frame in the terminal, whole values; and as a picture if asked."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in frame.columns:
        table.add_column(name, overflow="fold")  # a cut value is of no use
    for row in frame.iter_rows():
        table.add_row(
            *("" if value is None else Text(_cell(value)) for value in row)
        )  # brackets are no markup
    show(table, svg, None if sys.stdout.isatty() else PIPE_WIDTH)


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
