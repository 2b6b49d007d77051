"""The published warehouse, opened read-only for one report; every question of the report passes through here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from g3lib.store.artifacts import Home
from g3lib.store.warehouse import WarehouseError


@dataclass(frozen=True)
class Source:
    """An open warehouse: it keeps showing what was published then, whatever is swapped in meanwhile."""

    home: Home
    connection: duckdb.DuckDBPyConnection
    published_ns: int  # when, by the file's own time

    def rows(self, sql: str, **given: Any) -> pl.DataFrame:
        """What a query returns; `$name` in it stands for what is given by that name."""
        found: pl.DataFrame = self.connection.sql(sql, params=given).pl()
        return found


@contextmanager
def opened(home: Home) -> Iterator[Source]:
    """The warehouse of a home; WarehouseError if nothing was published yet."""
    for _ in range(10):
        before = published_ns(home.warehouse)
        if before is None:
            raise WarehouseError(f"{home.warehouse}: there is no warehouse yet; run `g3 run` first")
        with duckdb.connect(home.warehouse, read_only=True) as connection:
            if published_ns(home.warehouse) == before:  # else another was swapped in between
                yield Source(home, connection, before)
                return
    raise WarehouseError(
        f"{home.warehouse}: is replaced again and again; build the report when that has ended"
    )


def published_ns(path: Path) -> int | None:
    """When a warehouse was published, nanoseconds since 1970; None if there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def benchmarks(source: Source) -> list[str]:
    """The benchmarks that have predictions, by name."""
    found = source.rows("select distinct benchmark from results.prediction order by benchmark")
    return [str(name) for name in found["benchmark"]]
