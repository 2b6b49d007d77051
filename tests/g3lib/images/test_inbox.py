"""The watched folder: whole photos, once each, in batches that mean the same files for ever."""

import os
from pathlib import Path

import pytest
from pictures import encoded

from g3lib.images.inbox import SECONDS_AT_REST, batches, inbox_photos, new_files, take_batch

NOW = 1_000_000.0


def drop(inbox: Path, name: str, age: float = 60.0, data: bytes = b"photo") -> None:
    inbox.mkdir(exist_ok=True)
    (inbox / name).write_bytes(data)
    os.utime(inbox / name, (NOW - age, NOW - age))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def test_photos_at_rest_are_new_and_nothing_else_is(inbox: Path) -> None:
    for name in ("b.jpg", "a.JPEG", "c.png", "notes.txt", "jpg", "photo.jpg.part"):
        drop(inbox, name)
    drop(inbox, "still-copying.jpg", age=SECONDS_AT_REST / 2)
    (inbox / "folder.jpg").mkdir()
    (inbox / "dangling.jpg").symlink_to(inbox / "gone.jpg")
    assert new_files(inbox, NOW) == ["a.JPEG", "b.jpg", "c.png"]


def test_an_absent_or_empty_inbox_has_nothing_new(inbox: Path) -> None:
    assert new_files(inbox, NOW) == [] and batches(inbox) == {}
    inbox.mkdir()
    assert new_files(inbox, NOW) == [] and batches(inbox) == {}


def test_a_photo_belongs_to_one_batch(inbox: Path) -> None:
    drop(inbox, "a.jpg")
    first = take_batch(inbox, new_files(inbox, NOW))
    assert new_files(inbox, NOW) == []
    drop(inbox, "b.jpg")
    assert new_files(inbox, NOW) == ["b.jpg"]
    second = take_batch(inbox, new_files(inbox, NOW))
    assert batches(inbox) == {first: ["a.jpg"], second: ["b.jpg"]}


def test_the_same_files_give_the_same_key_and_others_another(inbox: Path) -> None:
    drop(inbox, "a.jpg")
    drop(inbox, "b.jpg")
    key = take_batch(inbox, ["a.jpg"])
    assert take_batch(inbox, ["a.jpg"]) == key and len(batches(inbox)) == 1
    assert take_batch(inbox, ["b.jpg"]) != key
    drop(inbox, "a.jpg", data=b"another photo of that name")
    assert take_batch(inbox, ["a.jpg"]) != key


def test_a_batchs_photos_have_no_known_position(inbox: Path) -> None:
    drop(inbox, "a.JPEG", data=encoded())
    (photo,) = inbox_photos(inbox, take_batch(inbox, ["a.JPEG"]))
    assert (photo.photo_id, photo.data, photo.origin) == ("a.JPEG", encoded(), "a.JPEG")
    assert photo.lat is None and photo.lon is None


def test_taking_a_batch_leaves_the_photos_alone(inbox: Path) -> None:
    drop(inbox, "a.jpg")
    before = (inbox / "a.jpg").stat()
    list(inbox_photos(inbox, take_batch(inbox, ["a.jpg"])))
    after = (inbox / "a.jpg").stat()
    assert (before.st_ino, before.st_mtime, before.st_size) == (after.st_ino, after.st_mtime, after.st_size)


def test_an_unknown_batch_is_named(inbox: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no batch inbox-0123"):
        next(inbox_photos(inbox, "inbox-0123"))
