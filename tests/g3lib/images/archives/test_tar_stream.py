"""Our tar reader against the standard library's, and against tars that were made to harm."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tars import as_tarfile_reads, cut, found_in, plain, tar_of

from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import BLOCK, BrokenTar, Kind
from g3lib.images.archives.tar_stream import StreamReader, members

SIZES = st.sampled_from([0, 1, 511, 512, 513, 1024, 5000])
NAMES = st.one_of(
    st.from_regex(r"[a-z0-9]{1,20}\.jpg", fullmatch=True), st.just("d/" * 90 + "long.jpg"), st.just("ü" * 70)
)
FORMATS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def read(data: bytes, maximum: int = 10_000_000) -> list[tuple[str, Kind, bytes | None]]:
    reader = StreamReader(
        iter([data[at : at + 700] for at in range(0, len(data), 700)]), 0, lambda at: f"t at byte {at}"
    )
    return [(each.name, each.kind, content) for each, content in members(reader, maximum_bytes=maximum)]


@given(st.lists(st.tuples(NAMES, SIZES), max_size=8), FORMATS, st.data())
def test_what_the_standard_library_reads_wherever_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, int]], form: int, draw: st.DataObject
) -> None:
    data = tar_of([(name, bytes([number + 1]) * size) for number, (name, size) in enumerate(files)], form)
    places = draw.draw(st.lists(st.integers(0, len(data)), max_size=5))
    paths = cut(data, tmp_path_factory.mktemp("slices"), places)
    with Slices.of_files(*paths) as slices:
        assert slices.size == len(data)
        found = found_in(slices)
    assert plain(found) == as_tarfile_reads(data)
    assert all(content == data[each.offset : each.offset + each.size] for each, content in found)
    assert [each.end for each, _ in found][:-1] == [each.header for each, _ in found][1:]


def changed(data: bytes, at: int, new: bytes) -> bytes:
    """A tar with other bytes in its first header, and a checksum to match."""
    header = bytearray(data[:BLOCK])
    header[at : at + len(new)] = new
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[BLOCK:]


def of_kind(kind: bytes, size: int = 0) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("a.jpg")
        info.type, info.linkname, info.size = kind, "/etc/passwd", size
        tar.addfile(info)
        tar.addfile(tarfile.TarInfo("b.jpg"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (tarfile.SYMTYPE, Kind.LINK),
        (tarfile.LNKTYPE, Kind.LINK),
        (tarfile.DIRTYPE, Kind.FOLDER),
        (tarfile.CHRTYPE, Kind.DEVICE),
        (tarfile.BLKTYPE, Kind.DEVICE),
        (tarfile.FIFOTYPE, Kind.DEVICE),
        (b"Q", Kind.OTHER),
    ],
)
def test_what_is_no_file_is_told(kind: bytes, seen: Kind) -> None:
    assert [(entry, data) for _, entry, data in read(of_kind(kind))] == [(seen, None), (Kind.FILE, b"")]


def test_a_link_that_claims_a_size_has_no_data() -> None:
    data = changed(of_kind(tarfile.LNKTYPE), 124, b"%011o\0" % 4096)
    assert [name for name, _, _ in read(data)] == ["a.jpg", "b.jpg"]


def test_sparse_files_are_not_read() -> None:
    data = changed(tar_of([("a.jpg", bytes(600)), ("b.jpg", b"b")]), 156, b"S")
    assert read(data) == [("a.jpg", Kind.SPARSE, None), ("b.jpg", Kind.FILE, b"b")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.jpg")
        info.size, info.pax_headers = 600, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        tar.addfile(info, io.BytesIO(bytes(600)))
    assert read(buffer.getvalue()) == [("a.jpg", Kind.SPARSE, None)]


def test_large_sizes_in_base_256_and_pax() -> None:
    data = tar_of([("a.jpg", b"x" * 700)])
    assert read(changed(data, 124, b"\x80" + (700).to_bytes(11, "big"))) == [("a.jpg", Kind.FILE, b"x" * 700)]
    with pytest.raises(BrokenTar, match=r"member 'a\.jpg' has 9000000000000 bytes, 9728 are there; fetch"):
        read(changed(data, 124, b"\x80" + (9 * 10**12).to_bytes(11, "big")))
    with pytest.raises(BrokenTar, match="no number"):
        read(changed(data, 124, b"\xff" * 12))


def test_more_bytes_than_asked_for_are_not_read() -> None:
    data = tar_of([("a.jpg", bytes(5000)), ("b.jpg", b"b")])
    assert read(data, maximum=4999) == [("a.jpg", Kind.FILE, None), ("b.jpg", Kind.FILE, b"b")]


@pytest.mark.parametrize(
    ("keep", "words"), [(0, "closing zeros"), (100, "cut short: 100 bytes"), (700, "188 are there")]
)
def test_a_tar_cut_short_is_named(keep: int, words: str) -> None:
    data = tar_of([("a.jpg", b"a" * 3000), ("b.jpg", b"b" * 3000)])
    second = as_tarfile_reads(data)[1][1] - BLOCK
    with pytest.raises(BrokenTar, match=f"t at byte .*{words}.*fetch the archive again"):
        read(data[: second + keep])


def test_a_damaged_header_is_no_end() -> None:
    data = bytearray(tar_of([("a.jpg", b"a"), ("b.jpg", b"b")]))
    data[1024 + 3] ^= 1
    with pytest.raises(BrokenTar, match="t at byte 1024: damaged: no member begins here"):
        read(bytes(data))
    with pytest.raises(BrokenTar, match="t at byte 0: damaged"):
        read(b"<html>" * 500)


def test_what_stands_behind_the_end_is_told() -> None:
    told, data = list[str](), tar_of([("a.jpg", b"a")])
    reader = StreamReader(iter([data + b"junk" * 1000]), 0, lambda at: f"byte {at}")
    assert len(list(members(reader, garbage=told.append))) == 1
    assert told == ["byte 1536: bytes behind the archive's end mark, ignored"]
    with pytest.raises(BrokenTar, match="t at byte 10240: another archive begins behind"):
        read(data + tar_of([("b.jpg", b"b")]))


@pytest.mark.parametrize("records", [b"9999 path=a\n", b"path=a\n", b"12 path=abcd", b"0 a=b\n", b"3 a=\n"])
def test_damaged_pax_records_are_named(records: bytes) -> None:
    data = changed(tar_of([("p", records), ("a.jpg", b"a")]), 156, b"x")
    with pytest.raises(BrokenTar, match="damaged pax records"):
        read(data)


def test_pax_records_that_would_be_lost_or_never_end_are_refused() -> None:
    with pytest.raises(BrokenTar, match="a global pax header sets path"):
        read(changed(tar_of([("p", b"11 path=ab\n")]), 156, b"g"))
    with pytest.raises(BrokenTar, match="200000 bytes of a member's name"):
        read(changed(tar_of([("p", bytes(200_000)), ("a", b"")]), 156, b"L"))
    with pytest.raises(BrokenTar, match="a pax size that is no number"):
        read(changed(tar_of([("p", b"11 size=-1\n"), ("a", b"")]), 156, b"x"))


def test_a_long_name_without_its_member_is_an_error() -> None:
    data = tar_of([("d/" * 90, b""), ("n" * 150, b"")])[: 3 * BLOCK]
    with pytest.raises(BrokenTar):
        read(data[: 2 * BLOCK] + bytes(2 * BLOCK))


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    data = changed(tar_of([("a.jpg", b"a")]), 0, b"\xff.jpg\0")
    assert read(data)[0][0] == "\udcff.jpg"


@given(st.binary(max_size=3000))
def test_any_bytes_end_in_members_or_a_name(noise: bytes) -> None:
    data = tar_of([("a.jpg", b"a" * 600)])
    for hostile in (noise, data[:1536] + noise, changed(data, 0, noise[:500])):
        try:
            read(hostile)
        except BrokenTar as problem:
            assert "t at byte" in str(problem)
