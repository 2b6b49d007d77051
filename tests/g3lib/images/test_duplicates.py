"""The same picture twice: no pair is missed, and thousands of flat pictures do not fill the disk."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.images.duplicates import (
    DUPLICATES,
    OVERLAP,
    PHOTOS,
    author_overlap,
    duplicates,
    leaked,
    pairs_within,
    same_pictures,
)

hashes = st.integers(0, 2**64 - 1)
flips = st.lists(st.integers(0, 63), max_size=6)


@st.composite
def families(draw: st.DrawFn) -> list[int]:
    """Hashes with near relatives among them, and equal ones."""
    parents = draw(st.lists(hashes, min_size=1, max_size=5))
    children = draw(st.lists(st.tuples(st.sampled_from(parents), flips), max_size=25))
    for parent, bits in children:
        for bit in bits:
            parent ^= 1 << bit
        parents.append(parent)
    return parents


def brute_force(values: list[int], maximum: int) -> set[tuple[int, int, int]]:
    pairs = combinations(range(len(values)), 2)
    far = ((i, j, (values[i] ^ values[j]).bit_count()) for i, j in pairs)
    return {each for each in far if each[2] <= maximum}


@settings(max_examples=150, deadline=None)
@given(families(), st.integers(0, 8))
def test_every_pair_is_found_once(values: list[int], maximum: int) -> None:
    values = list(dict.fromkeys(values))
    found = pairs_within(np.array(values, np.uint64), maximum)
    listed = list(zip(*(column.tolist() for column in found), strict=True))
    assert len(listed) == len(set(listed))
    assert set(listed) == brute_force(values, maximum)


def test_dense_hashes_are_all_compared() -> None:
    values = sorted({sum(1 << bit for bit in bits) for bits in combinations(range(12), 3)} | {0})
    found = pairs_within(np.array(values, np.uint64), 3)
    assert len(found.first) == len(brute_force(values, 3))


@settings(max_examples=100, deadline=None)
@given(families(), families(), st.integers(0, 4))
def test_every_twin_of_a_query_is_found(held: list[int], asked: list[int], maximum: int) -> None:
    """By the eye if both have a hash, by bytes in any case."""

    def frame(values: list[int], prefix: str) -> pl.DataFrame:
        digests = [f"shared {value}" if value % 5 == 0 else f"{prefix} {value}" for value in values]
        known = [None if value % 7 == 0 else value for value in values]
        return pl.DataFrame({"sha256": digests, "dhash": pl.Series(known, dtype=pl.UInt64)})

    asked = [*asked, *held[:2]]
    gallery, queries = frame(held, "gallery"), frame(asked, "query")
    expected = [
        [
            row
            for row, other in enumerate(held)
            if (value % 7 and other % 7 and (value ^ other).bit_count() <= maximum)
            or (value % 5 == 0 and value == other)
        ]
        for value in asked
    ]
    assert [each.tolist() for each in same_pictures(gallery, queries, maximum)] == expected


def test_twins_of_nothing() -> None:
    nothing = pl.DataFrame(schema={"sha256": pl.String, "dhash": pl.UInt64})
    one = pl.DataFrame({"sha256": ["a"], "dhash": pl.Series([1], dtype=pl.UInt64)})
    assert [each.tolist() for each in same_pictures(nothing, one)] == [[]]


@pytest.mark.parametrize("maximum", [-1, 9])
def test_a_senseless_distance_is_named(maximum: int) -> None:
    with pytest.raises(ValueError, match="0 to 8"):
        pairs_within(np.array([1, 2], np.uint64), maximum)


def photos(*rows: tuple[str, str, str, int], author: str = "unknown") -> pl.DataFrame:
    """Of dataset, id, digest and hash; datasets named `q…` are benchmarks."""
    return pl.DataFrame(
        [
            (name, "benchmark" if name[0] == "q" else "gallery", photo, author, sha, dhash)
            for name, photo, sha, dhash in rows
        ],
        schema=PHOTOS,
        orient="row",
    )


def links(found: pl.DataFrame) -> list[tuple[str, int, str, str]]:
    assert found.schema == DUPLICATES
    return [(kind, distance, f"{d}/{p}", f"{od}/{op}") for kind, distance, d, p, od, op in found.iter_rows()]


def test_exact_and_near_duplicates_name_the_earlier_photo() -> None:
    table = photos(
        ("g", "a", "s1", 0b0000),
        ("g", "b", "s2", 0b0111),
        ("q", "c", "s1", 0b0000),  # a's bytes
        ("q", "d", "s3", 0b0000),  # a's hash
        ("q", "e", "s4", 2**63),
        ("h", "f", "s5", 2**64 - 1),
    )
    assert links(duplicates(table)) == [
        ("near", 3, "g/b", "g/a"),
        ("exact", 0, "q/c", "g/a"),
        ("near", 0, "q/d", "g/a"),
        ("near", 1, "q/e", "g/a"),
    ]
    assert links(duplicates(table, 0)) == [("exact", 0, "q/c", "g/a"), ("near", 0, "q/d", "g/a")]


@settings(max_examples=60, deadline=None)
@given(families(), st.integers(0, 4), st.data())
def test_whoever_looks_like_another_is_linked_to_its_family(
    values: list[int], maximum: int, data: st.DataObject
) -> None:
    """Each photo's chain of links ends where brute force says that a neighbour is."""
    digests = [f"{value}-{data.draw(st.integers(0, 1))}" for value in values]
    table = photos(
        *(("g", str(i), digest, value) for i, (value, digest) in enumerate(zip(values, digests, strict=True)))
    )
    found = duplicates(table, maximum)
    parent = list(range(len(values)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for _, _, _, one, _, other in found.iter_rows():
        assert int(other) < int(one)
        parent[root(int(one))] = root(int(other))
    for i, j, _ in brute_force(values, maximum):
        assert root(i) == root(j)
    for _, distance, _, one, _, other in found.iter_rows():
        assert (values[int(one)] ^ values[int(other)]).bit_count() == distance <= maximum


def test_flat_pictures_are_linked_to_one() -> None:
    table = photos(*(("g", str(i), str(i), 0) for i in range(5_000)))
    assert duplicates(table).height == 4_999


def test_leaked_queries_name_the_nearest_photo_of_each_gallery() -> None:
    table = photos(
        ("g", "far", "s1", 0b0111),
        ("g", "near", "s2", 0b0001),
        ("g", "near-too", "s3", 0b0001),
        ("h", "same", "s4", 0b0000),
        ("h", "same-bytes", "s5", 0b0000),
        ("q", "x", "s5", 0b0000),
        ("q", "alone", "s6", 2**64 - 1),
        ("q2", "y", "s7", 0b0001),
    )
    assert links(leaked(table)) == [
        ("near", 1, "q/x", "g/near"),
        ("exact", 0, "q/x", "h/same-bytes"),
        ("near", 0, "q2/y", "g/near"),
        ("near", 1, "q2/y", "h/same"),
    ]
    assert links(leaked(table, 0)) == [("exact", 0, "q/x", "h/same-bytes"), ("near", 0, "q2/y", "g/near")]


@settings(max_examples=60, deadline=None)
@given(families(), families(), st.integers(0, 4))
def test_no_leaked_query_is_missed(gallery: list[int], queries: list[int], maximum: int) -> None:
    queries = [*queries, *gallery[::2]]
    table = photos(
        *(("g", str(i), f"g{i}", value) for i, value in enumerate(gallery)),
        *(("q", str(i), f"q{i}", value) for i, value in enumerate(queries)),
    )
    nearest = {str(i): min((value ^ each).bit_count() for each in gallery) for i, value in enumerate(queries)}
    found = {row["photo_id"]: row["distance"] for row in leaked(table, maximum).iter_rows(named=True)}
    assert found == {name: distance for name, distance in nearest.items() if distance <= maximum}


def test_no_photos_have_no_duplicates() -> None:
    empty = pl.DataFrame(schema=PHOTOS)
    assert duplicates(empty).schema == leaked(empty).schema == DUPLICATES
    assert author_overlap(empty).schema == OVERLAP


def test_photographers_in_gallery_and_benchmark() -> None:
    gallery = [("ann", 3), ("bob", 2), ("unknown", 5)]
    queries = [("ann", 2), ("cyd", 1), ("unknown", 1)]
    rows = [("g", "gallery", f"{who}{i}", who, "", 0) for who, count in gallery for i in range(count)]
    rows += [("q", "benchmark", f"{who}{i}", who, "", 0) for who, count in queries for i in range(count)]
    rows += [("empty-handed", "benchmark", "z", "zoe", "", 0)]
    found = author_overlap(pl.DataFrame(rows, schema=PHOTOS, orient="row"))
    assert found.schema == OVERLAP
    assert found.row(by_predicate=pl.col("benchmark") == "q", named=True) == {
        "gallery": "g",
        "benchmark": "q",
        "gallery_authors": 2,
        "benchmark_authors": 2,
        "authors_in_both": 1,
        "queries": 4,
        "queries_of_gallery_authors": 2,
        "share": 0.5,
        "gallery_photos": 10,
        "gallery_photos_to_go": 3,
    }
    none = found.row(by_predicate=pl.col("benchmark") == "empty-handed", named=True)
    assert (none["authors_in_both"], none["share"], none["gallery_photos_to_go"]) == (0, 0.0, 0)


def test_what_a_probe_is_trained_on_counts_like_a_gallery() -> None:
    rows = [
        ("t", "training", "t1", "ann", "same", 1),
        ("g", "gallery", "g1", "bob", "other", 0xFF00FF),
        ("q", "benchmark", "q1", "ann", "same", 1),
        ("p", "benchmark", "p1", "ann", "same", 1),
    ]
    photos = pl.DataFrame(rows, schema=PHOTOS, orient="row")
    found = leaked(photos).select("kind", "dataset", "photo_id", "other_dataset", "other_photo_id").rows()
    assert found == [("exact", "q", "q1", "t", "t1"), ("exact", "p", "p1", "t", "t1")]
    overlap = author_overlap(photos).select("gallery", "benchmark", "authors_in_both").rows()
    assert overlap == [("g", "p", 0), ("g", "q", 0), ("t", "p", 1), ("t", "q", 1)]
