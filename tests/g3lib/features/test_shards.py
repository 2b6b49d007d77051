"""Stored features come back by the row, mapped, and only together with their like."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from g3lib.features.shards import (
    FeatureShards,
    FeaturesMismatch,
    NotFinite,
    Stamp,
    load_features,
    same_stamp,
    save_features,
)

STAMP = Stamp("ViT-L-14-quickgelu", "ab" * 32, "224 x 224, bicubic, centre crop", "float32", 3)
COUNTS = (4, 0, 7, 1, 0, 5)


def features(count: int, start: int = 0) -> NDArray[np.float32]:
    return np.arange(start * 3, (start + count) * 3, dtype=np.float32).reshape(count, 3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Shards of which row k holds 3k, 3k + 1, 3k + 2; some are empty."""
    root, start, made = tmp_path_factory.mktemp("features"), 0, []
    for number, count in enumerate(COUNTS):
        made.append(root / f"shard-{number}")
        save_features(made[-1], features(count, start), STAMP)
        start += count
    return made


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("mmap", [True, False])
def test_features_come_back_as_float16(tmp_path: Path, count: int, mmap: bool) -> None:
    save_features(tmp_path, features(count), STAMP)
    found = load_features(tmp_path, mmap)
    assert found.dtype == np.float16 and found.shape == (count, 3)
    assert np.array_equal(found, features(count))
    assert same_stamp([tmp_path]) == STAMP


def test_mapped_features_are_not_in_memory(tmp_path: Path) -> None:
    save_features(tmp_path, features(5), STAMP)
    found = load_features(tmp_path)
    assert isinstance(found, np.memmap) and not found.flags.writeable


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e6])
def test_what_is_not_finite_is_not_stored(tmp_path: Path, bad: float) -> None:
    wrong = features(5)
    wrong[3, 1] = bad
    with pytest.raises(NotFinite, match="first row 3"):
        save_features(tmp_path, wrong, STAMP)
    assert not any(tmp_path.iterdir())


def test_another_width_than_the_stamps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeaturesMismatch, match=r"\(2, 4\).* width 3"):
        save_features(tmp_path, np.zeros((2, 4), np.float32), STAMP)


@pytest.mark.parametrize(
    ("field", "value"),
    [("encoder", "ViT-B-32"), ("weights", "cd" * 32), ("preprocessing", "other"), ("precision", "float16")],
)
def test_features_of_different_encoders_do_not_mix(tmp_path: Path, field: str, value: str) -> None:
    save_features(tmp_path / "a", features(1), STAMP)
    save_features(tmp_path / "b", features(1), STAMP)
    save_features(tmp_path / "c", features(1), replace(STAMP, **{field: value}))
    both = rf"another encoder or preprocessing offered: .*/a and .*/c differ in {field} .*{value}"
    with pytest.raises(FeaturesMismatch, match=both):
        FeatureShards([tmp_path / name for name in "abc"])


def test_a_missing_or_damaged_stamp_is_named(tmp_path: Path) -> None:
    save_features(tmp_path, features(2), STAMP)
    stamp = tmp_path / "stamp.json"
    for text in ("", "[]", "{}", json.dumps({"encoder": "x"})):
        stamp.write_text(text, encoding="utf-8")
        with pytest.raises(FeaturesMismatch, match=r"stamp\.json is damaged"):
            same_stamp([tmp_path])
    stamp.unlink()
    with pytest.raises(FeaturesMismatch, match=r"has no stamp\.json"):
        FeatureShards([tmp_path])
    with pytest.raises(ValueError, match="no folders"):
        same_stamp([])


def test_damaged_features_are_named(tmp_path: Path) -> None:
    save_features(tmp_path, features(5), STAMP)
    path = tmp_path / "features.npy"
    whole = path.read_bytes()
    for data in (b"", whole[:50], whole[:-2]):
        path.write_bytes(data)
        for mmap in (True, False):
            with pytest.raises(FeaturesMismatch, match=r"features\.npy cannot be read"):
                load_features(tmp_path, mmap)
    np.save(path, features(5))
    with pytest.raises(FeaturesMismatch, match="holds float32"):
        load_features(tmp_path)
    np.save(path, np.array([{"code": 1}]), allow_pickle=True)
    with pytest.raises(FeaturesMismatch, match="cannot be read"):
        load_features(tmp_path)
    path.unlink()
    with pytest.raises(FeaturesMismatch, match="materialize"):
        load_features(tmp_path)


@given(indices=st.lists(st.integers(0, sum(COUNTS) - 1), max_size=40))
def test_rows_are_gathered_across_shards_in_any_order(folders: list[Path], indices: list[int]) -> None:
    shards = FeatureShards(folders)
    found = shards.rows(np.array(indices, np.int64))
    assert found.dtype == np.float16 and found.shape == (len(indices), 3)
    assert np.array_equal(found, features(sum(COUNTS))[indices])


def test_shards_are_one_array(folders: list[Path]) -> None:
    shards = FeatureShards(folders)
    assert len(shards) == sum(COUNTS) and shards.width == 3 and shards.stamp == STAMP
    assert [len(block) for block in shards] == list(COUNTS)
    assert np.array_equal(np.concatenate(list(shards)), features(sum(COUNTS)))


@pytest.mark.parametrize("beyond", [-1, sum(COUNTS)])
def test_rows_that_there_are_not_are_an_error(folders: list[Path], beyond: int) -> None:
    with pytest.raises(IndexError, match=f"no row {beyond}: there are 17"):
        FeatureShards(folders).rows(np.array([0, beyond]))
