"""The papers' tables and figures from what was measured: by the warehouse's own views, as Markdown and pictures."""

from g3lib.results.paper_tables.cases import COMPARED, choose_cases
from g3lib.results.paper_tables.drawing import curve_png
from g3lib.results.paper_tables.listing import listing
from g3lib.results.paper_tables.views import paper_table
from g3lib.results.paper_tables.writing import accuracies_markdown, caveats_markdown, coverage, markdown_table

__all__ = [
    "COMPARED",
    "accuracies_markdown",
    "caveats_markdown",
    "choose_cases",
    "coverage",
    "curve_png",
    "listing",
    "markdown_table",
    "paper_table",
]
