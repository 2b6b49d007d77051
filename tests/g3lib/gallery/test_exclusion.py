"""What is left out is left out, and nothing else changes."""

from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_gallery import brute_force, clustered, made, vectors

from g3lib.experiments.indexing import IndexKind
from g3lib.gallery import BadExclusion, GalleryTooSmall, Index, Rows, rows_by_author, union
from g3lib.gallery.coarse import candidates
from g3lib.gallery.index import CodedIndex
from g3lib.gallery.scanning import scan

GALLERY, QUERIES = clustered(6000, 1), clustered(30, 2)
DEPTH = 20


def nearest(count: int) -> list[Rows]:
    """The hardest to leave out: each query's best answers; some queries leave out none, some thousands."""
    _, order = brute_force(GALLERY, QUERIES, count)
    wide = np.arange(0, 6000, 2)
    return [order[0][:0], wide, *order[2:]]


@pytest.fixture(scope="module")
def indices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Index]:
    folder = tmp_path_factory.mktemp("indices")
    return {kind: made(folder / kind, GALLERY, kind, reranked=100) for kind in get_args(IndexKind)}


@pytest.mark.parametrize("count", [1, 30, 1500])
def test_exactly_as_brute_force(indices: dict[str, Index], count: int) -> None:
    excluded = nearest(count)
    similarity, rows = indices["exact"].search(QUERIES, DEPTH, excluded)
    expected, order = brute_force(GALLERY, QUERIES, DEPTH, excluded)
    assert np.array_equal(rows, order) and np.allclose(similarity, expected, atol=1e-6)


@settings(max_examples=80)
@given(st.data())
def test_any_exclusion_of_any_small_gallery(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 40))
    gallery, queries = vectors(count, data.draw(st.integers(0, 99)), width=3), vectors(4, 7, width=3)
    some = st.lists(st.integers(0, count - 1), unique=True, max_size=count - 1)
    excluded = [np.array(sorted(data.draw(some)), dtype=np.int64) for _ in queries]
    depth = data.draw(st.integers(1, count - max(len(each) for each in excluded)))
    found = scan(lambda start, stop: gallery[start:stop], count, queries, depth, excluded, "cpu")
    assert found[1].tolist() == brute_force(gallery, queries, depth, excluded)[1].tolist()


@pytest.mark.parametrize("kind", get_args(IndexKind))
@pytest.mark.parametrize("count", [30, 1500])
def test_no_kind_answers_with_what_is_left_out(
    indices: dict[str, Index], kind: IndexKind, count: int
) -> None:
    excluded = nearest(count)
    similarity, rows = indices[kind].search(QUERIES, DEPTH, excluded)
    assert not any(np.isin(*pair).any() for pair in zip(rows, excluded, strict=True))
    assert all(len(set(each)) == DEPTH for each in rows.tolist()) and np.isfinite(similarity).all()
    if count > 30:
        return  # there, so many are equally near that rounding decides
    _, order = brute_force(GALLERY, QUERIES, DEPTH, excluded)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(order, rows, strict=True)]) > 0.85


@pytest.mark.parametrize("kind", ["ivf", "product"])
@pytest.mark.parametrize("count", [0, 1, 30, 1500])
def test_compressed_kinds_answer_as_if_the_rows_were_not_there(
    indices: dict[str, Index], kind: IndexKind, count: int
) -> None:
    """All that the coarse index ranks, less what is left out: the first so many are the candidates."""
    index = indices[kind]
    assert isinstance(index, CodedIndex) and index.coarse is not None
    principal = index.coder.principal(index.coder.turned(QUERIES))
    excluded = [np.unique(each) for each in nearest(count)]
    chosen = candidates(index.coarse, principal, 100, excluded)
    everything = index.coarse.search(principal, 6000)
    for query, (similarity, rows) in enumerate(zip(*everything, strict=True)):
        left = (rows >= 0) & ~np.isin(rows, excluded[query])
        order = np.lexsort((rows[left], -similarity[left]))
        assert chosen[query].tolist() == sorted(rows[left][order][:100].tolist())


