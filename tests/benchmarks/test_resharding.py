"""MP16-Pro's way into shards, measured against a plain copy of the same bytes. `make benchmarks` prints it.

G3_BENCHMARK_GIGABYTES (5) sets the tar's size, pytest's --basetemp the disk; twice that size is used of it.
Times depend on the machine and fail no test; what arrives must be what was sent, everywhere.
"""

import hashlib
import io
import multiprocessing
import os
import random
import resource
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tiny import OWN_SETTINGS

from g3lib.experiments.datasets import Dataset, Mp16ProSource
from g3lib.images import inspecting
from g3lib.images.metadata import METADATA
from g3lib.images.photo import Inspection, Limits
from g3lib.images.shards import write_shard
from g3lib.images.sources import Place
from g3lib.images.sources.mp16_pro import Mp16Pro
from g3lib.store.files import install

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

GIGABYTES = float(OWN_SETTINGS.get("G3_BENCHMARK_GIGABYTES", "5"))  # conftest takes G3_* from the environment
SLICES = 19
ROUNDS = 2
CORES = os.cpu_count() or 1
SHARD_BYTES = 0.75e9


class Slicer(io.RawIOBase):
    """A file for writing that goes on in the next slice wherever a cut falls."""

    def __init__(self, folder: Path, cuts: list[int]) -> None:
        self._paths = iter([folder / f"mp-16-images{index:02d}" for index in range(SLICES)])
        self._cuts, self._handle, self._done = [*cuts], next(self._paths).open("wb"), 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        rest = memoryview(data)
        while self._cuts and self._done + len(rest) >= self._cuts[0]:
            here = self._cuts.pop(0) - self._done
            self._handle.write(rest[:here])
            self._sync()
            self._handle = next(self._paths).open("wb")
            rest, self._done = rest[here:], self._done + here
        self._handle.write(rest)
        self._done += len(rest)
        return len(data)

    def _sync(self) -> None:
        self._handle.flush()
        os.fsync(self._handle.fileno())
        self._handle.close()

    def close(self) -> None:
        if not self.closed:
            self._sync()
        super().close()


def jpegs() -> list[bytes]:
    """Photos of 500 x 375 pixels and some 60 kB."""
    found = list[bytes]()
    for seed in range(16):
        coarse = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
        found.append(buffer.getvalue())
    return found


def members(total: int) -> Iterator[tuple[str, bytes]]:
    """Photos of random sizes and bytes, all of which decode: random comments stand behind the first marker."""
    chance, noise, bases, done, number = random.Random(0), os.urandom(1 << 24), jpegs(), 0, 0
    while done < total:
        base, comments = chance.choice(bases), list[bytes]()
        for _ in range(chance.randrange(3)):
            length, at = chance.randrange(2, 60_000), chance.randrange(len(noise) - 60_000)
            comments.append(b"\xff\xfe" + (length + 2).to_bytes(2, "big") + noise[at : at + length])
        yield f"{number % 256:02x}/{number % 7:02x}/{number}.jpg", base[:2] + b"".join(comments) + base[2:]
        done += len(base) + sum(map(len, comments))
        number += 1


