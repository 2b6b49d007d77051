"""What an index says of itself: the card in its folder, and the report of its building."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

from g3lib.experiments.indexing import IndexKind
from g3lib.gallery.errors import DamagedIndex

CARD = "index.json"
RECALL_AT = 20  # G3 retrieves so many


@dataclass(frozen=True)
class Card:
    """What opening and searching an index needs to know, and how well it does.

    Recalls are shares of the exact RECALL_AT most similar and dissimilar rows that it finds, over gallery vectors as
    queries, each without its own row; 1 for an exact index by definition. `files` are names and sizes.
    """

    kind: IndexKind
    parameters: dict[str, int]
    rows: int
    width: int
    stamp: dict[str, str]
    recall_similar: float
    recall_dissimilar: float
    files: dict[str, int]

    @property
    def bytes_per_photo(self) -> float:
        """All files of the index, shared out."""
        return sum(self.files.values()) / self.rows

    def write(self, folder: Path) -> None:
        """As index.json. No times: the same gallery must give the same bytes."""
        text = json.dumps(asdict(self), indent=2, sort_keys=True)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class IndexReport:
    """A built index: its card, and what was measured on this machine."""

    card: Card
    queries_per_second: float
    seconds: float  # to build, without measuring the speed


def read_card(folder: Path) -> Card:
    """The card of an index folder, whose files are there with the sizes they had; else DamagedIndex."""
    path = folder / CARD
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedIndex(f"{folder}: no {CARD} in it, so no index of ours; build it again") from None
    except (OSError, ValueError) as problem:
        raise DamagedIndex(f"{path} cannot be read: {problem}; build the index again") from problem
    card = _card(path, facts)
    for name, size in card.files.items():
        file = folder / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            seen = "is not there" if found is None else f"has {found:,} bytes instead of {size:,}"
            raise DamagedIndex(f"{file} {seen}; build the index again")
    return card


def _card(path: Path, facts: Any) -> Card:
    names = {each.name for each in fields(Card)}
    if not isinstance(facts, dict) or set(facts) != names:
        raise DamagedIndex(
            f"{path} is no card of an index: it needs {', '.join(sorted(names))}; build it again"
        )
    whole = ("rows", "width")
    if facts["kind"] not in get_args(IndexKind) or not all(
        isinstance(facts[name], int) and facts[name] > 0 for name in whole
    ):
        found = {name: facts[name] for name in ("kind", *whole)}
        raise DamagedIndex(f"{path} describes no index we know: {found}; build it again")
    for name in ("parameters", "files", "stamp"):
        if not isinstance(facts[name], dict):
            raise DamagedIndex(f"{path}: {name} is {facts[name]!r}, no table; build the index again")
    foreign = [name for name in facts["files"] if Path(name).name != name]
    if foreign:
        raise DamagedIndex(f"{path} names files outside its folder: {foreign}; build the index again")
    return Card(**facts)
