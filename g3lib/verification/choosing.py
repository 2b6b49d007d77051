"""One candidate per photo: the best score (Geo-verification, paper section 3.2), the first, or a random one.

A candidate without a position on Earth is never chosen, by the verifier neither one without a finite score. Equal
scores go to the earliest candidate in the order of rows. A photo's choice depends on its own rows alone.
"""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.experiments.experiment import Selection
from g3lib.verification.scoring import usable


def choose(
    scored: pl.DataFrame, selection: Selection, seed: int, eligible: pl.Series | None = None
) -> pl.DataFrame:
    """`scored` (photo_id, lat, lon; `score` for the verifier) with a boolean `chosen`: at most one per photo.

    `eligible`, a boolean for each row, leaves out further candidates; null leaves out, too. Only random choices
    depend on `seed`.
    """
    possible = _possible(scored, selection, eligible)
    rows = scored.with_row_index("_row").filter(pl.Series(possible))
    if selection == "verifier":
        rows = rows.sort("score", "_row", descending=[True, False])
    elif selection == "random":
        rows = _drawn(rows, seed)
    chosen = np.zeros(scored.height, dtype=np.bool_)
    chosen[rows.unique("photo_id", keep="first", maintain_order=True)["_row"].to_numpy()] = True
    return scored.with_columns(chosen=pl.Series(chosen, dtype=pl.Boolean))


def _possible(scored: pl.DataFrame, selection: Selection, eligible: pl.Series | None) -> NDArray[np.bool_]:
    """(m,) bool: what may be chosen at all."""
    possible = usable(scored)
    if eligible is not None:
        possible = possible & eligible.fill_null(False).to_numpy()
    if selection == "verifier":
        possible = possible & np.isfinite(scored["score"].cast(pl.Float64).fill_null(np.nan).to_numpy())
    return possible


def _drawn(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Of each photo the row that a hash of seed and photo draws, each as likely as the next."""
    photos = rows["photo_id"].unique()
    numbers = pl.Series("_draw", [_number(f"{seed}:{photo}") for photo in photos], dtype=pl.UInt64)
    drawn = rows.join(pl.DataFrame([photos, numbers]), on="photo_id", maintain_order="left")
    own = pl.int_range(pl.len(), dtype=pl.UInt64).over("photo_id")
    return drawn.filter(own == pl.col("_draw") % pl.len().over("photo_id").cast(pl.UInt64))


def _number(name: str) -> int:
    """64 bits that are this name's own."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
