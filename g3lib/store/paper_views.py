"""SQL of the papers' tables: what stands in each, the views of warehouse_tables.sql, and one named view per table."""

from importlib.resources import files

from g3lib.experiments.published_tables import PaperTable, paper_tables, rows_of

BASE = "results.paper_result"  # whose columns, but for the name, every table has
ROW_COMMENTS = {
    "": "What stands in which table of the papers, in order.",
    "name": "Table or figure: table_1, figure_3, ...",
    "place": "From 0: first what the paper prints, then what is measured besides.",
    "paper": "Paper that prints the row; null for a row measured besides.",
    "paper_table": "Where in the paper.",
    "method": "Method, as the paper or else the catalogue of experiments names it.",
    "variant": "Variant; null if there is only one.",
    "experiment": "Our experiment that repeats the row; null if none does.",
}


def paper_views_sql(tables: tuple[PaperTable, ...] | None = None) -> str:
    """A script for a database that has the tables of warehouse.sql; every comment is a line of its own.

    `tables`: those of published_tables.csv if not given.
    """
    chosen = paper_tables() if tables is None else tables
    views = files("g3lib.store").joinpath("warehouse_tables.sql").read_text(encoding="utf-8")
    named = [_named(table, views) for table in chosen if table.of_accuracies]
    return "\n".join([_rows(chosen), views, *named])


def _rows(tables: tuple[PaperTable, ...]) -> str:
    """View results.paper_row."""
    names = [name for name in ROW_COMMENTS if name]
    rows = [row for table in tables if table.of_accuracies for row in rows_of(table)]
    values = ",\n    ".join(f"({', '.join(_literal(getattr(row, name)) for name in names)})" for row in rows)
    comments = [
        f"comment on {f'column results.paper_row.{name}' if name else 'view results.paper_row'} is {_literal(text)};"
        for name, text in ROW_COMMENTS.items()
    ]
    view = f"create view results.paper_row as from (values\n    {values}\n) as entries ({', '.join(names)});"
    return "\n".join([view, *comments])


def _named(table: PaperTable, views: str) -> str:
    """One table: its part of BASE, with the same comments."""
    view = f"results.{table.name}"
    told = f"{table.title}: {table.paper}, {table.paper_table}, measured beside published."
    start = f"comment on column {BASE}."
    comments = [
        line.replace(BASE, view, 1)
        for line in views.splitlines()
        if line.startswith(start) and not line.startswith(f"{start}name ")
    ]
    return "\n".join(
        [
            f"create view {view} as select * exclude (name) from {BASE} where name = {_literal(table.name)}",
            "order by benchmark, place, gallery_policy nulls first, experiment, threshold_km;",
            f"comment on view {view} is {_literal(told)};",
            *comments,
        ]
    )


def _literal(value: str | int | None) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
