"""Test sets from zips, tars and folders: every wanted row once, and nothing hostile gets further than its name."""

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from facts import facts
from pictures import encoded, member, special, write_tar

from g3lib.images.archives.containers import BrokenArchive
from g3lib.images.archives.members import photos_from_archive
from g3lib.images.archives.names import base_name, stem
from g3lib.images.archives.tar_headers import BrokenTar
from g3lib.images.fates import Fate, Rejected
from g3lib.images.photo import Photo

FILES = {"set/b.jpg": encoded(1), "set/a.JPG": encoded(0), "set/readme.txt": b"text", "set/c.jpg": encoded(2)}
KINDS = ["zip", "tar", "tar.gz", "folder"]


def archive_of(kind: str, folder: Path, files: dict[str, bytes] = FILES) -> Path:
    path = folder / f"set.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as made:
            for name, data in files.items():
                made.writestr(name, data)
    elif kind == "tar":
        write_tar(path, [member(name, data) for name, data in files.items()])
    elif kind == "tar.gz":
        with tarfile.open(path, "w:gz") as tar:
            for name, data in files.items():
                tar.addfile(member(name, data)[0], io.BytesIO(data))
    else:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def name_of(path: str) -> str | None:
    return stem(base_name(path)) if stem(base_name(path)) in "abcdlz" else None


def read(path: Path, *photo_ids: str, unlisted: bool = False, **more: object) -> list[Photo | Rejected]:
    return list(photos_from_archive(path, facts(*photo_ids, **more), name_of, unlisted=unlisted))  # type: ignore[arg-type]


def fates(offers: list[Photo | Rejected]) -> list[tuple[str, str]]:
    return [(each.photo_id, each.fate if isinstance(each, Rejected) else "photo") for each in offers]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_once_in_their_order(tmp_path: Path, kind: str) -> None:
    path = archive_of(kind, tmp_path)
    found = read(path, "a.jpg", "z", "b.jpg", "d", unlisted=True, refused={"d": "bad_position"})
    expected = [("a.jpg", "photo"), ("z", "not_in_archive"), ("b.jpg", "photo"), ("d", "bad_position")]
    assert fates(found) == [*expected, ("readme.txt", "unlisted")]  # c is another shard's
    first = found[0]
    assert isinstance(first, Photo)
    assert (first.data, first.lat, first.lon, first.author) == (encoded(0), 0.0, 0.0, "a0")
    assert first.origin.startswith("set/a.JPG")
    assert fates(read(path, "a.jpg")) == [("a.jpg", "photo")]
    assert not [each for each in tmp_path.iterdir() if each != path]


def test_a_locator_finds_what_an_id_does_not(tmp_path: Path) -> None:
    path = archive_of("zip", tmp_path)
    assert fates(read(path, "one", "two", locators=("b.jpg", "a"))) == [("one", "photo"), ("two", "photo")]


def test_links_and_devices_in_a_tar(tmp_path: Path) -> None:
    links = [special("a.jpg", tarfile.SYMTYPE, "/etc/passwd"), special("b.jpg", tarfile.CHRTYPE)]
    links += [member("../c.jpg", encoded()), member("/d.jpg", encoded()), member("x/d.jpg", encoded(5))]
    write_tar(tmp_path / "set.tar", links)
    found = read(tmp_path / "set.tar", "a", "b", "c", "d")
    expected = [("a", "not_a_file"), ("b", "not_a_file"), ("c", "unsafe_name"), ("d", "photo")]
    assert fates(found) == expected
    assert isinstance(found[3], Photo) and found[3].data == encoded(5)  # the safe one of two


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder = archive_of("folder", tmp_path)
    (tmp_path / "secret.jpg").write_bytes(encoded())
    (folder / "l.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "d.jpg").symlink_to(tmp_path)
    os.mkfifo(folder / "z.jpg")
    found = read(folder, "l", "d", "z")
    assert fates(found) == [("l", "not_a_file"), ("d", "not_a_file"), ("z", "not_a_file")]


def test_hostile_zips(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        link = zipfile.ZipInfo("a.jpg")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("b.jpg", bytes(50_000_000))
        made.writestr("../c.jpg", encoded())
        made.writestr(zipfile.ZipInfo("d.jpg"), encoded(3))
        made.writestr(zipfile.ZipInfo("l.jpg"), encoded(4))
    data = bytearray(path.read_bytes())
    data[data.index(encoded(3)) + 100] ^= 1
    entry = data.index(b"PK\x01\x02", data.index(encoded(4)))
    while data[entry + 46 : entry + 51] != b"l.jpg":
        entry = data.index(b"PK\x01\x02", entry + 1)
    data[entry + 8] |= 1  # encrypted
    path.write_bytes(data)
    found = read(path, "a", "b", "c", "d", "l")
    assert fates(found) == [
        *(("a", Fate.NOT_A_FILE), ("b", Fate.TOO_MANY_BYTES), ("c", Fate.UNSAFE_NAME)),
        *(("d", Fate.WRONG_DIGEST), ("l", Fate.UNREADABLE)),
    ]


def test_a_zip_whose_bytes_do_not_unpack(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.jpg", encoded() * 20)
    data = bytearray(path.read_bytes())
    data[60:160] = b"\xff" * 100
    path.write_bytes(data)
    assert fates(read(path, "a"))[0][1] in (Fate.DOES_NOT_DECODE, Fate.WRONG_DIGEST)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("keep", [0.3, 0.7])
def test_an_archive_cut_short_is_named(tmp_path: Path, kind: str, keep: float) -> None:
    path = archive_of(kind, tmp_path)
    data = path.read_bytes()[:9000] if kind == "tar" else path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises((BrokenArchive, BrokenTar), match=rf"{path.name}.*fetch (it|the archive) again"):
        read(path, "a", "b", "c")


def test_other_files_and_none(tmp_path: Path) -> None:
    (tmp_path / "set.rar").write_bytes(b"Rar!" + bytes(600))
    with pytest.raises(BrokenArchive, match=r"begins with b'Rar!.*unpack it to a folder"):
        read(tmp_path / "set.rar", "a")
    with pytest.raises(FileNotFoundError, match="is missing; put the archive"):
        read(tmp_path / "none.zip", "a")


def test_an_unreadable_file_has_a_fate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = archive_of("folder", tmp_path)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("g3lib.images.archives.containers.os.open", refuse)
    found = read(folder, "a")
    assert isinstance(found[0], Rejected)
    assert (found[0].fate, found[0].detail) == (Fate.UNREADABLE, "Permission denied")
