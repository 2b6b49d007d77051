"""The warehouse's views over a few tables in memory, so that an asset's page and the warehouse cannot disagree."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files

import duckdb
import polars as pl

from g3lib.store.paper_views import paper_views_sql
from g3lib.store.warehouse import SCRIPTS


@contextmanager
def over(tables: Mapping[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the warehouse's tables, views and macros; of its tables, these are filled.

    `tables` by name within schema `results`, e.g. `diagnosis`; columns they lack are null.
    """
    with duckdb.connect() as connection:
        for script in SCRIPTS:
            connection.execute(_without_comments(script))
        connection.execute(_definitions(paper_views_sql()))
        for name, frame in tables.items():
            connection.register("given", frame)
            connection.execute(f"insert into results.{name} by name from given")
            connection.unregister("given")
        yield connection


@cache
def _without_comments(script: str) -> str:
    """The definitions alone: what columns mean takes longer to write down than all the rest."""
    return _definitions(files("g3lib.store").joinpath(script).read_text(encoding="utf-8"))


def _definitions(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.startswith("comment on "))
