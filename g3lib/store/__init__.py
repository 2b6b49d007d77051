"""Files, lineage and the warehouse: how G3 remembers."""

from g3lib.store.artifacts import Home
from g3lib.store.lineage import Check, Input, Key, Record

__all__ = ["Check", "Home", "Input", "Key", "Record"]
