"""Shards without an index: together they hold every member once, or the seams say where not."""

import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tars import Found, cut, found_in, shard, tar_of

from g3lib.images.archives.seams import (
    ByteRange,
    Disagreement,
    bounds,
    disagreements,
    end_of,
    first_header,
    origin_of,
    place_of,
    seams_agree,
)
from g3lib.images.archives.slices import Slices
from g3lib.images.archives.tar_headers import BLOCK

SIZES = st.sampled_from([0, 1, 511, 512, 513, 3000, 40_000])


def nested(number: int) -> bytes:
    """A tar as a member's data: its headers look like those of the tar around it."""
    return tar_of([(f"inner{index}.jpg", b"i" * (100 * index)) for index in range(number)])


def made_exact(data: Slices, shards: int) -> list[Found]:
    """All shards, those with an open seam made again from where they must begin."""
    made = [shard(data, shards, index) for index in range(shards)]
    for _ in range(shards):
        open_seams = disagreements([each for each, _ in made], data.size)
        if not open_seams:
            break
        index = open_seams[0].shard
        made[index] = shard(data, shards, index, open_seams[0].expected)
    assert seams_agree([each for each, _ in made], data.size)
    return [found for _, members in made for found in members]


def named(files: list[tuple[int, int]]) -> list[tuple[str, bytes]]:
    """Members by size; negative sizes are nested tars, and every fifth name is long."""
    return [
        (
            f"{'d/' * 80 if number % 5 == 4 else ''}{number}.jpg",
            nested(inner) if inner else bytes([65]) * size,
        )
        for number, (size, inner) in enumerate(files)
    ]


@settings(max_examples=20)
@given(
    st.lists(st.tuples(SIZES, st.sampled_from([0, 0, 0, 3, 20])), min_size=1, max_size=12),
    st.integers(1, 12),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.data(),
)
def test_all_shards_together_are_the_tar(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[int, int]],
    shards: int,
    form: int,
    draw: st.DataObject,
) -> None:
    data = tar_of(named(files), form)
    places = draw.draw(st.lists(st.integers(0, len(data)), max_size=4))
    with Slices.of_files(*cut(data, tmp_path_factory.mktemp("slices"), places)) as slices:
        assert made_exact(slices, shards) == found_in(slices)


@pytest.mark.parametrize("shards", [1, 2, 7, 50])
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_plain_photos_agree_at_once_wherever_long_names_fall(tmp_path: Path, shards: int, form: int) -> None:
    data = tar_of(named([(size % 9000, 0) for size in range(0, 200_000, 1777)]), form)
    with Slices.of_files(*cut(data, tmp_path)) as slices:
        made = [shard(slices, shards, index) for index in range(shards)]
        assert seams_agree([each for each, _ in made], slices.size)
        assert [found for _, members in made for found in members] == found_in(slices)


def test_members_beyond_a_shard_leave_empty_shards(tmp_path: Path) -> None:
    data = tar_of([("a.jpg", b"a"), ("b.jpg", b"b" * 200_000), ("c.jpg", b"c")])
    with Slices.of_files(*cut(data, tmp_path)) as slices:
        made = [shard(slices, 10, index) for index in range(10)]
        assert [len(members) for _, members in made] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        assert seams_agree([each for each, _ in made], slices.size)


def test_a_nested_tars_end_is_not_the_archives(tmp_path: Path) -> None:
    data = tar_of([("a.jpg", b"a" * 5000), ("b.tar", nested(5)), ("c.jpg", b"c" * 5000)])
    with Slices.of_files(*cut(data, tmp_path)) as slices:
        (_, b, c) = [member for member, _ in found_in(slices)]
        assert first_header(slices, b.header + BLOCK, slices.size) in (None, c.header)


def test_a_nested_tar_that_deceives_is_found_out_and_mended(tmp_path: Path) -> None:
    inner = tar_of([(f"i{number}.jpg", b"i" * 3000) for number in range(200)])  # more than a chain asks for
    data = tar_of(
        [("a.jpg", b"a" * 300_000), ("b.tar", inner), *[(f"{n}.jpg", b"n" * 3000) for n in range(60)]]
    )
    with Slices.of_files(*cut(data, tmp_path)) as slices:
        ranges = [shard(slices, 2, index)[0] for index in range(2)]
        assert not seams_agree(ranges, slices.size)
        assert made_exact(slices, 2) == found_in(slices)


def test_open_seams_are_told_with_what_must_be() -> None:
    whole = [ByteRange(0, 4096), ByteRange(4096, 10_240, True)]
    assert seams_agree(whole, 10_240)
    assert disagreements([ByteRange(0, 6144), whole[1]], 10_240) == [Disagreement(1, 6144, 4096)]
    assert disagreements([whole[0], ByteRange(None, None)], 10_240) == [Disagreement(1, 4096, None)]
    assert disagreements([whole[0], ByteRange(4096, 9000)], 10_240) == [Disagreement(2, 9000, None)]
    assert disagreements([ByteRange(0, 4096, True), whole[1]], 10_240)  # a second archive behind the first
    assert disagreements([ByteRange(512, 6144), ByteRange(6144, 9000, True)], 10_240)[0].expected == 0


def test_origins_tell_places() -> None:
    origin = origin_of("images/a@3+4.jpg", 1024, 513)
    assert origin == "images/a@3+4.jpg@1024+513"
    assert place_of(origin) == (1024, 513)
    assert end_of([origin, origin_of("b", 512, 0)]) == 2048
    assert end_of([]) is None


@given(st.integers(0, 10**12), st.integers(1, 5000))
def test_bounds_cover_the_archive(total: int, shards: int) -> None:
    assert bounds(total, shards, 0)[0] == 0
    assert bounds(total, shards, shards - 1)[1] >= total
    assert all(edge % BLOCK == 0 for edge in bounds(total, shards, 1))
