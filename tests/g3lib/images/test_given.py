"""Photos named by a person: each once, looked at, and the reason for every one that cannot be used."""

import os
from pathlib import Path

import pytest
from pictures import encoded, gps_tags, jpeg_with, landscape, saved, tiff, xmp

from g3lib.images.exif import NoPosition, Position
from g3lib.images.fates import Fate
from g3lib.images.given import Given, NoPhotos, Sightings, distinct, given
from g3lib.images.photo import MAXIMUM_BYTES, BadPhoto


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos, one of them in a folder within and twice; a hidden one, a text, and what is no photo."""
    root = tmp_path / "photos"
    (root / "paris").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "b.jpg").write_bytes(encoded(1))
    (root / "paris" / "a.JPG").write_bytes(jpeg_with(exif=tiff(gps_tags()), data=encoded(2)))
    (root / "copy.jpg").write_bytes(encoded(1))
    (root / ".hidden" / "c.jpg").write_bytes(encoded(3))
    (root / "notes.txt").write_text("no photo")
    (root / "broken.jpg").write_bytes(encoded(4)[:300])
    (root / "empty.png").write_bytes(b"")
    (root / "raw.tif").write_bytes(tiff(gps_tags()))
    return root


def looked_at(*paths: Path) -> tuple[list[bytes], Sightings]:
    told = Sightings()
    return list(distinct(given(paths), told)), told


def test_a_folder_is_gone_through_in_the_order_of_paths(folder: Path) -> None:
    names = [Path(each.name).relative_to(folder).as_posix() for each in given([folder])]
    assert names == ["b.jpg", "broken.jpg", "copy.jpg", "empty.png", "paris/a.JPG", "raw.tif"]


def test_files_and_folders_mix_and_nothing_comes_twice(folder: Path) -> None:
    first, text = folder / "paris" / "a.JPG", folder / "notes.txt"
    found = given([first, text, folder, first])
    assert [each.path for each in found[:2]] == [first, text] and len(found) == 7


def test_equal_photos_are_taken_once_and_told_twice(folder: Path) -> None:
    taken, told = looked_at(folder)
    assert taken == [encoded(1), (folder / "paris" / "a.JPG").read_bytes()]
    names = [Path(each.given.name).name for each in told.seen]
    assert names == ["b.jpg", "copy.jpg", "a.JPG"]
    assert told.seen[0].sha256 == told.seen[1].sha256 != told.seen[2].sha256
    assert told.seen[0].bytes == len(encoded(1))


def test_positions_are_told_beside(folder: Path) -> None:
    side = folder / "b.jpg.xmp"
    side.write_bytes(xmp("48,51.5N", "2,17.6E"))
    _, told = looked_at(folder)
    found = [each.position for each in told.seen]
    assert isinstance(found[0], Position) and found[0].source == "side-car"
    assert isinstance(found[1], NoPosition)
    assert isinstance(found[2], Position) and found[2].source == "exif" and round(found[2].lat, 3) == 48.858


def test_what_cannot_be_used_is_named_with_its_reason(folder: Path) -> None:
    _, told = looked_at(folder, folder / "notes.txt")
    fates = {Path(each.photo_id).name: each.fate for each in told.rejected}
    assert fates == {
        "broken.jpg": Fate.DOES_NOT_DECODE,
        "empty.png": Fate.EMPTY,
        "raw.tif": Fate.NOT_AN_IMAGE,
        "notes.txt": Fate.NOT_AN_IMAGE,
    }
    assert all(each.detail for each in told.rejected)


@pytest.mark.skipif(os.name == "nt", reason="of Unix")
def test_links_pipes_and_what_vanishes(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(encoded(5))
    (folder / "leads-out.jpg").symlink_to(outside)
    (folder / "within.jpg").symlink_to(folder / "b.jpg")
    (folder / "dangling.jpg").symlink_to(folder / "gone.jpg")
    (folder / "circle.jpg").symlink_to(folder / "circle.jpg")
    os.mkfifo(folder / "pipe.jpg")
    _, told = looked_at(folder)
    fates = {Path(each.photo_id).name: each.fate for each in told.rejected}
    assert fates["leads-out.jpg"] is fates["pipe.jpg"] is Fate.NOT_A_FILE
    assert fates["dangling.jpg"] is fates["circle.jpg"] is Fate.UNREADABLE
    assert "within.jpg" not in fates
    link = tmp_path / "link.jpg"
    link.symlink_to(outside)
    assert looked_at(link)[0] == [encoded(5)], "who names a link means what it leads to"


@pytest.mark.skipif(os.name == "nt", reason="of Unix")
def test_a_name_that_is_no_unicode_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(encoded(1))
    (found,) = given([tmp_path])
    assert found.name.endswith("caf\\udce9.jpg") and found.read() == encoded(1)


def test_a_sparse_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as handle:
        handle.truncate(MAXIMUM_BYTES + 1)
    with pytest.raises(BadPhoto, match="limit") as problem:
        Given(path).read()
    assert problem.value.fate is Fate.TOO_MANY_BYTES


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoPhotos, match=f"{tmp_path.name}: no file in it ends in .*heic"):
        given([tmp_path])


def test_many_photos_come_in_their_order(tmp_path: Path) -> None:
    expected = []
    for number in range(60):
        expected.append(saved(landscape((64, 48), number)))
        (tmp_path / f"{number:03}.jpg").write_bytes(expected[-1])
    taken, told = looked_at(tmp_path)
    assert taken == expected and len(told.seen) == 60
