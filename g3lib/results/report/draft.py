"""A report in the making: what is in it so far, and how much room is left."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from g3lib.results.report.budget import Budget
from g3lib.results.report.experiments import Entry
from g3lib.results.report.photos import Library
from g3lib.results.report.reading import Source


@dataclass
class Draft:
    """`first` are the blocks that stand before the page's script, which the first screen needs; `rest` come after."""

    source: Source
    benchmark: str
    experiments: list[Entry]  # as they are numbered in the page
    queries: pl.DataFrame  # see queries.queries
    budget: Budget
    library: Library
    about: dict[str, Any] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    rest: dict[str, str] = field(default_factory=dict)

    def number_of(self, entry: Entry) -> int:
        """The place of an experiment in the page."""
        return self.experiments.index(entry)

    def larger(self) -> str:
        """How to have more than fits."""
        return "build it with more `megabytes` (configuration of the asset `report`)"
