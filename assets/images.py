"""Photos: the checked facts of each dataset, and each shard as a WebDataset tar with its manifest and ledger."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from assets.common import dataset_of, positions_on_earth, tar_of
from assets.partitions import datasets, shards
from assets.pictures import contact_sheet, table
from assets.step import Config, Outcome, Partition, Rule, Step, Task
from g3lib.experiments import Profile
from g3lib.experiments.datasets import Dataset, PlacePulseSource
from g3lib.images import read_shard, write_shard
from g3lib.images.download import TooManyFailures
from g3lib.images.photo import Limits
from g3lib.images.sources import Place, facts_observed, facts_of, source_of
from g3lib.store import Home, Record
from g3lib.store.artifacts import is_intact, read_record

PASSES, RETRY_SECONDS = 3, 300.0  # how often, and how long after, a shard asks again for what failed for now
EXAMPLES = 200  # of absent photos on an asset page; all are in the ledger


def _metadata_config(profile: Profile, partition: Partition) -> Config:
    dataset = profile.dataset(str(partition))
    cut = (
        set() if dataset.source.kind == "blue-marble" else {"shards", "photos_per_shard"}
    )  # how many it draws
    whole = isinstance(dataset.source, PlacePulseSource) and dataset.source.split == "all"
    return _described(dataset, cut, _SPLIT if whole else set())


def _photos_config(profile: Profile, partition: Partition) -> Config:
    dataset, _ = profile.dataset_of(str(partition))
    others = {"shards", "photos_per_shard"} - {_CUT_BY.get(dataset.source.kind, "photos_per_shard")}
    split = isinstance(dataset.source, PlacePulseSource)
    return _described(dataset, others | _PART, _SPLIT if split else set())


# which setting says where a shard begins, if it is not the photos in one
_CUT_BY = {"mp16-pro": "shards", "osv5m": "", "webdataset": ""}
_MANNERS = {"download", "connections", "keep_archives"}  # how politely photos are asked for
# which photos of its files a dataset takes: a shard knows it by the rows of the metadata that it is made of
_PART, _SPLIT = {"within", "incoming"}, {"split", "test_share", "split_km", "split_seed"}


def _described(dataset: Dataset, without: set[str], of_source: set[str]) -> Config:
    """A dataset's settings but some. What is not given is left out: a new setting puts no older record out of date."""
    excluded: dict[str, Any] = {**dict.fromkeys(without, True), "source": _MANNERS | of_source}
    return dataset.model_dump(mode="json", exclude=excluded, exclude_none=True)


def _place(home: Home, dataset: Dataset, task: Task | None = None) -> Place:
    incoming = home.root / "incoming" / dataset.folder
    return Place(dataset, incoming) if task is None else Place(dataset, incoming, task.report, _stored(task))


def _observed_metadata(home: Home, profile: Profile, partition: Partition) -> dict[str, str]:
    return facts_observed(_place(home, profile.dataset(str(partition))))


def _observed_photos(home: Home, profile: Profile, partition: Partition) -> dict[str, str]:
    dataset, index = profile.dataset_of(str(partition))
    return source_of(dataset).observed(_place(home, dataset), index)


def _build_metadata(task: Task) -> Outcome:
    dataset = task.profile.dataset(str(task.key.partition))
    found = facts_of(_place(task.home, dataset, task))
    room = dataset.shards * dataset.photos_per_shard
    findings = task.scratch / "findings.parquet"
    found.findings.with_columns(dataset=pl.lit(dataset.name)).write_parquet(findings)
    scenes = task.scratch / "scenes.parquet"
    found.scenes.write_parquet(scenes, compression="zstd")
    files = {
        f"tables/metadata/findings/{dataset.name}.parquet": findings,
        f"tables/metadata/scenes/{dataset.name}.parquet": scenes,
    }
    if found.left_out.height:
        left_out = task.scratch / "left-out.parquet"
        found.left_out.write_parquet(left_out, compression="zstd")
        files[f"tables/metadata/left-out/{dataset.name}.parquet"] = left_out
    usable = found.table["refused"].null_count()
    return Outcome(
        rows=found.table.height,
        table=found.table,
        files=files,
        metadata={
            "findings": table(found.findings),
            "usable": usable,
            "refused": found.table.height - usable,
            "left out of this dataset": found.left_out.height,
            "room in the profile's shards": room,
            "authors": found.table["author"].n_unique(),
        },
    )


def _photos_commit(home: Home, profile: Profile, partition: Partition) -> Path:
    dataset, index = profile.dataset_of(str(partition))
    return home.shard(dataset.name, index).with_suffix(".parquet")


