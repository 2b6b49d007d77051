"""All that is committed at one moment, kept under second names: whoever replaces a file meanwhile changes nothing here.

Files are replaced by renames and never written again, so a hard link to one keeps its bytes. A record and the rows it
tells of are then of one making, however long reading takes and whoever is at work.
"""

import logging
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from g3lib.store.artifacts import Home, read_record
from g3lib.store.lineage import Record

log = logging.getLogger(__name__)

PAUSES = (0.0, 0.1, 0.4)  # s before each look: a stage replaces what lies beside a table just before it


@dataclass(frozen=True)
class Commit:
    """A committed table, or one beside it, and the record that tells of it."""

    path: Path  # under G3_HOME, as people know it
    kept: Path  # the same bytes, for as long as the folder of second names is there
    record: Record


@dataclass
class Committed:
    """Every record; and by asset, or `asset/folder` for what lies beside its tables, their files."""

    home: Home
    folder: Path
    records: dict[Path, Record] = field(default_factory=dict)
    tables: dict[str, list[Commit]] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)  # committed, and no record can be read
    _links: int = 0

    def keep(self, path: Path, even_if_moving: bool) -> bool:
        """Take in one committed file; False if what lies beside it is not what its record says."""
        try:
            kept = self._link(path) if path.suffix == ".parquet" else path
        except FileNotFoundError:
            return True  # its stage removed it meanwhile
        record = read_record(kept)
        if record is None:
            self.damaged += [path] if path.exists() else []
            return True
        tables = {record.asset: Commit(path, kept, record)}
        if kept == path:  # a card, whose folder holds no tables of ours
            tables = {}
        elif not self._add_beside(record, tables) and not even_if_moving:
            return False
        self.records[path] = record
        for name, commit in tables.items():
            self.tables.setdefault(name, []).append(commit)
        return True

    def _add_beside(self, record: Record, tables: dict[str, Commit]) -> bool:
        """Add the tables that a table brought along; whether they are there with the sizes they had."""
        is_whole = True
        for name, size in record.files.items():
            path = self.home.root / name
            if path.suffix != ".parquet":
                continue
            try:
                commit = Commit(path, self._link(path), record)
            except FileNotFoundError:
                is_whole = False
                continue
            is_whole &= commit.kept.stat().st_size == size
            tables[f"{record.asset}/{path.parent.name}"] = commit
        return is_whole

    def _link(self, path: Path) -> Path:
        """A second name of a file, or a copy where the disk has no second names."""
        self._links += 1
        kept = self.folder / f"{self._links:07d}{path.suffix}"
        try:
            os.link(path, kept)
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError:
            shutil.copyfile(path, kept)
        return kept


def committed_now(home: Home, folder: Path) -> Committed:
    """All committed files as of now; `folder`, on the home's disk, holds their second names.

    Files without a readable record are named in `damaged`.
    """
    found, waiting = Committed(home, folder), sorted(home.commits())
    for pause in PAUSES:
        time.sleep(pause)
        waiting = [path for path in waiting if not found.keep(path, even_if_moving=pause == PAUSES[-1])]
        if not waiting:
            break
    return found
