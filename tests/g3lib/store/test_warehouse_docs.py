"""docs/warehouse.md says what the warehouse is, and its examples run."""

import re
from pathlib import Path

import duckdb
import pytest
from small_home import NO_HISTORY, RUNS, put_results

from g3lib.store import Home
from g3lib.store.warehouse import _define, data_dictionary, publish, query

PAGE = (Path(__file__).parents[3] / "docs" / "warehouse.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_is_in_step_with_the_comments() -> None:
    _, _, dictionary = PAGE.partition("<!-- data_dictionary() -->\n")
    assert dictionary.strip() == data_dictionary().strip(), (
        "docs/warehouse.md differs from the .sql files: paste what "
        "`python -c 'from g3lib.store.warehouse import data_dictionary as d; print(d())'` prints"
    )


def test_every_table_and_column_has_a_comment() -> None:
    with duckdb.connect() as connection:
        _define(connection)
        for source in ("duckdb_tables", "duckdb_views", "duckdb_columns"):
            missing = connection.execute(
                f"from {source}() where schema_name in ('results', 'lineage') and comment is null"
            ).fetchall()
            assert not missing


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    put_results(home)
    publish(home, RUNS, NO_HISTORY, {"gpt-4": (10.0, 30.0)})
    return home


def test_there_are_twelve_examples() -> None:
    assert len(EXAMPLES) == 12


@pytest.mark.parametrize("sql", EXAMPLES)
def test_example(warehouse: Home, sql: str) -> None:
    assert query(warehouse, sql).width > 0