def synthesize(folder: Path) -> dict[str, str]:
    """SHA-256 by photo id of what now lies in `folder` as MP16-Pro's slices, with its Parquet of facts."""
    folder.mkdir(parents=True)
    total, digests = int(GIGABYTES * 1e9), dict[str, str]()
    cuts = sorted(random.Random(1).sample(range(1, total), SLICES - 1))
    with (
        Slicer(folder, cuts) as slices,
        tarfile.open(fileobj=slices, mode="w|", format=tarfile.GNU_FORMAT) as tar,
    ):
        for photo_id, data in members(total):
            info = tarfile.TarInfo(f"images/{photo_id.replace('/', '_')}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            digests[photo_id] = hashlib.sha256(data).hexdigest()
    facts = {"photo_id": list(digests), "author": "a", "licence": "unknown", "lat": 1.5, "lon": 2.5}
    rest = {name: pl.lit(None, dtype) for name, dtype in METADATA.items() if name not in facts}
    ids = pl.DataFrame({"photo_id": facts.pop("photo_id")})
    ids.with_columns(**{n: pl.lit(v) for n, v in facts.items()}, **rest).write_parquet(
        folder / "facts.parquet"
    )
    return digests


def forget(folder: Path) -> int:
    """Let the system forget what it keeps of a folder's files in memory; their bytes."""
    total = 0
    for path in folder.glob("mp-16-images*"):
        with path.open("rb") as handle:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            total += os.fstat(handle.fileno()).st_size
    return total


T = TypeVar("T")


def timed(folder: Path, what: Callable[[], T]) -> tuple[float, T]:
    """Megabytes a second of work on a folder's slices, and what it made."""
    total = forget(folder)
    started = time.perf_counter()
    made = what()
    return total / 1e6 / (time.perf_counter() - started), made


def copy(folder: Path, target: Path) -> None:
    target.mkdir()
    for path in folder.glob("mp-16-images*"):
        copied = Path(shutil.copyfile(path, target / path.name))
        with copied.open("rb+") as handle:
            os.fsync(handle.fileno())


def one_shard(
    dataset: Dataset, incoming: Path, index: int, target: Path
) -> tuple[pl.DataFrame, list[str], float]:
    """A shard as the workflow makes it: its manifest, its ledger's origins, and this process's peak so far, MB."""
    place = Place(dataset, incoming)
    source, name = Mp16Pro(Mp16ProSource()), place.dataset.partitions[index]
    offers, scratch = source.photos(place, index, place.incoming / "facts.parquet"), target / f".{name}"
    made = write_shard(scratch, place.dataset.name, name, offers, Limits(minimum_bytes=5121))
    install(scratch, target / f"{name}.tar")
    assert made.ledger["fate"].unique().to_list() == ["stored"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return made.manifest, made.ledger["origin"].to_list(), peak


def look_at_nothing() -> None:
    """Leaves out the decoding, which is no part of re-sharding."""
    inspecting.inspect = lambda data, limits: Inspection(500, 375, "jpg", 0)  # type: ignore[assignment]


@contextmanager
def workers(initializer: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """As many processes as cores, as a backfill has; they run already."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, mp_context=context, initializer=initializer) as pool:
        list(pool.map(time.sleep, [0.5] * CORES))
        yield pool


def reshard(pool: ProcessPoolExecutor, place: Place, target: Path) -> tuple[list[pl.DataFrame], float]:
    """Manifests, the tars in `target`, and the highest peak; the seams between the shards are proved on the way."""
    target.mkdir()
    count = place.dataset.shards
    made = list(pool.map(partial(one_shard, place.dataset, place.incoming, target=target), range(count)))
    assert Mp16Pro(Mp16ProSource()).open_seams(place, [origins for _, origins, _ in made]) == []
    return [manifest for manifest, _, _ in made], max(peak for _, _, peak in made)


def digests_of(manifests: list[pl.DataFrame], target: Path) -> dict[str, str]:
    """SHA-256 by photo id, of the bytes as they lie in the new tars."""
    found = dict[str, str]()
    for manifest in manifests:
        for row in manifest.iter_rows(named=True):
            with (target / f"{row['shard']}.tar").open("rb") as handle:
                handle.seek(row["offset"])
                found[row["photo_id"]] = hashlib.sha256(handle.read(row["bytes"])).hexdigest()
    return found


def test_resharding(tmp_path: Path) -> None:
    source, target = tmp_path / "incoming", tmp_path / "target"
    try:
        sent = synthesize(source)
        number = max(4, 2 * round(GIGABYTES * 1e9 / SHARD_BYTES / 2))
        settings = Mp16ProSource(slices=SLICES)
        dataset = Dataset(
            name="mp16", role="gallery", shards=number, photos_per_shard=10_000, source=settings
        )
        place = Place(dataset, source)
        copies, alone = list[float](), list[float]()
        for _ in range(ROUNDS):  # in turns: a shared disk has better and worse minutes
            copies.append(timed(source, lambda: copy(source, target))[0])
            shutil.rmtree(target)
            with workers(look_at_nothing) as pool:
                speed, (arrived, _) = timed(source, lambda: reshard(pool, place, target))
            alone.append(speed)
            assert digests_of(arrived, target) == sent
            shutil.rmtree(target)
        with workers() as pool:
            decoded, (arrived, peak) = timed(source, lambda: reshard(pool, place, target))
        assert digests_of(arrived, target) == sent
    finally:
        shutil.rmtree(tmp_path)
    print(f"\n{CORES} cores, {GIGABYTES:g} GB, {len(sent):,} photos in {SLICES} slices -> {number} shards")
    for what, value, bar in (
        ("plain copy, synced", " ".join(f"{each:.0f}" for each in copies) + " MB/s", ""),
        (f"resharding, {CORES} shards at once", " ".join(f"{each:.0f}" for each in alone) + " MB/s", ""),
        ("of the plain copy, on average", f"{sum(alone) / sum(copies):.2f}", ">= 0.8"),
        ("with every photo decoded", f"{decoded:.0f} MB/s", ""),
        ("peak resident, each process", f"{peak:,.0f} MB", "whatever the tar's size"),
        ("photos the same byte for byte", f"{len(sent):,} of {len(sent):,}", "all"),
    ):
        print(f"{what:<32} {value:<24} {bar and 'bar: ' + bar}")
