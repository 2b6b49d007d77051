"""What is found in a file on the way: collected by name, turned into the table FINDINGS at the end."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import polars as pl

from g3lib.images.metadata.table import FINDINGS

Action = Literal["repaired", "refused", "left out", "noted"]


@dataclass(frozen=True)
class Finding:
    """One kind of lie: its name, what was done, how many rows, the evidence, and the first row as it stands."""

    name: str
    action: Action
    rows: int
    detail: str
    example: str = ""


def as_table(findings: Sequence[Finding]) -> pl.DataFrame:
    """The findings in the schema FINDINGS: what is lost first, then repairs, then notes, as found within each."""
    order: dict[Action, int] = {"refused": 0, "left out": 1, "repaired": 2, "noted": 3}
    rows = [astuple(each) for each in sorted(findings, key=lambda each: order[each.action])]
    return pl.DataFrame(rows, schema=FINDINGS, orient="row")
