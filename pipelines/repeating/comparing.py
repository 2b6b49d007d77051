"""A repetition beside what was recorded: number by number, and artefact by artefact in the order of data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from g3lib.geo import geodesic_km
from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import frame_version, read_record
from pipelines.repeating import NotRepeatable
from pipelines.repeating.recorded import Made, Recorded

COUNTED = ("accuracy", "n", "n_failed")  # what must be equal
ALTERED = "the recorded file was altered after it was written: it is not what its record says"


@dataclass(frozen=True)
class Artefact:
    """One that was made again: whether its data are the same to the last bit, and if not, why that may be."""

    key: Key
    recorded: Record
    again: Record
    identical: bool
    reason: str = ""


@dataclass(frozen=True)
class Shift:
    """Predictions that are not the same: how many of how many, and the farthest any moved, km.

    One-sided are those that only one of the two has.
    """

    photos: int
    of: int
    one_sided: int
    farthest_km: float


@dataclass(frozen=True)
class Comparison:
    """numbers: one row per threshold, `accuracy`, `n`, `n_failed` as recorded and, with `_again`, as made again."""

    numbers: pl.DataFrame
    artefacts: tuple[Artefact, ...]
    shift: Shift | None
    lmm: str | None  # what the tables say was asked

    @property
    def same(self) -> bool:
        """Whether every accuracy, n and n_failed is equal."""
        pairs = (pl.col(name).eq_missing(pl.col(f"{name}_again")) for name in COUNTED)
        return bool(self.numbers.select(pl.all_horizontal(pairs).all()).item())

    @property
    def first_different(self) -> Artefact | None:
        """The first artefact, in the order of data, that came out otherwise."""
        return next((each for each in self.artefacts if not each.identical), None)


def compare(recorded: Recorded, fresh: Home, keys: Sequence[Key]) -> Comparison:
    """What was made again under `keys` beside what was recorded; NotRepeatable if anything was not made."""
    artefacts = tuple(_artefact(recorded.home, fresh, recorded.made[key]) for key in keys)
    number = recorded.made[recorded.key].commit
    predicted = next(
        (each for each in artefacts if each.key == Key("predictions", recorded.key.partition)), None
    )
    shift = None
    if predicted is not None and not predicted.identical:
        path = recorded.made[predicted.key].commit
        shift = shift_of(_table(recorded.home, path), _table(fresh, path))
    before, after = _table(recorded.home, number), _table(fresh, number)
    return Comparison(numbers_of(before, after), artefacts, shift, before.item(0, "lmm"))


def numbers_of(recorded: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """The accuracies of both, by threshold; one that is on one side only is null on the other."""
    columns = ["threshold_km", *COUNTED]
    return (
        recorded.select(columns)
        .join(again.select(columns), on="threshold_km", how="full", coalesce=True, suffix="_again")
        .sort("threshold_km")
    )


def shift_of(recorded: pl.DataFrame, again: pl.DataFrame) -> Shift:
    """How far predictions moved, photo by photo; columns photo_id, lat, lon in degrees, null without a prediction."""
    columns = ["photo_id", "lat", "lon"]
    both = recorded.select(columns).join(
        again.select(columns), on="photo_id", how="full", coalesce=True, suffix="_again"
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_again")) for name in ("lat", "lon"))
    moved = both.filter(~same)
    placed = moved.drop_nulls()
    positions = (placed[name].to_numpy() for name in ("lat", "lon", "lat_again", "lon_again"))
    farthest = float(np.max(geodesic_km(*positions), initial=0.0))
    return Shift(moved.height, both.height, moved.height - placed.height, farthest)


def _table(home: Home, commit: object) -> pl.DataFrame:
    path = home.root / str(commit)
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError, pa.ArrowException) as problem:
        raise NotRepeatable(f"{path} cannot be read: {problem}") from problem


def _artefact(original: Home, fresh: Home, made: Made) -> Artefact:
    again = read_record(fresh.root / made.commit)
    if again is None:
        raise NotRepeatable(
            f"{made.record.key} was not made again: nothing lies at {fresh.root / made.commit}"
        )
    if _is_table(made) and frame_version(_table(original, made.commit)) != made.record.data_version:
        return Artefact(made.record.key, made.record, again, False, ALTERED)
    identical = made.record.data_version == again.data_version
    reason = "" if identical else reason_of(made.record, again)
    return Artefact(made.record.key, made.record, again, identical, reason)


def _is_table(made: Made) -> bool:
    """Whether the data are the committed file itself, whose content its version is of."""
    return made.record.path == made.commit.as_posix()


def reason_of(recorded: Record, again: Record) -> str:
    """What of all that determines an artefact was not the same."""
    reasons = []
    if recorded.code_version != again.code_version:
        reasons.append(f"code version {recorded.code_version}, now {again.code_version}")
    if fields := _differing(recorded.config, again.config):
        reasons.append("other settings: " + ", ".join(fields))
    before, after = ({each[:2]: each.data_version for each in record.inputs} for record in (recorded, again))
    inputs = sorted({name for name, partition in before.keys() ^ after.keys()})
    inputs += sorted({key[0] for key in before.keys() & after.keys() if before[key] != after[key]})
    if inputs:
        reasons.append("other inputs: " + ", ".join(dict.fromkeys(inputs)))
    if not reasons:
        commits = f"code at {recorded.git_commit[:12]}, now at {again.git_commit[:12]}, or "
        reasons.append(
            commits if recorded.git_commit != again.git_commit else "same code, settings and inputs: "
        )
        reasons[-1] += "other arithmetic here (threads, processor)"
    return "; ".join(reasons)


def _differing(recorded: Mapping[str, object], again: Mapping[str, object]) -> list[str]:
    """Names of the settings that are not equal, as JSON has them."""
    names = sorted(recorded.keys() | again.keys())
    return [name for name in names if _plain(recorded.get(name)) != _plain(again.get(name))]


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
