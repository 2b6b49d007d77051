"""Numbers and texts as the page carries them: columns behind a JSON header, compressed, in base64.

A block is base64 of gzip of: the header's length (uint32, little-endian), the header (UTF-8 JSON), then the columns,
each as planes: all first bytes of its numbers, all second ones, and so on, which compresses better. page/unpacking.js
is the other side.
"""

import base64
import gzip
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEGREE = 100_000  # positions count hundred-thousandths of a degree, some metre
LEAST_KM, MOST_KM = 1e-3, 20_100.0  # between which a distance is kept to a few ten-thousandths of itself
NO_DISTANCE = 65_535
LOG_STEP = math.log(MOST_KM / LEAST_KM) / (NO_DISTANCE - 2)
LEVEL = 7  # of gzip: 9 takes thrice as long for a fivehundredth
_INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.int32)


@dataclass(frozen=True)
class Column:
    """Numbers as they lie in a block, and what they mean: `value / per`, or nothing where they equal `empty`."""

    values: NDArray[Any]
    per: int = 1
    empty: int | None = None
    is_distance: bool = False


def integers(values: ArrayLike) -> Column:
    """Whole numbers, in as few bytes each as the largest needs."""
    given = np.asarray(values)
    return Column(given.astype(_narrowest(given)))


def decimals(values: ArrayLike, per: int) -> Column:
    """Numbers rounded to `1 / per`; NaN is nothing."""
    given = np.asarray(values, dtype=np.float64)
    missing = np.isnan(given)
    counts = np.rint(np.where(missing, 0.0, given) * per).astype(np.int64)
    empty = int(counts.min(initial=0)) - 1
    counts[missing] = empty
    return Column(counts.astype(_narrowest(counts)), per, empty if missing.any() else None)


def floored(values: ArrayLike) -> Column:
    """Numbers in single precision, never rounded up: `x < 25` stays as true or false as it was."""
    given = np.asarray(values, dtype=np.float64)
    nearest = given.astype(np.float32)
    return Column(np.where(nearest > given, np.nextafter(nearest, np.float32(-np.inf)), nearest))


def distances(values: ArrayLike) -> Column:
    """Kilometres for reading, to a few ten-thousandths of themselves; NaN is nothing, and below a metre is 0."""
    given = np.asarray(values, dtype=np.float64)
    inside = np.clip(np.where(np.isnan(given), LEAST_KM, given), LEAST_KM, MOST_KM)
    codes = 1 + np.rint(np.log(inside / LEAST_KM) / LOG_STEP)
    codes[given < LEAST_KM] = 0
    codes[np.isnan(given)] = NO_DISTANCE
    return Column(codes.astype(np.uint16), is_distance=True)


def packed(header: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """A block of JSON values and columns of numbers, as text that is safe in any HTML."""
    described, planes, offset = [], [], 0
    for name, column in columns.items():
        values = column.values
        one: dict[str, Any] = {
            "name": name,
            "type": values.dtype.name,
            "length": len(values),
            "offset": offset,
        }
        one |= {"per": column.per} if column.per != 1 else {}
        one |= {"empty": column.empty} if column.empty is not None else {}
        one |= {"distance": True} if column.is_distance else {}
        described.append(one)
        planes.append(_planes(values))
        offset += values.nbytes
    text = compact({**header, "columns": described}).encode()
    return compressed(struct.pack("<I", len(text)) + text + b"".join(planes))


def compressed(data: bytes) -> str:
    """Bytes or a text's UTF-8, gzipped, in base64; equal bytes give equal texts."""
    return base64.b64encode(gzip.compress(data, LEVEL, mtime=0)).decode("ascii")


def compact(value: Any) -> str:
    """JSON without spaces; NaN and infinities are refused, since JSON has none."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _planes(values: NDArray[Any]) -> bytes:
    little = values.astype(values.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(values), -1).T.tobytes() if len(values) else b""


def _narrowest(values: NDArray[Any]) -> type[np.integer[Any]]:
    low, high = (int(end) for end in (values.min(initial=0), values.max(initial=0)))
    for kind in _INTEGERS:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    raise ValueError(f"whole numbers from {low} to {high}; a block keeps 32 bits")
