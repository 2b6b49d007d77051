"""Checks of photo ids: missing, repeated, and equal once they are file names.

Rows that agree on the position are one photo written twice: the first stays. Rows that do not are all refused,
since nothing tells which is true.
"""

import numpy as np
import polars as pl

from g3lib.images.fates import Fate
from g3lib.images.metadata.draft import Draft


def check_ids(draft: Draft) -> None:
    """Refuse rows without id, repeated ones, and those that an archive holds under one name (`a/b`, `a_b`)."""
    ids = draft.text["photo_id"]
    draft.refuse("no_id", Fate.NO_ID, ids.is_null().to_numpy(), "photo_id is empty")
    suspects = _repeated(draft)
    if suspects.height == 0:
        return
    groups = suspects.with_columns(
        one_place=pl.struct("lat", "lon").n_unique().over("name") == 1,
        one_id=pl.col("photo_id").n_unique().over("name") == 1,
        first=pl.col("row").min().over("name") == pl.col("row"),
    )
    for name, rows, detail in (
        (
            "duplicate_id",
            pl.col("one_place") & pl.col("one_id") & ~pl.col("first"),
            "the same photo again; the first is kept",
        ),
        (
            "conflicting_id",
            ~pl.col("one_place") & pl.col("one_id"),
            "one id at different positions; none of them is kept",
        ),
        (
            "same_file_name",
            ~pl.col("one_id") & ~(pl.col("one_place") & pl.col("first")),
            "ids that are one file name, `/` being `_` in archives; the first is kept if they agree on the position",
        ),
    ):
        mask = np.zeros(ids.len(), bool)
        mask[groups.filter(rows)["row"].to_numpy()] = True
        draft.refuse(name, Fate.DUPLICATE_ID, mask, detail)


def _repeated(draft: Draft) -> pl.DataFrame:
    """Usable rows whose file name occurs more than once: row, name, photo_id, lat, lon. Hashes first, for memory."""
    names = draft.text["photo_id"].str.replace_all("/", "_", literal=True)
    hashes = names.hash().to_numpy().copy()
    usable = np.flatnonzero(draft.usable)
    order = np.sort(hashes[usable])
    twice = np.unique(order[1:][order[1:] == order[:-1]])
    rows = usable[np.isin(hashes[usable], twice)] if twice.size else np.empty(0, np.int64)
    frame = pl.DataFrame({"row": rows, "lat": draft.lat[rows], "lon": draft.lon[rows]}).with_columns(
        name=names[rows], photo_id=draft.text["photo_id"][rows]
    )
    return frame.filter(pl.col("name").is_duplicated())