def _build_photos(task: Task) -> Outcome:
    dataset, index = task.profile.dataset_of(str(task.key.partition))
    (facts,) = task.inputs["metadata"]
    source = source_of(dataset)
    place = replace(_place(task.home, dataset, task), left_out=_left_out(task.home, facts))
    offers = source.photos(place, index, task.commit_of(facts))
    tar, scratch = task.home.shard(dataset.name, index), task.scratch / "shard.tar"
    limits = Limits(minimum_bytes=getattr(dataset.source, "minimum_bytes", 0))
    try:
        shard = write_shard(scratch, dataset.name, tar.stem, offers, limits)
    except TooManyFailures as failures:
        raise dg.RetryRequested(PASSES, seconds_to_wait=RETRY_SECONDS) from failures
    shard.ledger.write_parquet(task.scratch / "ledger.parquet", compression="zstd")
    ledger = tar.parent / "ledger" / f"{tar.stem}.parquet"
    return Outcome(
        rows=shard.manifest.height,
        table=shard.manifest,
        files={task.home.relative(tar): scratch, task.home.relative(ledger): task.scratch / "ledger.parquet"},
        metadata={
            "photos": contact_sheet(read_shard(scratch, shard.manifest.head(12))),
            "authors": shard.manifest["author"].n_unique(),
            "offered": shard.ledger.height,
            "what became of them": table(shard.ledger["fate"].value_counts(sort=True)),
            "not stored": table(_absent(shard.ledger)),
        },
        after_commit=lambda: source.tidy(place, index),
    )


def _left_out(home: Home, facts: Record) -> Path | None:
    """What the dataset's metadata did not take of their files, if anything."""
    return next((home.root / name for name in facts.files if "/left-out/" in name), None)


def _absent(ledger: pl.DataFrame) -> pl.DataFrame:
    absent = ledger.filter(pl.col("fate") != "stored")
    return absent.select("photo_id", "fate", "detail", "origin", "attempts").head(EXAMPLES)


def _stored(task: Task) -> Callable[[str], bytes | None]:
    """Bytes by origin that this shard already holds: whatever changes, they are not fetched twice."""

    @cache
    def known() -> tuple[Record | None, pl.DataFrame, dict[str, int]]:
        commit = _photos_commit(task.home, task.profile, task.key.partition)
        record = read_record(commit)
        if record is None or not is_intact(task.home.root, record):
            return None, pl.DataFrame(), {}
        manifest = _with_origins(task.home, commit, record)
        return record, manifest, {origin: row for row, origin in enumerate(manifest["origin"])}

    def stored(origin: str) -> bytes | None:
        record, manifest, rows = known()
        if record is None or origin not in rows:
            return None
        return next(read_shard(tar_of(task.home, record), manifest[rows[origin]]))

    return stored


def _with_origins(home: Home, commit: Path, record: Record) -> pl.DataFrame:
    ledgers = [pl.read_parquet(home.root / name) for name in record.files if "/ledger/" in name]
    origins = pl.concat(ledgers).filter(pl.col("fate") == "stored").select("photo_id", "origin")
    return pl.read_parquet(commit).join(origins, on="photo_id", how="inner", maintain_order="left")


def _has_usable_rows(_: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    usable = outcome.table["refused"].null_count()
    return usable > 0, {"usable": usable, "rows": outcome.rows}


def _usable_on_earth(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    assert outcome.table is not None
    usable = outcome.table.filter(pl.col("refused").is_null())
    return positions_on_earth(task, Outcome(usable.height, usable))


def _has_photos(task: Task, outcome: Outcome) -> tuple[bool, dict[str, Any]]:
    dataset, _ = task.profile.dataset_of(str(task.key.partition))
    return outcome.rows > 0, {"photos": outcome.rows, "expected": dataset.photos_per_shard}


METADATA = Step(
    name="metadata",
    group="images",
    description="Every photo of a dataset as its publisher describes it: checked, repaired where that is certain.",
    code_version="2",
    build=_build_metadata,
    config=_metadata_config,
    observed=_observed_metadata,
    partitions=datasets,
    keys=lambda profile: [dataset.name for dataset in profile.datasets],
    rules=(
        Rule("has_usable_rows", "at least one photo can be used", _has_usable_rows),
        Rule("usable_rows_on_earth", "every row that is not refused lies on the Earth", _usable_on_earth),
    ),
)

PHOTOS = Step(
    name="photos",
    group="images",
    description="Photos of one shard, checked, in a WebDataset tar; its manifest, and a ledger of every photo's fate.",
    code_version="2",
    build=_build_photos,
    config=_photos_config,
    observed=_observed_photos,
    place=_photos_commit,
    upstream=(dataset_of("metadata"),),
    partitions=shards,
    keys=lambda profile: profile.shards(),
    kinds=frozenset({"webdataset", "parquet"}),
    rules=(
        Rule("has_photos", "the shard holds at least one photo", _has_photos),
        Rule("positions_on_earth", "every known position lies on the Earth", positions_on_earth),
    ),
)

STEPS = (METADATA, PHOTOS)
