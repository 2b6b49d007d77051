"""Features on disk: float16 rows beside a stamp that tells whose they are, read by mapping, across shards."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from g3lib.store.files import replacing

FEATURES, STAMP = "features.npy", "stamp.json"
Features = NDArray[np.float16]


class NotFinite(ValueError):
    """Features that are NaN, or too large for float16."""


class FeaturesMismatch(ValueError):
    """Features that do not belong together, or to the stamp beside them."""


@dataclass(frozen=True)
class Stamp:
    """All that decides the numbers of a feature besides the photo or caption."""

    encoder: str  # the open_clip model's name
    weights: str  # hex SHA-256 of its state dict
    preprocessing: str  # in words: size, interpolation, mean, deviation
    precision: str  # of the towers
    width: int  # numbers in a row


def as_half(features: NDArray[np.floating], what: str) -> Features:
    """As float16, if every number survives that; NotFinite names the first row that does not."""
    with np.errstate(over="ignore"):
        half = features.astype(np.float16)
    bad = np.flatnonzero(~np.isfinite(half).all(axis=1))
    if len(bad):
        raise NotFinite(
            f"{len(bad)} of {len(features)} {what} features are not finite in float16, first row {bad[0]}; "
            "the encoder's weights are damaged or its training diverged"
        )
    return half


def save_features(folder: Path, features: NDArray[np.floating], stamp: Stamp) -> None:
    """Write (n, stamp.width) features as float16, then their stamp, each whole or not at all; n may be 0.

    Raises NotFinite for what float16 cannot hold, FeaturesMismatch for another width than the stamp's.
    """
    if features.ndim != 2 or features.shape[1] != stamp.width:
        raise FeaturesMismatch(
            f"{folder}: features of shape {features.shape} offered with a stamp of width {stamp.width}"
        )
    half = as_half(np.asarray(features), "stored")
    with replacing(folder / FEATURES) as scratch, scratch.open("wb") as handle:
        np.save(handle, half)
    with replacing(folder / STAMP) as scratch:
        scratch.write_text(json.dumps(asdict(stamp), indent=1), encoding="utf-8")


def load_features(folder: Path, mmap: bool = True) -> Features:
    """(n, width) float16 features, mapped read-only unless `mmap` is false.

    Raises FeaturesMismatch if they are missing, damaged, or not what their stamp says.
    """
    path, stamp = folder / FEATURES, stamp_of(folder)
    try:
        found: Features = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise FeaturesMismatch(
            f"{path} cannot be read ({problem}); materialize these features again"
        ) from problem
    if found.dtype != np.float16 or found.ndim != 2 or found.shape[1] != stamp.width:
        raise FeaturesMismatch(
            f"{path} holds {found.dtype} of shape {found.shape}, its stamp says float16 of width {stamp.width}; "
            "materialize these features again"
        )
    return found


def stamp_of(folder: Path) -> Stamp:
    """The stamp of stored features; FeaturesMismatch if there is none or it is damaged."""
    path = folder / STAMP
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        stamp = Stamp(**{each.name: found[each.name] for each in fields(Stamp)})
    except FileNotFoundError as problem:
        raise FeaturesMismatch(
            f"{folder} has no {STAMP}, so nothing tells which encoder its features are of; materialize them again"
        ) from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise FeaturesMismatch(
            f"{path} is damaged ({problem!r}); materialize these features again"
        ) from problem
    return stamp


def same_stamp(folders: Sequence[Path]) -> Stamp:
    """The one stamp that all folders bear; FeaturesMismatch names the first two that differ, and in what."""
    if not folders:
        raise ValueError("no folders of features were given; at least one is needed")
    first, *others = folders
    stamp = stamp_of(first)
    for folder in others:
        if (other := stamp_of(folder)) != stamp:
            differing = "; ".join(f"{name} {a!r} and {b!r}" for name, a, b in _pairs(stamp, other) if a != b)
            raise FeaturesMismatch(
                f"features of another encoder or preprocessing offered: {first} and {folder} differ in {differing}; "
                "materialize both with one profile"
            )
    return stamp


def _pairs(first: Stamp, second: Stamp) -> Iterator[tuple[str, object, object]]:
    return ((each.name, getattr(first, each.name), getattr(second, each.name)) for each in fields(Stamp))


class FeatureShards:
    """Features of many shards as one array of rows, one shard after the other, none of it held in memory.

    Iterating gives each shard's mapped (n, width) float16 block in turn. Raises FeaturesMismatch, when made, if the
    shards are not all of one stamp.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.stamp = same_stamp(folders)
        self._blocks = [load_features(folder) for folder in folders]
        self._ends = np.cumsum([len(block) for block in self._blocks], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __iter__(self) -> Iterator[Features]:
        return iter(self._blocks)

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.stamp.width

    def rows(self, indices: NDArray[np.int64]) -> Features:
        """The rows (k, width) of these numbers, in this order, repetitions allowed; IndexError beyond the last.

        Rows are read in the order in which they lie on disk, shard by shard.
        """
        order = np.argsort(indices, kind="stable")
        wanted = indices[order]
        if len(wanted) and (wanted[0] < 0 or wanted[-1] >= len(self)):
            beyond = wanted[0] if wanted[0] < 0 else wanted[-1]
            raise IndexError(f"there is no row {beyond}: there are {len(self):,}, numbered from 0")
        found = np.empty((len(wanted), self.width), np.float16)
        cuts = np.searchsorted(wanted, self._ends)  # where each shard's wanted rows end
        for shard in np.flatnonzero(np.diff(cuts, prepend=0)):
            start, stop = (cuts[shard - 1] if shard else 0), cuts[shard]
            block = self._blocks[shard]
            found[order[start:stop]] = block[wanted[start:stop] - (self._ends[shard] - len(block))]
        return found
