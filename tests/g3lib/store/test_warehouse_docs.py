"""docs/warehouse.md says what the warehouse is, its examples run, and comments are there and speak of what there is."""

import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
from small_home import NO_HISTORY, PARTITION, RUNS, put, put_results, query_rows

from g3lib.store import Home, Key
from g3lib.store.warehouse import _define, data_dictionary, publish, query

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "warehouse.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
NAMED = re.compile(r"(?<![.\w])(results|lineage)\.(?!(?:py|sql)\b)(?:\"(\w+)\"|(\w+))(?:\.(\w+))?")
COMMENTED = """
select schema_name || '.' || table_name as name, comment from duckdb_tables() where schema_name in $schemas
union all
select schema_name || '.' || view_name, comment from duckdb_views() where schema_name in $schemas
union all
select schema_name || '.' || function_name, comment from duckdb_functions() where schema_name in $schemas
union all
select schema_name || '.' || table_name || '.' || column_name, comment from duckdb_columns()
where schema_name in $schemas
""".replace("$schemas", "('results', 'lineage')")


def test_the_page_is_in_step_with_the_comments() -> None:
    _, _, dictionary = PAGE.partition("<!-- data_dictionary() -->\n")
    assert dictionary.strip() == data_dictionary().strip(), (
        "docs/warehouse.md differs from the .sql files: paste what "
        "`python -c 'from g3lib.store.warehouse import data_dictionary as d; print(d())'` prints"
    )


@pytest.fixture(scope="module")
def comments() -> dict[str, str | None]:
    """By schema.object and schema.object.column; of tables, views, macros and their columns."""
    with duckdb.connect() as connection:
        _define(connection)
        return dict(connection.execute(COMMENTED).fetchall())


def test_every_table_view_macro_and_column_has_a_comment(comments: dict[str, str | None]) -> None:
    kinds = {name.count(".") for name in comments}
    assert kinds == {1, 2} and {"lineage.trace", "results.miss", "results.miss.hit"} <= comments.keys()
    assert [name for name, comment in comments.items() if not comment] == []


def unknown(text: str, known: dict[str, str | None]) -> list[str]:
    """Objects and columns that a text names and the warehouse does not have."""
    found = []
    text = text.replace("g3lib.results.", "")  # the package of that name
    for schema, quoted, plain, column in NAMED.findall(text):
        name = f"{schema}.{quoted or plain}"
        if name not in known or (column and f"{name}.{column}" not in known):
            found.append(f"{name}.{column}".rstrip("."))
    return found


def test_no_comment_speaks_of_what_is_not_there(comments: dict[str, str | None]) -> None:
    assert unknown("see results.accuracy.n and lineage.run, not results.acuracy", comments) == [
        "results.acuracy"
    ]
    wrong = {name: unknown(text or "", comments) for name, text in comments.items()}
    assert {name: names for name, names in wrong.items() if names} == {}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_no_page_speaks_of_a_table_that_is_not_there(page: Path, comments: dict[str, str | None]) -> None:
    assert unknown(page.read_text(encoding="utf-8"), comments) == []


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    put_results(home)
    put(
        home, Key("queries", "im2gps3k"), query_rows().with_columns(scene=pl.lit("urban"))
    )  # diagnoses are stale
    publish(home, RUNS, NO_HISTORY, {"gpt-4": (10.0, 30.0)})
    return home


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7 and len(SNIPPETS) == 1


@pytest.mark.parametrize("sql", EXAMPLES)
def test_example(warehouse: Home, sql: str) -> None:
    assert query(warehouse, sql).height > 0


def test_what_is_stale_is_told(warehouse: Home) -> None:
    (sql,) = (each for each in EXAMPLES if "not exists" in each)
    assert query(warehouse, sql).rows() == [("diagnoses", PARTITION, "queries", "im2gps3k")]


def test_the_snippet_runs_as_it_stands(
    warehouse: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(warehouse.root)
    names: dict[str, object] = {}
    exec(SNIPPETS[0], names)
    shapes = {name: names[name].shape for name in ("board", "misses", "summary")}  # type: ignore[attr-defined]
    assert all(rows and columns for rows, columns in shapes.values())
    with duckdb.connect("my-analysis.duckdb", read_only=True) as own:
        assert own.execute("select count(*) from worst").fetchone() == (20,)
