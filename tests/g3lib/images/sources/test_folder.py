"""A person's own photographs: each has its place on Earth, or the reason why it has none."""

import os
from pathlib import Path

import polars as pl
import pytest
from pictures import ascii_tag, encoded, gps_tags, jpeg_with, landscape, saved, tiff, xmp

from g3lib.experiments.datasets import Dataset, FolderSource
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import FINDINGS, METADATA, BadMetadata
from g3lib.images.photo import Photo
from g3lib.images.sources import Offer, Place, source_of
from g3lib.images.sources.folder import POSITIONS, Folder, position_table

TOWER = pytest.approx(48.8582), pytest.approx(2.2945)
NAMED = {0x013B: ascii_tag(b"Ann\0"), 0x8298: ascii_tag(b"CC BY 4.0\0")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of most kinds, good and bad, and what is none."""
    root = tmp_path / "photos"
    (root / "2024" / "paris").mkdir(parents=True)
    (root / ".trash").mkdir()
    files = {
        "a.jpg": jpeg_with(tiff(gps_tags(), NAMED)),
        "b.JPG": encoded(),
        "c.jpg": b"<html>",
        "d.jpg": b"",
        "2024/e.heic": saved(landscape(), "HEIF", exif=b"Exif\0\0" + tiff(gps_tags())),
        "2024/paris/f.png": encoded(kind="PNG"),
        "2024/paris/f.png.xmp": xmp("48,51.492N", "2,17.67E"),
        "2024/paris/g.dng": tiff(gps_tags()),
        "h.jpg": jpeg_with(tiff(gps_tags(lat_ref=None))),
        "i.jpg": jpeg_with(b"", xmp("48,51.492N", "2,17.67E")),
        ".hidden.jpg": encoded(),
        ".trash/x.jpg": encoded(),
        "notes.txt": b"no photo",
    }
    for name, data in files.items():
        (root / name).write_bytes(data)
    return root


def place(root: Path, per_shard: int = 100, shards: int = 1) -> tuple[Folder, Place]:
    source = FolderSource(path=str(root), author="me", licence="mine")
    dataset = Dataset(name="mine", role="benchmark", shards=shards, photos_per_shard=per_shard, source=source)
    found = source_of(dataset)
    assert isinstance(found, Folder)
    return found, Place(dataset, root.parent / "incoming")


def offers(root: Path, metadata: Path | None = None) -> dict[str, Offer]:
    source, where = place(root)
    if metadata is None:
        metadata = root.parent / "metadata.parquet"
        source.metadata(where).table.write_parquet(metadata)
    return {each.photo_id: each for each in source.photos(where, 0, metadata)}


def test_every_photograph_has_a_row(folder: Path) -> None:
    source, where = place(folder)
    found = source.metadata(where)
    assert found.table.schema == METADATA and found.findings.schema == FINDINGS
    refused = dict(found.table.select("photo_id", "refused").iter_rows())
    assert refused == {
        "2024/e.heic": None,
        "2024/paris/f.png": None,
        "2024/paris/g.dng": Fate.NOT_AN_IMAGE,
        "a.jpg": None,
        "b.JPG": Fate.NO_EXIF,
        "c.jpg": Fate.NOT_AN_IMAGE,
        "d.jpg": Fate.EMPTY,
        "h.jpg": Fate.GPS_NO_REFERENCE,
        "i.jpg": None,
    }
    assert list(refused) == sorted(refused)
    row = found.table.row(by_predicate=pl.col("photo_id") == "a.jpg", named=True)
    assert (row["lat"], row["lon"], row["author"], row["licence"]) == (*TOWER, "Ann", "CC BY 4.0")
    assert row["locator"] == "a.jpg"
    other = found.table.row(by_predicate=pl.col("photo_id") == "i.jpg", named=True)
    assert (other["lat"], other["lon"], other["author"], other["licence"]) == (*TOWER, "me", "mine")


def test_findings_count_fates_and_positions_from_xmp(folder: Path) -> None:
    source, where = place(folder)
    findings = source.metadata(where).findings
    counts = {row["name"]: (row["action"], row["rows"]) for row in findings.iter_rows(named=True)}
    assert counts == {
        "not_an_image": ("refused", 2),
        "no_exif": ("refused", 1),
        "empty": ("refused", 1),
        "gps_no_reference": ("refused", 1),
        "position_from_side-car": ("noted", 1),
        "position_from_xmp": ("noted", 1),
    }
    first = findings.row(by_predicate=pl.col("name") == "not_an_image", named=True)
    assert first["example"] == "2024/paris/g.dng" and "raw" in first["detail"]


def test_photos_come_with_their_bytes_or_their_reason(folder: Path) -> None:
    found = offers(folder)
    photo = found["a.jpg"]
    assert isinstance(photo, Photo) and photo.data == (folder / "a.jpg").read_bytes()
    assert (photo.lat, photo.lon, photo.author, photo.origin) == (*TOWER, "Ann", "a.jpg")
    bad = found["h.jpg"]
    assert isinstance(bad, Rejected) and bad.fate is Fate.GPS_NO_REFERENCE and "needs N or S" in bad.detail
    assert len(found) == 9 and sum(isinstance(each, Photo) for each in found.values()) == 4


def test_shards_are_cut_by_rows_in_order(folder: Path, tmp_path: Path) -> None:
    source, where = place(folder, per_shard=4, shards=3)
    source.metadata(where).table.write_parquet(tmp_path / "m.parquet")
    names = [
        [each.photo_id for each in source.photos(where, shard, tmp_path / "m.parquet")] for shard in range(3)
    ]
    assert [len(each) for each in names] == [4, 4, 1]
    together = [name for shard in names for name in shard]
    assert together == sorted(together)


def test_what_vanished_or_changed_since_is_named(folder: Path, tmp_path: Path) -> None:
    offers(folder)
    (folder / "a.jpg").write_bytes(jpeg_with(tiff(gps_tags(lat_ref=b"S\0"))))
    (folder / "i.jpg").unlink()
    (folder / "b.JPG").write_bytes(jpeg_with(tiff(gps_tags())))
    found = offers(folder, tmp_path / "metadata.parquet")
    expected = {"a.jpg": Fate.WRONG_DIGEST, "i.jpg": Fate.UNREADABLE, "b.JPG": Fate.NO_EXIF}
    for name, fate in expected.items():
        bad = found[name]
        assert isinstance(bad, Rejected) and bad.fate is fate
    changed = found["a.jpg"]
    assert isinstance(changed, Rejected) and "-48.8" in changed.detail and "again" in changed.detail


def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.jpg").write_bytes(jpeg_with(tiff(gps_tags())))
    (folder / "link.jpg").symlink_to(elsewhere / "secret.jpg")
    (folder / "inside.jpg").symlink_to(folder / "a.jpg")
    (folder / "circle.jpg").symlink_to(folder / "circle.jpg")
    (folder / "below").symlink_to(elsewhere, target_is_directory=True)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "album.jpg").mkdir()
    rows = dict(position_table(folder).select("photo", "refused").iter_rows())
    assert rows["link.jpg"] == Fate.NOT_A_FILE and rows["inside.jpg"] is None
    assert rows["circle.jpg"] == Fate.UNREADABLE and rows["pipe.jpg"] == Fate.NOT_A_FILE
    assert "below/secret.jpg" not in rows and "album.jpg" not in rows


def test_names_that_are_not_unicode_have_a_row_and_a_reason(folder: Path) -> None:
    try:
        (folder / "caf\udce9.jpg").write_bytes(jpeg_with(tiff(gps_tags())))
    except OSError:
        pytest.skip("this file system has Unicode names only")
    (folder / "café.jpg").write_bytes(jpeg_with(tiff(gps_tags())))
    found = offers(folder)
    bad = found["caf\\udce9.jpg"]
    assert isinstance(bad, Rejected) and bad.fate is Fate.NO_ID
    assert isinstance(found["café.jpg"], Photo)
    source, where = place(folder)
    assert source.observed(where, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    (folder / "a.jpg").chmod(0)
    bad = offers(folder)["a.jpg"]
    assert isinstance(bad, Rejected) and bad.fate is Fate.UNREADABLE


def test_no_folder_and_no_photographs_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadMetadata, match="no such folder"):
        position_table(tmp_path / "nowhere")
    with pytest.raises(BadMetadata, match=r"no file in it ends in \.dng"):
        position_table(tmp_path)
    source, where = place(tmp_path / "nowhere")
    assert source.observed(where, None) == {}


def test_a_change_of_photograph_or_side_car_is_observed(folder: Path) -> None:
    source, where = place(folder, per_shard=4, shards=3)
    before = [source.observed(where, shard) for shard in (None, 0, 1)]
    assert before == [source.observed(where, shard) for shard in (None, 0, 1)]
    (folder / "2024/paris/f.xmp").write_bytes(xmp("48,51.492N", "2,17.67E"))
    after = [source.observed(where, shard) for shard in (None, 0, 1)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


def test_a_table_of_a_persons_own_photographs(folder: Path) -> None:
    table = position_table(folder)
    assert table.schema == POSITIONS
    rows = {row["photo"]: row for row in table.iter_rows(named=True)}
    assert rows["2024/paris/f.png"]["source"] == "side-car" and rows["i.jpg"]["source"] == "xmp"
    raw = rows["2024/paris/g.dng"]
    assert (raw["lat"], raw["lon"], raw["refused"]) == (*TOWER, Fate.NOT_AN_IMAGE) and "export" in raw[
        "reason"
    ]
    assert rows["a.jpg"]["reason"] == "" and rows["b.JPG"]["reason"] == "it has no EXIF"
