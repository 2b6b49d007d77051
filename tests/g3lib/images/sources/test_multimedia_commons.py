"""Hashes to keys of the bucket, and rows to photos."""

from pathlib import Path

import polars as pl
import pytest
from hurried import hurried

from g3lib.experiments.datasets import Dataset, MultimediaCommonsSource
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import METADATA
from g3lib.images.sources import Place, source_of
from g3lib.images.sources.multimedia_commons import MultimediaCommons


def commons(bucket: str = "https://bucket.example") -> MultimediaCommons:
    return MultimediaCommons(MultimediaCommonsSource(bucket=bucket, download=hurried()))


@pytest.mark.parametrize(
    ("hash_", "key"),
    [
        ("f7a9d2a3c1e4b5968778695a4b3c2d1e", "f7a/9d2/f7a9d2a3c1e4b5968778695a4b3c2d1e"),
        ("7a9d2a3c1e4b5968778695a4b3", "7a9/d2a/7a9d2a3c1e4b5968778695a4b3"),  # 26 digits: never padded
        ("F7A9D2A3", "f7a/9d2/f7a9d2a3"),
    ],
)
def test_a_hash_is_a_key(hash_: str, key: str) -> None:
    address = commons().address(hash_)
    assert address is not None
    assert (address.url, address.fallback) == (f"https://bucket.example/data/images/{key}.jpg", None)


@pytest.mark.parametrize("text", ["", "../../../secret", "f7a9d2g3c1e4", "f7a", "0" * 33, "f7a9d2a3?x=1"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    assert commons().address(text) is None


def test_a_row_without_a_hash_is_told(tmp_path: Path) -> None:
    rows = [{"photo_id": "a", "author": "x", "licence": "y", "lat": 1.0, "lon": 2.0, "locator": "no hash"}]
    pl.DataFrame(rows, schema=METADATA).write_parquet(tmp_path / "facts.parquet")
    dataset = Dataset(name="c", role="gallery", shards=1, photos_per_shard=5, source=commons().settings)
    [found] = source_of(dataset).photos(Place(dataset, tmp_path), 0, tmp_path / "facts.parquet")
    assert isinstance(found, Rejected)
    assert found.fate is Fate.NO_ADDRESS
    assert "'no hash'" in found.detail


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    dataset = Dataset(name="c", role="gallery", shards=1, photos_per_shard=5, source=commons().settings)
    with pytest.raises(FileNotFoundError, match=r"yfcc4k\.csv is missing; put it there yourself"):
        source_of(dataset).metadata(Place(dataset, tmp_path))
