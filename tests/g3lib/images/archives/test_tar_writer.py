"""Our tar writer against the standard library's."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.images.archives import tar_writer
from g3lib.images.archives.tar_writer import TarWriter


@given(st.lists(st.sampled_from([0, 1, 511, 512, 513, 9000, 100_000]), max_size=12))
def test_byte_for_byte_what_tarfile_writes(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    ours, theirs, offsets = tmp_path_factory.mktemp("tars") / "a.tar", io.BytesIO(), list[tuple[int, int]]()
    with (
        tarfile.open(fileobj=theirs, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(tar_writer, "BATCH", 20_000)
        with TarWriter(ours) as writer:
            for number, size in enumerate(sizes):
                info, data = tarfile.TarInfo(f"{number}.jpg"), bytes([number + 1]) * size
                info.size, info.mode = size, 0o644
                tar.addfile(info, io.BytesIO(data))
                offsets.append((writer.add(info.name, data), size))
    written = ours.read_bytes()
    assert written == theirs.getvalue()
    assert all(set(written[at : at + size]) <= {n + 1} for n, (at, size) in enumerate(offsets))


@pytest.mark.parametrize("name", ["x" * 101, "ü.jpg"])
def test_names_for_which_there_is_no_room(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError), TarWriter(tmp_path / "a.tar") as writer:
        writer.add(name, b"")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("g3lib.images.archives.tar_writer.os.writev", full)
    with pytest.raises(OSError, match="No space left"), TarWriter(tmp_path / "a.tar") as writer:
        writer.add("a.jpg", b"a")


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "g3lib.images.archives.tar_writer.os.writev", lambda fd, parts: os.write(fd, parts[0][:100])
    )
    with TarWriter(tmp_path / "a.tar") as writer:
        writer.add("a.jpg", b"a" * 700)
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert [each.size for each in tar] == [700]
