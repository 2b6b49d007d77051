"""A named table from the inputs it needs, by the SQL that the warehouse has."""

from collections.abc import Mapping

import polars as pl

from g3lib.experiments.published_tables import paper_tables
from g3lib.store.views import over


def paper_table(name: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What `from results.<name>` answers where the warehouse's tables hold just `tables`, columns as there.

    `tables` by name within schema `results`: `accuracy` and `published` for tables and curves of accuracies,
    `reference_distance` and `published_reference` for distances, `reference` and `query` for cases, `prediction` and
    `query` for failures; what is not given is empty. Raises KeyError for a name that is not on the list.
    """
    known = [table.name for table in paper_tables()]
    if name not in known:
        raise KeyError(f"no table {name!r} of the papers; there are: {', '.join(known)}")
    with over(tables) as connection:
        frame: pl.DataFrame = connection.sql(f'from results."{name}"').pl()
        return frame
