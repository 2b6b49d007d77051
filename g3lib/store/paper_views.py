"""SQL of the papers' tables: what stands in each, the views of warehouse_tables.sql, and one named view per table."""

from importlib.resources import files

from g3lib.experiments.published_tables import PaperTable, paper_tables, rows_of

BASES = {  # whose columns, but for the name, every table of a kind has; and the script that makes it
    "accuracies": ("results.paper_result", "warehouse_tables.sql"),
    "curve": ("results.paper_result", "warehouse_tables.sql"),
    "question": ("results.city_question", "warehouse_cities.sql"),
}
ORDERS = {
    "results.paper_result": "benchmark, place, gallery_policy nulls first, experiment, threshold_km",
    "results.city_question": "series, place, experiment",
}
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
    views = _script("warehouse_tables.sql")
    named = [_named(table) for table in chosen if table.kind in BASES]
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


def _script(name: str) -> str:
    return files("g3lib.store").joinpath(name).read_text(encoding="utf-8")


def _named(table: PaperTable) -> str:
    """One table: its part of what its kind has as a base, with the same comments."""
    base, script = BASES[table.kind]
    view = f"results.{table.name}"
    beside = ", measured beside published" if table.of_accuracies else ", as experiments"
    told = f"{table.title}: {table.paper}, {table.paper_table}{beside}."
    start = f"comment on column {base}."
    comments = [
        line.replace(base, view, 1)
        for line in _script(script).splitlines()
        if line.startswith(start) and not line.startswith(f"{start}name ")
    ]
    return "\n".join(
        [
            f"create view {view} as select * exclude (name) from {base} where name = {_literal(table.name)}",
            f"order by {ORDERS[base]};",
            f"comment on view {view} is {_literal(told)};",
            *comments,
        ]
    )


def _literal(value: str | int | None) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
