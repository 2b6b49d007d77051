"""The papers' tables and figures as a list: published_tables.csv has an entry for each, and adding one makes it.

What a table holds: the rows that its paper prints (those of published.csv that name it), then the experiments that the
entry names besides; a printed row whose experiment is named there too moves to that place.
"""

import csv
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

import polars as pl

from g3lib.experiments.catalogue import experiment
from g3lib.experiments.published import packaged_text, published_rows

Kind = Literal["accuracies", "curve", "distances", "cases", "failures", "question", "proximity"]


@dataclass(frozen=True)
class PaperTable:
    """One table or figure.

    name:        of the view `results.<name>` and of the partition of asset `paper_tables`.
    kind:        `accuracies`; `curve`, a figure of accuracies over a setting; `question`, what an experiment's factor
                 does; the others have views of their own.
    experiments: what is measured besides the rows that the paper prints, in this order.
    """

    name: str
    kind: Kind
    title: str
    paper: str
    paper_table: str
    experiments: tuple[str, ...] = ()

    @property
    def of_accuracies(self) -> bool:
        """Whether its view is one of accuracies, measured beside published."""
        return self.kind in ("accuracies", "curve")


@dataclass(frozen=True)
class PaperRow:
    """A row of such a table; `experiment` repeats it here; without a `paper` nothing is printed."""

    name: str
    place: int
    paper: str | None
    paper_table: str | None
    method: str
    variant: str | None
    experiment: str | None


@cache
def paper_tables() -> tuple[PaperTable, ...]:
    """Every entry of published_tables.csv, in its order."""
    # not by polars, whose threads must not start while definitions load: processes are forked from there
    rows = csv.DictReader(packaged_text("published_tables.csv").splitlines())
    return tuple(
        PaperTable(
            row["name"],
            cast(Kind, row["kind"]),
            row["title"],
            row["paper"],
            row["paper_table"],
            tuple((row["experiments"] or "").split()),
        )
        for row in rows
    )


def rows_of(table: PaperTable) -> list[PaperRow]:
    """Its rows in order, each once for all benchmarks; KeyError for an experiment that is not in the catalogue."""
    about = ("paper", "paper_table", "method", "variant", "experiment")
    own = pl.col("paper").eq(table.paper) & pl.col("paper_table").eq(table.paper_table)
    printed = published_rows().filter(own).select(about).unique(maintain_order=True).rows()
    named = {row[-1]: row for row in printed if row[-1] in table.experiments}
    first = [row for row in printed if row[-1] not in named]
    then = [named.get(name) or _measured(name) for name in table.experiments]
    return [PaperRow(table.name, place, *row) for place, row in enumerate([*first, *then])]


def _measured(name: str) -> tuple[None, None, str, str, str]:
    found = experiment(name)
    return None, None, found.method, found.variant, name
