"""What a training's starter tells its processes, and what they tell it: a JSON file there, JSON lines back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from g3lib.alignment.data import AlignmentData
from g3lib.experiments.alignment import AlignmentSettings

ARRAYS = ("photos", "text", "text_rows", "coordinates", "held_out")


@dataclass(frozen=True)
class Order:
    """One training for several processes; paths are absolute.

    reader: `module:name` of what opens `sources` as FeatureRows, so that this stage need not know how features
    are stored.
    """

    reader: str
    sources: tuple[str, ...]
    arrays: str
    version: str  # of the data
    settings: Mapping[str, Any]
    with_text: bool
    device: str
    resume: str | None
    location_weights: str | None
    model: str  # where the trained heads go
    lines: str  # where the leading process writes its lines

    def save(self, path: Path, data: AlignmentData) -> None:
        """The order as JSON, and beside it the arrays of `data`; the features stay where they are."""
        arrays = {name: np.ascontiguousarray(getattr(data, name)) for name in ARRAYS}
        save_file(arrays, self.arrays)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @staticmethod
    def load(path: Path) -> "Order":
        """An order as `save` wrote it."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        return Order(**plain | {"sources": tuple(plain["sources"])})

    def data(self) -> AlignmentData:
        """What it trains on, the features opened by the reader."""
        rows = resolve_name(self.reader)([Path(each) for each in self.sources])
        return AlignmentData(image=rows, version=self.version, **load_file(self.arrays))

    def checked_settings(self) -> AlignmentSettings:
        """The settings, checked as any are."""
        return AlignmentSettings.model_validate(self.settings)
