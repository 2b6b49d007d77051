"""Shards: what goes in comes out, in a form that others read, and damage is noticed."""

import json
import tarfile
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, photo

from g3lib.images import CorruptShard, Photo, read_shard, write_shard
from g3lib.images.shards import MANIFEST, REJECTED
from g3lib.store.files import sha256_of

PHOTOS = [photo(0), photo(1, encoded(1, "PNG")), photo(2, encoded(2, size=(200, 100)))]


def write(folder: Path, photos: list[Photo] = PHOTOS) -> tuple[Path, pl.DataFrame, pl.DataFrame]:
    tar = folder / "shard-000000.tar"
    return tar, *write_shard(tar, "toy", "shard-000000", photos)


def test_photos_come_back_byte_for_byte(tmp_path: Path) -> None:
    tar, manifest, rejected = write(tmp_path)
    assert list(read_shard(tar, manifest)) == [each.data for each in PHOTOS]
    assert list(read_shard(tar, manifest, sha256_of(tar))) == [each.data for each in PHOTOS]
    assert list(read_shard(tar, manifest.reverse())) == [each.data for each in PHOTOS[::-1]]
    assert manifest.schema == MANIFEST and rejected.schema == REJECTED and rejected.is_empty()


def test_the_manifest_says_what_is_known_of_a_photo(tmp_path: Path) -> None:
    _, manifest, _ = write(tmp_path)
    row = manifest.row(2, named=True)
    known = {
        "dataset": "toy",
        "photo_id": "p2",
        "author": "a2",
        "licence": "CC BY 2.0",
        "lat": 2.0,
        "lon": -2.0,
    }
    measured = {"width": 200, "height": 100, "bytes": len(PHOTOS[2].data), "shard": "shard-000000"}
    assert row | known | measured == row


def test_equal_photos_give_equal_tars(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first, manifest, _ = write(tmp_path)
    second, manifest_again, _ = write(tmp_path / "again")
    assert first.read_bytes() == second.read_bytes()
    assert manifest.equals(manifest_again)


def test_the_tar_is_a_webdataset(tmp_path: Path) -> None:
    tar, manifest, _ = write(tmp_path)
    with tarfile.open(tar) as opened:
        members = opened.getmembers()
        contents = {each.name: opened.extractfile(each) for each in members}
        read = {name: handle.read() for name, handle in contents.items() if handle is not None}
    assert [name.partition(".")[2] for name in read] == ["json", "jpg"] * 3
    keys = [name.partition(".")[0] for name in read]
    assert keys[::2] == keys[1::2] and len(set(keys)) == 3  # a sample's files lie side by side
    for row, key in zip(manifest.iter_rows(named=True), keys[::2], strict=True):
        assert row["member"] == f"{key}.jpg"
        assert json.loads(read[f"{key}.json"])["photo_id"] == row["photo_id"]
    assert {(each.mtime, each.uid, each.uname, each.mode) for each in members} == {(0, 0, "", 0o644)}


def test_what_is_no_photo_or_comes_twice_is_left_out_with_a_reason(tmp_path: Path) -> None:
    photos = [photo(0), photo(1, b"<html>"), photo(2, photo_id="p0"), photo(3, encoded(3)[:200]), photo(4)]
    photos.insert(1, photo(5, photo_id="caf\udce9.jpg"))  # a file name that is not UTF-8
    tar, manifest, rejected = write(tmp_path, photos)
    assert manifest["photo_id"].to_list() == ["p0", "p4"]
    assert list(read_shard(tar, manifest)) == [encoded(0), encoded(4)]
    reasons = dict(rejected.iter_rows())
    assert list(reasons) == ["caf\\udce9.jpg", "p1", "p0", "p3"]
    assert reasons["p0"] == "its id occurs twice in this shard" and reasons["p1"] == "not an image"
    assert (
        reasons["p3"].startswith("does not decode") and reasons["caf\\udce9.jpg"] == "its id is not Unicode"
    )


def test_an_id_whose_first_photo_was_bad_may_come_again(tmp_path: Path) -> None:
    _, manifest, rejected = write(tmp_path, [photo(0, b"bad"), photo(0)])
    assert manifest["photo_id"].to_list() == rejected["photo_id"].to_list() == ["p0"]


def test_no_photos_give_an_empty_tar_and_typed_tables(tmp_path: Path) -> None:
    tar, manifest, rejected = write(tmp_path, [])
    assert manifest.schema == MANIFEST and rejected.schema == REJECTED
    assert list(read_shard(tar, manifest)) == []
    with tarfile.open(tar) as opened:
        assert opened.getmembers() == []


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=300), unique=True, max_size=5))
def test_any_id_survives(ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, manifest, rejected = write(
            Path(folder), [photo(i, photo_id=each) for i, each in enumerate(ids)]
        )
        assert manifest["photo_id"].to_list() == ids and rejected.is_empty()
        assert list(read_shard(path, manifest)) == [encoded(i) for i in range(len(ids))]
        with tarfile.open(path) as opened:
            assert all(name.isascii() and "/" not in name for name in opened.getnames())


def test_a_photo_of_unknown_position_has_nulls(tmp_path: Path) -> None:
    _, manifest, _ = write(tmp_path, [Photo("x", encoded(), None, None, "unknown", "unknown", "png")])
    row = manifest.row(0, named=True)
    assert row["lat"] is None and row["lon"] is None and row["member"].endswith(".png")


def test_a_damaged_byte_names_tar_photo_and_remedy(tmp_path: Path) -> None:
    tar, manifest, _ = write(tmp_path)
    digest, data = sha256_of(tar), bytearray(tar.read_bytes())
    data[manifest["offset"][1] + 50] ^= 1
    tar.write_bytes(data)
    photos = read_shard(tar, manifest)
    assert next(photos) == PHOTOS[0].data  # what is whole is still read
    with pytest.raises(CorruptShard, match=rf"{tar}: photo p1 .*damaged; delete {tar} and run again"):
        next(photos)
    with pytest.raises(CorruptShard, match=rf"{tar}: SHA-256 is .*manifest says .*delete"):
        next(read_shard(tar, manifest, digest))


def test_a_tar_cut_short_or_missing_is_named(tmp_path: Path) -> None:
    tar, manifest, _ = write(tmp_path)
    tar.write_bytes(tar.read_bytes()[: manifest["offset"][2] + 10])
    with pytest.raises(CorruptShard, match="photo p2"):
        list(read_shard(tar, manifest))
    tar.unlink()
    with pytest.raises(CorruptShard, match=rf"{tar} is missing; run again"):
        list(read_shard(tar, manifest))
