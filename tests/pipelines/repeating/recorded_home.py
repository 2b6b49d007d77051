"""A home with the records of one experiment, as the stages leave them; the data are toys."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from g3lib.store import Home, Input, Key, Record
from g3lib.store.artifacts import commit_card, commit_table, folder_version, frame_version, install_folder
from g3lib.store.files import scratch_folder

BENCHMARK = "queries"
PARTITION = f"{BENCHMARK}|g3"
COMMIT = "c" * 40
UPSTREAM: dict[Key, tuple[Key, ...]] = {}  # what each is made of


def _of(asset: str, partition: str | None, *inputs: Key) -> Key:
    key = Key(asset, partition)
    UPSTREAM[key] = inputs
    return key


GALLERY = _of("photos", "gallery-000000")
QUERIES = _of("photos", f"{BENCHMARK}-000000")
FEATURES = _of("image_features", f"{BENCHMARK}-000000", QUERIES)
HEADS = _of("alignment", "image-gps-text", GALLERY)
INDEX = _of("gallery_index", "image-gps-text", GALLERY, HEADS)
REFERENCES = _of("references", f"{BENCHMARK}|image-gps-text", QUERIES, FEATURES, HEADS, INDEX)
POOL = _of("pool_choice", "g3", GALLERY, HEADS, INDEX)
CANDIDATES = _of("candidates", PARTITION, QUERIES, REFERENCES)
SCORED = _of("scored_candidates", PARTITION, CANDIDATES, QUERIES, FEATURES, HEADS, POOL)
PREDICTIONS = _of("predictions", PARTITION, SCORED, QUERIES)
ACCURACY = _of("accuracy", PARTITION, PREDICTIONS, QUERIES)
FOLDERS = {"image_features": "features", "alignment": "models", "gallery_index": "index"}


def make(home: Home, **changes: str) -> dict[Key, Record]:
    """Every artefact, each made of those before it; `changes` are fields of every record."""
    made: dict[Key, Record] = {}
    for key, inputs in UPSTREAM.items():
        put(home, key, tuple(made[each] for each in inputs), made, **changes)
    return made


def put(
    home: Home,
    key: Key,
    inputs: tuple[Record, ...],
    made: dict[Key, Record],
    content: str = "",
    **changes: str,
) -> None:
    """One artefact, with other content if asked."""
    text = content or str(key)
    record = Record(
        *(key.asset, key.partition, "", "f" * 64, "1", "run", None, COMMIT, "2026-01-01T00:00:00+00:00"),
        *("2026-01-01T00:00:01+00:00", 1, 1, ""),
        config={},
        inputs=tuple(Input(*each.key, each.data_version) for each in inputs),
        **changes,  # type: ignore[arg-type]
    )
    if key.asset in FOLDERS:
        made[key] = _put_folder(home, home.card(FOLDERS[key.asset], key), text, record)
    else:
        made[key] = _put_table(home, key, text, record)


def _put_table(home: Home, key: Key, text: str, record: Record) -> Record:
    frame, path, files = pl.DataFrame({"text": [text], "lmm": ["stand-in"]}), home.table(key), {}
    if key.asset == "photos":
        path = home.shard(str(key.partition).rpartition("-")[0], 0).with_suffix(".parquet")
        tar = path.with_suffix(".tar")
        tar.parent.mkdir(parents=True, exist_ok=True)
        tar.write_text(text)
        files = {home.relative(tar): tar.stat().st_size}
    record = replace(record, data_version=frame_version(frame), path=home.relative(path), files=files)
    commit_table(path, frame, record)
    return record


def _put_folder(home: Home, card: Path, text: str, record: Record) -> Record:
    with scratch_folder(card) as scratch:
        (scratch / "array.npy").write_text(text)
        version = folder_version(scratch)
        folder = install_folder(card, scratch, version)
    files = {home.relative(path): path.stat().st_size for path in folder.iterdir()}
    record = replace(record, data_version=version, path=home.relative(folder), files=files)
    commit_card(card, record)
    return record
