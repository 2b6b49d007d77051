"""Shards: what goes in comes out, in a form that others read, and damage is noticed."""

import json
import tarfile
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encoded, photo

from g3lib.images import CorruptShard, Photo, read_shard, write_shard
from g3lib.images.fates import LEDGER, Fate, Rejected
from g3lib.images.inspecting import BATCH, LOOKAHEAD
from g3lib.images.photo import Limits
from g3lib.images.shards import MANIFEST
from g3lib.store.files import sha256_of

PHOTOS = [photo(0), photo(1, encoded(1, "PNG")), photo(2, encoded(2, size=(200, 100)))]


def write(
    folder: Path, photos: Sequence[Photo | Rejected] = PHOTOS
) -> tuple[Path, pl.DataFrame, pl.DataFrame]:
    tar = folder / "shard-000000.tar"
    return tar, *write_shard(tar, "toy", "shard-000000", photos)


def test_photos_come_back_byte_for_byte(tmp_path: Path) -> None:
    tar, manifest, ledger = write(tmp_path)
    assert list(read_shard(tar, manifest)) == [each.data for each in PHOTOS]
    assert list(read_shard(tar, manifest, sha256_of(tar))) == [each.data for each in PHOTOS]
    assert list(read_shard(tar, manifest.reverse())) == [each.data for each in PHOTOS[::-1]]
    assert manifest.schema == MANIFEST and ledger.schema == LEDGER


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
    assert [name.partition(".")[2] for name in read] == ["json", "jpg", "json", "png", "json", "jpg"]
    keys = [name.partition(".")[0] for name in read]
    assert keys[::2] == keys[1::2] and len(set(keys)) == 3  # a sample's files lie side by side
    for row, key in zip(manifest.iter_rows(named=True), keys[::2], strict=True):
        assert row["member"].startswith(f"{key}.")
        assert json.loads(read[f"{key}.json"])["photo_id"] == row["photo_id"]
    assert {(each.mtime, each.uid, each.uname, each.mode) for each in members} == {(0, 0, "", 0o644)}


def test_every_offer_has_its_row_in_the_ledger(tmp_path: Path) -> None:
    missing = Rejected("p9", Fate.GONE, "HTTP 410", "http://host/9.jpg", 410, 1)
    photos = [photo(0), photo(1, b"<html>"), missing, photo(2, photo_id="p0"), photo(3, encoded(3)[:200])]
    photos.append(photo(5, photo_id="caf\udce9.jpg"))  # a file name that is not UTF-8
    photos.append(replace(photo(4), origin="http://host/4.jpg", http_status=200, attempts=2))
    tar, manifest, ledger = write(tmp_path, photos)
    assert manifest["photo_id"].to_list() == ["p0", "p4"]
    assert list(read_shard(tar, manifest)) == [encoded(0), encoded(4)]
    assert ledger.select("photo_id", "fate").rows() == [
        ("p0", "stored"),
        ("p1", "not_an_image"),
        ("p9", "gone"),
        ("p0", "duplicate_id"),
        ("p3", "does_not_decode"),
        ("caf\\udce9.jpg", "no_id"),
        ("p4", "stored"),
    ]
    gone, stored = ledger.row(2, named=True), ledger.row(6, named=True)
    assert gone | {"detail": "HTTP 410", "http_status": 410, "attempts": 1, "sha256": None} == gone
    assert stored | {"origin": "http://host/4.jpg", "attempts": 2, "bytes": len(encoded(4))} == stored
    assert stored["sha256"] == manifest["sha256"][1] and set(ledger["shard"]) == {"shard-000000"}


def test_an_id_whose_first_photo_was_bad_may_come_again(tmp_path: Path) -> None:
    _, manifest, ledger = write(tmp_path, [photo(0, b"bad"), photo(0)])
    assert manifest["photo_id"].to_list() == ["p0"]
    assert ledger["fate"].to_list() == ["not_an_image", "stored"]


def test_a_profiles_limits_are_kept(tmp_path: Path) -> None:
    tar = tmp_path / "shard.tar"
    small, large = encoded(0), encoded(1, size=(300, 300))
    shard = write_shard(tar, "toy", "s", [photo(0, small), photo(1, large)], Limits(len(small) + 1))
    assert shard.manifest["photo_id"].to_list() == ["p1"]
    assert shard.ledger["fate"].to_list() == ["too_few_bytes", "stored"]


def test_memory_does_not_grow_with_the_photos(tmp_path: Path) -> None:
    alive = weakref.WeakSet[Photo]()

    def photos(count: int) -> Iterator[Photo]:
        for number in range(count):
            one = photo(number, encoded(0), f"p{number}")
            alive.add(one)
            yield one
            assert len(alive) <= LOOKAHEAD + 2 * BATCH

    assert write_shard(tmp_path / "s.tar", "toy", "s", photos(5 * LOOKAHEAD)).manifest.height == 5 * LOOKAHEAD


def test_no_photos_give_an_empty_tar_and_typed_tables(tmp_path: Path) -> None:
    tar, manifest, ledger = write(tmp_path, [])
    assert manifest.schema == MANIFEST and ledger.schema == LEDGER
    assert list(read_shard(tar, manifest)) == []
    with tarfile.open(tar) as opened:
        assert opened.getmembers() == []


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=300), unique=True, max_size=5))
def test_any_id_survives(ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, manifest, ledger = write(Path(folder), [photo(i, photo_id=each) for i, each in enumerate(ids)])
        assert manifest["photo_id"].to_list() == ids and set(ledger["fate"]) <= {"stored"}
        assert list(read_shard(path, manifest)) == [encoded(i) for i in range(len(ids))]
        with tarfile.open(path) as opened:
            assert all(name.isascii() and "/" not in name for name in opened.getnames())


def test_a_photo_of_unknown_position_has_nulls(tmp_path: Path) -> None:
    _, manifest, _ = write(tmp_path, [Photo("x", encoded(kind="PNG"), None, None, "unknown", "unknown")])
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
