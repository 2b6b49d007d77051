"""The list of the papers' tables: an entry is a table, its rows in the paper's order and ours behind them."""

from dataclasses import replace

import pytest

from g3lib.experiments.catalogue import FIGURE_3, FIGURE_4
from g3lib.experiments.published import published
from g3lib.experiments.published_tables import PaperTable, paper_tables, rows_of

BY_NAME = {table.name: table for table in paper_tables()}


def experiments(table: PaperTable) -> list[str | None]:
    return [row.experiment for row in rows_of(table)]


def test_the_tables_and_figures_of_g3_are_on_the_list() -> None:
    tables = ["table_1", "table_2", "table_3", "table_4", "table_5", "table_7", "figure_3", "figure_4"]
    assert list(BY_NAME)[: len(tables) + 2] == [*tables, "case_study", "failure_study"]
    assert [name for name in tables if not BY_NAME[name].of_accuracies] == ["table_3"]


def test_im2citys_questions_are_on_the_list() -> None:
    found = [name for name in BY_NAME if name.startswith("im2city")]
    asked = ("scale", "source", "backbone", "prompts", "shots", "targets", "proximity")
    assert found == ["im2city", *(f"im2city_{name}" for name in asked)]
    assert [row.experiment for row in rows_of(BY_NAME["im2city"])] == ["gem-zero-shot", "gem-probe"]


def test_the_paper_s_rows_come_first_in_its_order_once_for_all_benchmarks() -> None:
    rows = rows_of(BY_NAME["table_1"])
    methods = [row.method for row in rows if row.paper]
    assert methods[0] == "[L]kNN, sigma=4" and methods[-2:] == ["PIGEON", "G3"] and len(methods) == 10
    assert [row.place for row in rows] == list(range(len(rows)))
    besides = [row.experiment for row in rows if not row.paper]
    assert besides == list(BY_NAME["table_1"].experiments) and "lmm-only" in besides


def test_figures_have_their_points_in_order_the_printed_one_among_them() -> None:
    assert experiments(BY_NAME["figure_3"]) == [each.name for each in FIGURE_3]
    assert experiments(BY_NAME["figure_4"]) == [each.name for each in FIGURE_4]
    assert [row.paper is not None for row in rows_of(BY_NAME["figure_4"])] == [
        False,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("name", [name for name, table in BY_NAME.items() if table.of_accuracies])
def test_every_printed_row_stands_in_its_table(name: str) -> None:
    table = BY_NAME[name]
    printed = published().filter(paper=table.paper, paper_table=table.paper_table)
    assert printed.height
    expected = set(printed.select("method", "variant", "experiment").rows())
    assert {(row.method, row.variant, row.experiment) for row in rows_of(table) if row.paper} == expected


def test_a_table_of_another_paper_is_one_entry() -> None:
    entry = PaperTable("gem", "accuracies", "GEM", "IM2City (GeoAI 2022)", "abstract", ("nn-clip",))
    rows = rows_of(entry)
    assert [(row.method, row.variant) for row in rows] == [
        ("GEM", "zero-shot"),
        ("GEM", "linear probing"),
        ("Nearest neighbour", "CLIP"),
    ]
    with pytest.raises(KeyError, match="no experiment 'gem-two-shots'"):
        rows_of(replace(entry, experiments=("gem-two-shots",)))
