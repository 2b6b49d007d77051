"""Where each row stands in its file, so that a finding can quote it as it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUOTED = 300  # characters of a row that a finding quotes


def shortened(text: str) -> str:
    """A row as findings quote it: printable, at most QUOTED characters."""
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[: QUOTED + 1]
    )
    return text if len(text) <= QUOTED else text[:QUOTED] + " …"


@dataclass(frozen=True)
class Whereabouts:
    """Line numbers (from 1) of the rows, and how to read a row's text again."""

    lines: NDArray[np.int64]
    quote: Callable[[int], str]
    unit: str = "line"

    def of(self, row: int) -> str:
        """The row's text, shortened."""
        return shortened(self.quote(row))

    def place(self, row: int) -> str:
        """`first in line 17`."""
        return f"first in {self.unit} {int(self.lines[row])}"
