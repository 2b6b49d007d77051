"""docs/published.md lists every number, and says what the marks mean."""

from pathlib import Path

from tiny import UPDATE_SNAPSHOT

from g3lib.experiments.published import BASES, published_metrics, published_rows
from g3lib.experiments.published_tables import paper_tables
from g3lib.results.paper_tables import listing

PAGE = Path(__file__).parents[4] / "docs" / "published.md"
MARK = "<!-- What follows is made of the data; a test compares. -->\n\n"


def test_the_page_is_in_step_with_the_data() -> None:
    written, mark, listed = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, "the line before the generated part is gone"
    if UPDATE_SNAPSHOT:
        PAGE.write_text(written + mark + listing(), encoding="utf-8")
        listed = listing()
    assert listed == listing(), "if wanted: G3_UPDATE_SNAPSHOT=1"


def test_the_page_explains_every_basis_and_names_every_table() -> None:
    written, _, listed = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert all(f"| `{basis}` |" in written for basis in BASES)
    assert all(f"| `{table.name}` |" in listed for table in paper_tables())


def test_every_method_and_every_measure_has_a_line() -> None:
    lines = [line for line in listing().splitlines() if line.startswith("| ")]
    for method in published_rows()["method"].unique():
        assert any(line.startswith(f"| {method}") for line in lines), method
    measures = published_metrics().height
    assert sum("`" in line.split("|")[3] for line in lines if line.count("|") == 8) == measures