@pytest.mark.parametrize("kind", get_args(IndexKind))
def test_nothing_left_out_is_no_exclusion(indices: dict[str, Index], kind: IndexKind) -> None:
    nothing = [np.empty(0, dtype=np.int64)] * len(QUERIES)
    for found, expected in zip(
        indices[kind].search(QUERIES, DEPTH, nothing), indices[kind].search(QUERIES, DEPTH), strict=True
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("kind", get_args(IndexKind))
def test_all_but_a_few_can_be_left_out(indices: dict[str, Index], kind: IndexKind) -> None:
    rest = np.array([5, 17, 4000])
    excluded = [np.setdiff1d(np.arange(6000), rest)] * len(QUERIES)
    _, rows = indices[kind].search(QUERIES, 3, excluded)
    assert (np.sort(rows) == rest).all()
    with pytest.raises(
        GalleryTooSmall, match="query 0 leaves out 5997 of 6000 gallery photos, 4 references are asked; lower"
    ):
        indices[kind].search(QUERIES, 4, excluded)


def test_exclusions_must_fit_queries_and_gallery(indices: dict[str, Index]) -> None:
    search, one = indices["exact"].search, np.array([0])
    with pytest.raises(BadExclusion, match="1 lists of rows to leave out for 30 queries"):
        search(QUERIES, 1, [one])
    for bad in ([6000], [-1, 3]):
        with pytest.raises(BadExclusion, match=r"query 1 leaves out rows .* of a gallery of 6000"):
            search(QUERIES[:2], 1, [one, np.array(bad)])


def test_unsorted_and_repeated_rows_are_taken(indices: dict[str, Index]) -> None:
    _, rows = indices["exact"].search(QUERIES[:1], 3)
    best = rows[0, [2, 0, 2]]
    _, without = indices["exact"].search(QUERIES[:1], 1, [best])
    assert without.tolist() == [[rows[0, 1]]]


def test_rows_by_author() -> None:
    gallery = pl.Series(["b", None, "a", "unknown", "a", "c", "b"])
    queries = pl.Series(["a", "nobody", None, "unknown", "b", "a"])
    found = rows_by_author(gallery, queries)
    assert [each.tolist() for each in found] == [[2, 4], [], [], [], [0, 6], [2, 4]]
    assert all(each.dtype == np.int64 for each in found)
    assert rows_by_author(gallery, queries[:0]) == []
    assert [each.tolist() for each in rows_by_author(gallery[:0], pl.Series(["a"]))] == [[]]
    nulls = pl.Series([None, None])
    assert [each.tolist() for each in rows_by_author(nulls, nulls)] == [[], []]


def test_rows_by_author_of_a_gallery_as_large_as_a_tenth_of_mp16_are_all_of_them() -> None:
    numbers = np.random.default_rng(0).integers(0, 15_000, 412_000)
    authors = pl.Series(numbers).cast(pl.String) + "@N00"
    asked = np.arange(0, 15_000, 5)
    found = rows_by_author(authors, pl.Series(asked).cast(pl.String) + "@N00")
    for author, rows in zip(asked[::300], found[::300], strict=True):
        assert rows.tolist() == np.flatnonzero(numbers == author).tolist()


def test_union() -> None:
    first, second = [np.array([1, 5]), np.array([2])], [np.array([5, 3]), np.empty(0, dtype=np.int64)]
    assert [each.tolist() for each in union(first, second)] == [[1, 3, 5], [2]]
    with pytest.raises(BadExclusion, match="exclusions of 2 and of 1 queries"):
        union(first, second[:1])


def test_a_gallery_of_one_author_has_nothing_left(tmp_path: Path) -> None:
    index = made(tmp_path, vectors(10, 0))
    excluded = rows_by_author(pl.Series(["a"] * 10), pl.Series(["a"]))
    with pytest.raises(GalleryTooSmall, match="query 0 leaves out 10 of 10"):
        index.search(vectors(1, 1), 1, excluded)
