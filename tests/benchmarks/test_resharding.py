"""MP16-Pro's way into shards, measured against a plain copy of the same bytes. `make benchmarks` prints it.

G3_BENCHMARK_GIGABYTES (5) sets the tar's size, pytest's --basetemp the disk; three times that size is used of it.
Times depend on the machine and fail no test; what arrives must be what was sent, everywhere.
"""

import hashlib
import io
import os
import random
import re
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tiny import _OWN

from g3lib.experiments.datasets import Dataset, Mp16ProSource
from g3lib.images import shards
from g3lib.images.metadata import METADATA
from g3lib.images.photo import Inspection, Limits
from g3lib.images.shards import write_shard
from g3lib.images.sources import Place
from g3lib.images.sources.mp16_pro import Mp16Pro
from g3lib.store.files import install

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

GIGABYTES = float(_OWN.get("G3_BENCHMARK_GIGABYTES", "5"))  # conftest takes G3_* from the environment
SLICES = 19
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


def timed(folder: Path, what: Callable[[], None]) -> tuple[float, float]:
    """Megabytes a second of work on a folder's slices, and the peak of this process's resident megabytes."""
    total = forget(folder)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    started = time.perf_counter()
    what()
    seconds = time.perf_counter() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak is not None
    return total / 1e6 / seconds, int(peak[1]) / 1e3


def copy(folder: Path, target: Path) -> None:
    target.mkdir()
    for path in folder.glob("mp-16-images*"):
        copied = Path(shutil.copyfile(path, target / path.name))
        with copied.open("rb+") as handle:
            os.fsync(handle.fileno())


def reshard(place: Place, target: Path) -> list[pl.DataFrame]:
    """Manifests, the tars in `target`; the seams between the shards are proved on the way."""
    source, origins, manifests = Mp16Pro(Mp16ProSource()), [], []
    target.mkdir()
    for index, name in enumerate(place.dataset.partitions):
        offers = source.photos(place, index, place.incoming / "facts.parquet")
        made = write_shard(target / "scratch", place.dataset.name, name, offers, Limits(minimum_bytes=5121))
        install(target / "scratch", target / f"{name}.tar")
        assert made.ledger["fate"].unique().to_list() == ["stored"]
        origins.append(made.ledger["origin"])
        manifests.append(made.manifest)
    assert source.open_seams(place, origins) == []
    return manifests


def digests_of(manifests: list[pl.DataFrame], target: Path) -> dict[str, str]:
    """SHA-256 by photo id, of the bytes as they lie in the new tars."""
    found = dict[str, str]()
    for manifest in manifests:
        for row in manifest.iter_rows(named=True):
            with (target / f"{row['shard']}.tar").open("rb") as handle:
                handle.seek(row["offset"])
                found[row["photo_id"]] = hashlib.sha256(handle.read(row["bytes"])).hexdigest()
    return found


def test_resharding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "incoming", tmp_path / "target"
    try:
        sent = synthesize(source)
        number = max(3, round(GIGABYTES * 1e9 / SHARD_BYTES))
        settings = Mp16ProSource(slices=SLICES)
        dataset = Dataset(
            name="mp16", role="gallery", shards=number, photos_per_shard=10_000, source=settings
        )
        place, arrived = Place(dataset, source), list[pl.DataFrame]()
        before, _ = timed(source, lambda: copy(source, target))
        shutil.rmtree(target)
        with monkeypatch.context() as patch:
            patch.setattr(shards, "inspect", lambda data, limits: Inspection(500, 375, "jpg", 0))
            alone, _ = timed(source, lambda: arrived.extend(reshard(place, target)))
        assert digests_of(arrived, target) == sent
        shutil.rmtree(target)
        after, _ = timed(source, lambda: copy(source, target))  # a shared disk has better and worse minutes
        shutil.rmtree(target)
        arrived.clear()
        decoded, peak = timed(source, lambda: arrived.extend(reshard(place, target)))
        assert digests_of(arrived, target) == sent
    finally:
        shutil.rmtree(tmp_path)
    print(
        f"\n{os.cpu_count()} cores, {GIGABYTES:g} GB, {len(sent):,} photos in {SLICES} slices -> {number} shards"
    )
    for what, value, bar in (
        ("plain copy, synced", f"{before:.0f} and {after:.0f} MB/s", ""),
        ("resharding with digests", f"{alone:.0f} MB/s", ""),
        ("of the plain copy", f"{2 * alone / (before + after):.2f}", ">= 0.8"),
        ("with every photo decoded", f"{decoded:.0f} MB/s", ""),
        ("peak resident", f"{peak:,.0f} MB", "whatever the tar's size"),
        ("photos the same byte for byte", f"{len(sent):,} of {len(sent):,}", "all"),
    ):
        print(f"{what:<32} {value:<24} {bar and 'bar: ' + bar}")
