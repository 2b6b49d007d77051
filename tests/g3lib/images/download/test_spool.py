"""What a spool keeps and drops, wherever a crash, a damaged disk or a full one leaves it."""

import errno
import hashlib
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.images.download.spool import Spool, discard
from g3lib.images.download.wanted import DamagedSpool, DiskFull, Entry, SpoolInUse
from g3lib.images.fates import Fate

STORED = Entry(Fate.STORED, http_status=200, attempts=1)


def photo(number: int) -> bytes:
    return hashlib.sha512(str(number).encode()).digest() * (1 + number % 5)


def url(number: int) -> str:
    return f"http://example.org/{number}\u2028.jpg"  # a line separator, for those who split lines too eagerly


def fill(folder: Path, numbers: range) -> None:
    with Spool.open(folder) as spool:
        for number in numbers:
            if number % 3:
                spool.add(url(number), STORED, photo(number))
            else:
                spool.add(url(number), Entry(Fate.NOT_FOUND, "404", 404, 1))


def check(spool: Spool) -> None:
    """Whatever is recorded is right."""
    for number in range(12):
        entry = spool.entries.get(url(number))
        if entry is not None:
            assert entry.fate is (Fate.STORED if number % 3 else Fate.NOT_FOUND)
            if number % 3:
                assert spool.read(url(number)) == photo(number)


def test_a_spool_remembers(tmp_path: Path) -> None:
    fill(tmp_path / "a", range(12))
    with Spool.open(tmp_path / "a") as spool:
        assert list(spool.entries) == [url(number) for number in range(12)]
        check(spool)
    lines = [json.loads(line) for line in (tmp_path / "a" / "ledger.jsonl").read_bytes().split(b"\n")[:-1]]
    facts = {"url", "fate", "detail", "http_status", "attempts", "offset", "length", "sha256", "seconds"}
    assert facts < lines[0].keys()
    assert lines[1]["sha256"] == hashlib.sha256(photo(1)).hexdigest()


@settings(max_examples=60, deadline=None)
@given(
    ledger=st.one_of(st.none(), st.floats(0, 1)),
    photos=st.one_of(st.none(), st.floats(0, 1)),
    damage=st.one_of(st.none(), st.tuples(st.booleans(), st.floats(0, 0.999), st.integers(1, 255))),
)
def test_recovery_from_any_cut_and_any_changed_byte(
    ledger: float | None, photos: float | None, damage: tuple[bool, float, int] | None
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, range(12))
        for file, share in (("ledger.jsonl", ledger), ("photos.bin", photos)):
            if share is not None:
                os.truncate(folder / file, int(share * (folder / file).stat().st_size))
        if damage is not None:
            flip(folder / ("ledger.jsonl" if damage[0] else "photos.bin"), *damage[1:])
        with Spool.open(folder) as spool:
            kept = {number for number in range(12) if url(number) in spool.entries}
            if damage is None or not damage[0]:  # a changed byte of the ledger may change a detail, or a URL
                check(spool)
            if damage is None and photos is None and ledger is not None:
                assert kept == set(range(len(kept)))
        for number in set(range(12)) - kept:
            fill(folder, range(number, number + 1))
        with Spool.open(folder) as spool:
            assert {url(number) for number in range(12)} <= spool.entries.keys()
            for number in set(range(12)) - kept:
                assert not number % 3 or spool.read(url(number)) == photo(number)


def flip(path: Path, where: float, bits: int) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[int(where * len(data))] ^= bits
        path.write_bytes(data)


def test_bytes_that_no_line_names_are_dropped(tmp_path: Path) -> None:
    fill(tmp_path, range(5))
    size = (tmp_path / "photos.bin").stat().st_size
    with (tmp_path / "photos.bin").open("ab") as handle:
        handle.write(b"half a photo")
    with Spool.open(tmp_path):
        assert (tmp_path / "photos.bin").stat().st_size == size


def test_passing_failures_are_forgotten(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        spool.add("a", Entry(Fate.TIMEOUT))
        spool.add("b", Entry(Fate.GONE))
    with Spool.open(tmp_path) as spool:
        assert list(spool.entries) == ["b"]


def test_a_photo_that_changes_while_the_spool_is_open(tmp_path: Path) -> None:
    with Spool.open(tmp_path) as spool:
        spool.add("a", STORED, photo(1))
        flip(tmp_path / "photos.bin", 0.5, 1)
        with pytest.raises(DamagedSpool, match=r"byte 0: the photo of a is damaged; run again"):
            spool.read("a")


def test_two_processes_never_share_a_spool(tmp_path: Path) -> None:
    with (
        Spool.open(tmp_path),
        pytest.raises(SpoolInUse, match="being filled by another process"),
        Spool.open(tmp_path),
    ):
        pass
    with Spool.open(tmp_path):
        pass


def test_a_full_disk_leaves_the_spool_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, room = os.write, [0]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= 1
        return real(descriptor, data[:100])

    fill(tmp_path, range(6))
    before = [(tmp_path / name).read_bytes() for name in ("photos.bin", "ledger.jsonl")]
    with Spool.open(tmp_path) as spool:
        for room[0] in range(4):
            monkeypatch.setattr(os, "write", write)
            with pytest.raises(DiskFull, match=r"bytes free\). Make room, .* run again") as caught:
                spool.add(url(9), STORED, photo(9) * 10)
            assert caught.value.filename == str(tmp_path)
            monkeypatch.undo()
            assert [(tmp_path / name).read_bytes() for name in ("photos.bin", "ledger.jsonl")] == before
        spool.add(url(10), STORED, photo(10))
    with Spool.open(tmp_path) as spool:
        check(spool)
        assert url(10) in spool.entries


def test_discard(tmp_path: Path) -> None:
    fill(tmp_path / "a", range(3))
    discard(tmp_path / "a")
    discard(tmp_path / "a")
    assert not (tmp_path / "a").exists()
