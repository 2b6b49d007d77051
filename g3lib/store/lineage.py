"""The lineage record: what made an artefact, from what, and how; it travels inside the artefact.

A record sits in a Parquet file's footer, or is the JSON card of a folder, so data and provenance
arrive in one rename and cannot disagree. Secrets never enter a record: configuration is the
profile's, which holds none.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

FOOTER_KEY = "g3.lineage"


class Key(NamedTuple):
    """One materialization's name: an asset and, if it is partitioned, the partition."""

    asset: str
    partition: str | None = None

    def __str__(self) -> str:
        return self.asset if self.partition is None else f"{self.asset}[{self.partition}]"


class Input(NamedTuple):
    """One upstream materialization that an artefact was made from."""

    asset: str
    partition: str | None
    data_version: str


class Check(NamedTuple):
    """The outcome of one asset check, kept with the data it judged."""

    name: str
    passed: bool
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Record:
    """Everything `lineage.materialization` and `lineage.input` say about one artefact."""

    asset: str
    partition: str | None
    data_version: str
    fingerprint: str
    code_version: str
    run_id: str
    mlflow_run_id: str | None
    git_commit: str
    started_at: str  # ISO 8601, UTC
    finished_at: str
    rows: int
    bytes: int
    path: str  # of the data, relative to G3_HOME
    config: dict[str, Any]
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...] = ()
    files: dict[str, int] = field(default_factory=dict)  # further files relative to G3_HOME: bytes
    profile: str = ""  # SHA-256 of the whole profile, kept by snapshots.py; earlier versions have none

    @property
    def key(self) -> Key:
        """The name of the materialization."""
        return Key(self.asset, self.partition)

    @property
    def seconds(self) -> float:
        """How long the stage's own work took."""
        started, finished = map(datetime.fromisoformat, (self.started_at, self.finished_at))
        return (finished - started).total_seconds()

    def to_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """The inverse of `to_json`; raises ValueError naming what is missing."""
        try:
            values = json.loads(text)
            values["inputs"] = tuple(Input(*each) for each in values["inputs"])
            values["checks"] = tuple(Check(*each) for each in values["checks"])
            return cls(**values)
        except (KeyError, TypeError) as problem:
            raise ValueError(f"not a lineage record of this version: {problem}") from problem


def fingerprint(key: Key, code_version: str, config: Mapping[str, Any], inputs: Sequence[Input]) -> str:
    """SHA-256 over all that determines an artefact: equal fingerprints mean there is no work."""
    determining = [key.asset, key.partition, code_version, config, sorted(map(str, inputs))]
    text = json.dumps(determining, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
