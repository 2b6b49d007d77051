"""Facts by the name of a tar's member: of millions of rows, only those that occur are ever in memory.

Large tables are sorted once by a hash of their stem into an Arrow file, which every shard's process maps.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from filelock import FileLock

from g3lib.images.archives.names import ENDINGS, stem
from g3lib.store.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

SMALL = 200_000  # rows that are sorted in memory, each time
FACTS = ("photo_id", "author", "licence", "lat", "lon", "refused")


class Facts(NamedTuple):
    """What the metadata say of a photo; `refused` is the fate of a row that cannot be used."""

    photo_id: str
    author: str
    licence: str
    lat: float | None
    lon: float | None
    refused: str | None


class Lookup:
    """Facts by stem; of two rows with one stem, the first that is not refused."""

    def __init__(self, rows: "pa.RecordBatch") -> None:
        self._rows = rows  # sorted by their hash
        self._hashes = rows.column("hash").to_numpy(zero_copy_only=rows.num_rows > 0)

    @classmethod
    def of(cls, metadata: Path, folder: Path) -> "Lookup":
        """The lookup of a Parquet file (schema METADATA); a large one's Arrow file is kept in `folder`."""
        import pyarrow as pa

        rows = pl.scan_parquet(metadata)
        if rows.select(pl.len()).collect().item() <= SMALL:
            return cls(_sorted(rows))
        path = folder / f".lookup-{_state(metadata)}.arrow"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lookup.lock"):  # shards begin side by side, and one sorts for all
            if not path.exists():
                with replacing(path) as scratch:
                    _write(_sorted(rows), scratch)
                for old in folder.glob(".lookup-*.arrow"):
                    if old != path:
                        old.unlink(missing_ok=True)
        return cls(pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0))

    def facts(self, stems: Sequence[str]) -> list[Facts | None]:
        """Each stem's facts, None where there are none."""
        import numpy as np

        hashes = pl.Series(stems, dtype=pl.String).hash().to_numpy()
        low, high = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        spans = list(zip(low.tolist(), high.tolist(), strict=True))
        indices = [index for first, stop in spans for index in range(first, stop)]
        columns = (self._rows.column(name).take(_indices(indices)).to_pylist() for name in FACTS)
        rows = zip(*columns, strict=True)
        return [
            _first([Facts(*next(rows)) for _ in range(first, stop)], name)
            for name, (first, stop) in zip(stems, spans, strict=True)
        ]


def _indices(indices: list[int]) -> "pa.Array":
    import pyarrow as pa

    return pa.array(indices, type=pa.int64())


def _state(metadata: Path) -> str:
    """What the sorted file depends on: the table's own state, and the library whose hash it is."""
    status = metadata.stat()
    state = f"{metadata.resolve()} {status.st_size} {status.st_mtime_ns} {pl.__version__}"
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def _first(candidates: list[Facts], name: str) -> Facts | None:
    fitting = [each for each in candidates if stem(each.photo_id) == name]
    return next((each for each in fitting if each.refused is None), fitting[0] if fitting else None)


def _sorted(rows: pl.LazyFrame) -> "pa.RecordBatch":
    ending = rf"(?i)\.({'|'.join(sorted(ENDINGS))})$"
    stems = pl.col("photo_id").str.replace(ending, "").str.replace_all("/", "_", literal=True)
    known = rows.select(FACTS).filter(pl.col("photo_id").is_not_null())
    table = known.with_columns(hash=stems.hash()).sort("hash", maintain_order=True).collect().rechunk()
    return table.to_arrow().combine_chunks().to_batches()[0] if table.height else _empty(table)


def _empty(table: pl.DataFrame) -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_pylist([], schema=table.to_arrow().schema)


def _write(rows: "pa.RecordBatch", path: Path) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_batch(rows)
