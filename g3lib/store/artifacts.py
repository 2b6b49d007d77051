"""Where artefacts lie under G3_HOME, how they are committed, and how they are found again.

An artefact's commit is one rename of one file that carries its lineage record: the Parquet file
itself, or the JSON card of a folder. Bulky files (a tar, a checkpoint, an index) are in place before that
rename, so whatever a reader finds committed is whole.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from g3lib.store.files import SCRATCH, install, replacing, sha256_of
from g3lib.store.lineage import FOOTER_KEY, Key, Record


@dataclass(frozen=True)
class Home:
    """The layout of G3_HOME; `encoder` names the features' folder."""

    root: Path

    def table(self, key: Key) -> Path:
        """The Parquet file of one partition of a table; the commit of a tabular artefact."""
        return self.root / "tables" / key.asset / f"{file_name(key.partition or key.asset)}.parquet"

    def shard(self, dataset: str, index: int) -> Path:
        """The WebDataset tar of one shard; its manifest lies beside it as .parquet."""
        return self.root / "images" / dataset / f"shard-{index:06d}.tar"

    def card(self, kind: str, key: Key) -> Path:
        """The JSON card of a folder artefact; `kind` is features, models or index."""
        parts = [key.asset] if key.partition is None else [key.asset, file_name(key.partition)]
        return self.root.joinpath(kind, *parts[:-1], f"{parts[-1]}.json")

    @property
    def prices(self) -> Path:
        """The user's own price table, if there is one."""
        return self.root / "prices.yaml"

    @property
    def profiles(self) -> Path:
        """The whole profiles that lineage records name."""
        return self.root / "profiles"

    @property
    def responses(self) -> Path:
        """Every LMM request and answer."""
        return self.root / "responses"

    @property
    def inbox(self) -> Path:
        """The watched folder for photos of one's own."""
        return self.root / "inbox"

    @property
    def warehouse(self) -> Path:
        """What analysts open."""
        return self.root / "warehouse.duckdb"

    @property
    def mlflow_database(self) -> Path:
        """MLflow's tracking store."""
        return self.root / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """MLflow's artifact store."""
        return self.root / "mlartifacts"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.root / "dagster"

    def relative(self, path: Path) -> str:
        """`path` as lineage records name it."""
        return path.relative_to(self.root).as_posix()

    def commits(self) -> Iterator[Path]:
        """Every committed file that can carry a lineage record."""
        for pattern in ("tables/*/*.parquet", "images/*/*.parquet"):
            yield from self.root.glob(pattern)
        for kind in ("features", "models", "index"):
            yield from (path for path in self.root.glob(f"{kind}/**/*.json") if self._is_card(path))

    def _is_card(self, path: Path) -> bool:
        """Cards lie beside the folders they describe, never inside a content-addressed or scratch one."""
        folders = path.relative_to(self.root).parts[:-1]
        return not any("@" in name or name.endswith(SCRATCH) for name in folders)


def file_name(partition: str) -> str:
    """A partition key as a file name: `benchmark|experiment` becomes `benchmark__experiment`."""
    return partition.replace("|", "__").replace("/", "_")


def frame_version(frame: pl.DataFrame) -> str:
    """Data version of a table: SHA-256 over its values in order, with their names and types.

    Equal tables have equal versions, however they came about. Arrow's own buffers would not do: they keep
    bytes of former rows behind nulls and strings.
    """
    digest = hashlib.sha256(repr([*frame.schema.items(), frame.height]).encode())
    for column in frame:
        digest.update(column.is_null().to_numpy().tobytes())
        digest.update(_plain_bytes(column.drop_nulls()))
    return digest.hexdigest()


def _plain_bytes(values: pl.Series) -> bytes:
    """The values of a column without nulls, and nothing of how they lie in memory."""
    if values.dtype.is_integer() or values.dtype.is_float():
        return values.to_numpy().tobytes()
    if values.dtype == pl.String:  # lengths, then texts: millions of photos must not become Python strings
        texts: str = values.str.join("")[0] or ""
        return values.str.len_bytes().to_numpy().tobytes() + texts.encode()
    return repr(values.to_list()).encode()


def folder_version(folder: Path) -> str:
    """Data version of a folder: SHA-256 over the names and bytes of its files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder).as_posix()}:{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def commit_table(path: Path, frame: pl.DataFrame, record: Record) -> None:
    """Write a table with its record in the footer, in one rename."""
    with replacing(path) as scratch:
        frame.write_parquet(scratch, compression="zstd", metadata={FOOTER_KEY: record.to_json()})


def install_folder(card: Path, scratch: Path, data_version: str) -> Path:
    """Move a finished scratch folder to its content-addressed name beside its card.

    A folder of that name stays if its content is what the name says, and makes room if it was damaged since.
    """
    folder = card.with_name(f"{card.stem}@{data_version[:16]}")
    if folder.exists() and folder_version(folder) != data_version:
        shutil.rmtree(folder)
    if not folder.exists():
        for path in scratch.rglob("*"):
            if path.is_file():
                install(path, path)  # sync only: the folder's own rename follows
        scratch.rename(folder)
    return folder


def commit_card(card: Path, record: Record) -> None:
    """Write a folder's record, which makes it the current one, and remove its predecessors."""
    with replacing(card) as scratch:
        scratch.write_text(record.to_json() + "\n", encoding="utf-8")
    current = Path(record.path).name
    for folder in card.parent.glob(f"{card.stem}@*"):
        if folder.name != current:
            shutil.rmtree(folder, ignore_errors=True)


def read_record(path: Path) -> Record | None:
    """The record a committed file carries; None if the file is absent, damaged or foreign."""
    try:
        if path.suffix == ".json":
            return Record.from_json(path.read_text(encoding="utf-8"))
        metadata: Mapping[bytes, bytes] = pq.read_metadata(path).metadata or {}
        return Record.from_json(metadata[FOOTER_KEY.encode()].decode())
    except (OSError, ValueError, KeyError, json.JSONDecodeError):
        return None  # nothing usable is committed here: whoever asks will make it anew


def is_intact(root: Path, record: Record) -> bool:
    """Whether every file the record names is there with the size it had."""
    sizes = {root / name: size for name, size in record.files.items()}
    return all(path.is_file() and path.stat().st_size == size for path, size in sizes.items())
