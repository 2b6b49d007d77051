"""Tables in the terminal, and as pictures; which tables there are is not said here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from g3lib.store import Home

if TYPE_CHECKING:
    from rich.table import Table


def show_leaderboard(home: Home, svg: Path | None = None) -> None:
    """The leaderboard in the terminal, and as a picture if asked."""
    from g3lib.results.display import leaderboard_table

    show(leaderboard_table(home), svg)


def show(table: "Table", svg: Path | None, width: int | None = None) -> None:
    """A table in the terminal, and as a picture if asked."""
    from rich.console import Console

    Console(width=width).print(table)
    if svg is not None:
        with Path(os.devnull).open("w") as nowhere:
            picture = Console(record=True, width=100, file=nowhere)
            picture.print(table)
            picture.save_svg(str(svg), title="g3 results")
