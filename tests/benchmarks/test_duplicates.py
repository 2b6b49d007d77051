"""Duplicates among as many photos as MP-16 and its benchmarks hold: seconds, memory, and that none is missed.

Times depend on the machine, so none of them fails a test.
"""

import os
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from g3lib.images.duplicates import author_overlap, duplicates, leaked, pairs_within

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

T = TypeVar("T")
PHOTOS, QUERIES, PLANTED = 4_700_000, 30_000, 20_000


def originals() -> NDArray[np.int64]:
    """Whose bytes each photo has: one in a thousand, the planted ones aside, another's."""
    rows = np.arange(PHOTOS)
    copies = (rows % 1000 == 999) & (rows < PHOTOS - PLANTED)
    return np.where(copies, rows - 500, rows)


def planted(numbers: np.random.Generator) -> NDArray[np.uint64]:
    """Random hashes; the last so many are others' with 1 to 3 bits changed."""
    hashes = numbers.integers(0, 2**64, PHOTOS, dtype=np.uint64)[originals()]
    parents = numbers.choice(PHOTOS - PLANTED, PLANTED, replace=False)
    relatives = hashes[parents]
    for changes in (1.0, 0.7, 0.4):  # a bit that is changed twice is not changed
        bits = np.uint64(1) << numbers.integers(0, 64, PLANTED, dtype=np.uint64)
        relatives = np.where(numbers.random(PLANTED) < changes, relatives ^ bits, relatives)
    hashes[-PLANTED:] = relatives
    return hashes


def crowded(numbers: np.random.Generator) -> NDArray[np.uint64]:
    """Hashes as nearly flat pictures have them: a few bits of 64 set, most of them near each other."""
    bits = numbers.random((100_000, 64)) < 0.05
    return np.unique(np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64))


def table(hashes: NDArray[np.uint64], numbers: np.random.Generator) -> pl.DataFrame:
    """Manifests of one gallery and, at its end, one benchmark; one digest in a thousand occurs twice."""
    names = pl.int_range(PHOTOS, eager=True)
    digests = pl.Series(originals())
    of_query = names >= PHOTOS - QUERIES
    return pl.DataFrame(
        {
            "dataset": of_query.replace_strict({True: "im2gps3k", False: "mp16"}),
            "role": of_query.replace_strict({True: "benchmark", False: "gallery"}),
            "photo_id": pl.select(pl.format("a1/b2/{}.jpg", names)).to_series(),
            "author": pl.select(
                pl.format("{}@N00", pl.Series(numbers.integers(0, 150_000, PHOTOS)))
            ).to_series(),
            "sha256": pl.select(pl.format("{}{}", pl.lit("0" * 57), digests + 1_000_000)).to_series(),
            "dhash": hashes,
        }
    )


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def test_duplicates() -> None:
    numbers = np.random.default_rng(0)
    hashes = planted(numbers)
    photos = table(hashes, numbers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found, seconds = timed(lambda: duplicates(photos))
    leaks, leaking = timed(lambda: leaked(photos))
    overlap, overlapping = timed(lambda: author_overlap(photos))
    dense = crowded(numbers)
    pairs, crowding = timed(lambda: pairs_within(dense, 3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    exact = found.filter(kind="exact").height
    linked = set(found.filter(kind="near")["photo_id"])
    late = photos["photo_id"].gather(range(PHOTOS - PLANTED, PHOTOS))
    missed = [name for name in late if name not in linked]
    print(f"\n{os.cpu_count()} cores, {PHOTOS:,} photos, {QUERIES:,} of them queries, {PLANTED:,} planted")
    for what, value, bar in (
        ("duplicates within 3 bits", f"{seconds:.0f} s", "<= 120 s on 2 cores"),
        ("queries leaked into the gallery", f"{leaking:.0f} s, {leaks.height:,} found", "likewise"),
        ("authors in both", f"{overlapping:.1f} s, {overlap['share'][0]:.1%} of queries", ""),
        (f"{len(dense):,} crowded hashes", f"{crowding:.0f} s, {len(pairs.first):,} pairs", ""),
        ("peak resident", f"{peak:.1f} GB ({before:.1f} before)", "<= 4 GB"),
        ("planted and missed", f"{len(missed)}", "0"),
    ):
        print(f"{what:<34} {value:<36} {'bar: ' + bar if bar else ''}")
    assert missed == []
    assert exact == (PHOTOS - PLANTED) // 1000
    assert leaks.height >= PLANTED * 0.98  # a few were planted from other queries
