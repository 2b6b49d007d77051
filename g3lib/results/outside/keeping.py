"""Anybody's scored predictions as committed tables beside ours, each with its lineage record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from g3lib.results.outside.measuring import Scored
from g3lib.store import Home, Input, Key, Record
from g3lib.store.artifacts import commit_table, frame_version
from g3lib.store.lineage import fingerprint

PREDICTIONS = "outside_predictions"
ACCURACY, CONTINENTS, PLACES = "outside_accuracy", "outside_continents", "outside_places"
CODE_VERSION = "1"


@dataclass(frozen=True)
class Making:
    """How the scores came about, for their records."""

    started: datetime
    git_commit: str
    config: Mapping[str, Any]


def keep(scored: Scored, home: Home, making: Making) -> list[Record]:
    """Commit predictions, accuracies, continents and places under `benchmark|name`, in place of former ones.

    The records lead to the materializations of the truth (the benchmark's photos), where it is a home's.
    """
    photos = scored.judged.truth.inputs
    predictions = _commit(PREDICTIONS, scored.predictions, scored, home, making, photos)
    own = Input(predictions.asset, predictions.partition, predictions.data_version)
    tables = {ACCURACY: scored.accuracy, CONTINENTS: scored.continents, PLACES: scored.places}
    made = [_commit(asset, table, scored, home, making, [own, *photos]) for asset, table in tables.items()]
    return [predictions, *made]


def is_kept(home: Home, benchmark: str, name: str) -> bool:
    """Whether predictions of that name are there already."""
    return home.table(Key(PREDICTIONS, f"{benchmark}|{name}")).exists()


def config_of(scored: Scored, sha256: str, **settings: Any) -> dict[str, Any]:
    """What determines the scores: the file, what was read from it and how, and the truth."""
    judged = scored.judged
    return {
        "file": judged.file,
        "sha256": sha256,
        "columns": dict(judged.columns),
        "ids": dict(judged.rules.iter_rows()),
        "rows": dict(judged.rows.select("fate", "count").iter_rows()),
        "photos": dict(judged.photos.select("fate", "count").iter_rows()),
        "findings": judged.findings.select("name", "action", "rows").to_dicts(),
        **judged.truth.config,
        **settings,
    }


def _commit(
    asset: str, table: pl.DataFrame, scored: Scored, home: Home, making: Making, inputs: Sequence[Input]
) -> Record:
    key, config = Key(asset, f"{scored.benchmark}|{scored.name}"), dict(making.config)
    path = home.table(key)
    record = Record(
        asset=asset,
        partition=key.partition,
        data_version=frame_version(table),
        fingerprint=fingerprint(key, CODE_VERSION, config, inputs),
        code_version=CODE_VERSION,
        run_id="",  # no Dagster run makes it
        mlflow_run_id=None,
        git_commit=making.git_commit,
        started_at=making.started.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        rows=table.height,
        bytes=int(table.estimated_size()),
        path=home.relative(path),
        config=config,
        inputs=tuple(inputs),
    )
    commit_table(path, table, record)
    return record
