"""Metadata under examination: what checks look at, and how they refuse, repair and note."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from g3lib.images.fates import Fate
from g3lib.images.metadata.findings import Action, Finding, as_table
from g3lib.images.metadata.table import METADATA, SCENE_TABLE, SCENES, Metadata
from g3lib.images.metadata.whereabouts import Whereabouts

Rows = NDArray[np.bool_]
FATES = tuple(Fate)
UNPLACED = (Fate.NO_POSITION, Fate.BAD_POSITION, Fate.ZERO_POSITION)


@dataclass
class Draft:
    """Rows of a file in its order. Positions lie apart from the text, as arrays that repairs write into.

    `how` is each row's `How`; `fate` is 0 for a row that can be used, else 1 + its index in FATES.
    """

    title: str
    text: pl.DataFrame  # photo_id, author, licence, locator, scene if it is told, and the place fields
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    how: NDArray[np.uint8]
    where: Whereabouts
    has: frozenset[str]  # the facts that the file tells
    coarse: Rows | None = None  # Flickr's accuracy is country level or worse
    video: Rows | None = None
    fate: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, np.int8))
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fate = np.zeros(self.text.height, np.int8)

    @property
    def usable(self) -> Rows:
        """Rows that nothing has refused yet."""
        rows: Rows = self.fate == 0
        return rows

    def found(self, name: str, action: Action, rows: Rows, detail: str) -> None:
        """Record a finding over some rows, with the first as example; none is no finding."""
        count = int(np.count_nonzero(rows))
        if count:
            first = int(np.argmax(rows))
            where = f"{detail}; {self.where.place(first)}"
            self.findings.append(Finding(name, action, count, where, self.where.of(first)))

    def refuse(self, name: str, fate: Fate, rows: Rows, detail: str) -> None:
        """Give rows their fate, those that had none; each refused row is counted by exactly one finding."""
        rows = rows & self.usable
        self.found(name, "refused", rows, f"{detail} ({fate})")
        self.fate[rows] = 1 + FATES.index(fate)

    def finished(self) -> Metadata:
        """The table in the schema METADATA and the findings; positions of rows without a true one are null."""
        unplaced = np.isin(self.fate, [1 + FATES.index(fate) for fate in UNPLACED])
        names = pl.Series([None, *(fate.value for fate in FATES)], dtype=pl.String)
        columns: dict[str, pl.Series] = {
            "lat": _degrees(self.lat, unplaced),
            "lon": _degrees(self.lon, unplaced),
            "refused": names.gather(self.fate.astype(np.uint32)),
        }
        absent = {name for name in METADATA if name not in columns and name not in self.text.columns}
        table = self.text.with_columns(
            **columns, **{name: pl.lit(None, pl.String) for name in sorted(absent)}
        )
        return Metadata(table.select(list(METADATA)), as_table(self.findings), self._scenes())

    def _scenes(self) -> pl.DataFrame:
        if "scene" not in self.text.columns:
            return SCENE_TABLE.to_frame()
        plain = self.text["scene"].str.strip_chars().str.strip_suffix(".0").str.to_lowercase()
        scene = plain.replace({"": None} | {str(label): name for label, name in enumerate(SCENES)})
        return self.text.select("photo_id", scene=scene)


def _degrees(values: NDArray[np.float64], unplaced: Rows) -> pl.Series:
    return pl.Series(values + 0.0).set(pl.Series(unplaced | np.isnan(values)), None)  # -0.0 + 0.0 is 0.0
