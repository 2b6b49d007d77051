"""The exact index returns what a brute-force search would, or says what is wrong."""

import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_gallery import STAMP, brute_force, in_blocks, made, vectors

from g3lib.experiments.indexing import IndexSettings
from g3lib.gallery import (
    BadQueries,
    BadVectors,
    DamagedIndex,
    EmptyGallery,
    GalleryTooSmall,
    Index,
    StampMismatch,
    Vectors,
    build,
    open_index,
    similar_and_dissimilar,
)
from g3lib.gallery.scanning import scan

DEPTH = 7
EXACT = IndexSettings()
GALLERY, QUERIES = vectors(60, 0), vectors(5, 1)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    report = build(lambda: [GALLERY[:20], GALLERY[20:20], GALLERY[20:]], tmp_path / "index", EXACT, STAMP)
    card = report.card
    assert (card.kind, card.rows, card.width, card.recall_similar) == ("exact", 60, 16, 1.0)
    assert 64 <= card.bytes_per_photo < 70 and report.queries_per_second > 0 < report.seconds
    return open_index(tmp_path / "index")


def test_similar_and_dissimilar_are_those_of_brute_force(index: Index) -> None:
    found = similar_and_dissimilar(index, QUERIES, DEPTH)
    for kind, sign in (("similar", 1), ("dissimilar", -1)):
        similarity, rows = found[kind]
        expected, order = brute_force(GALLERY, sign * QUERIES, DEPTH)
        assert rows.tolist() == order.tolist()
        assert similarity == pytest.approx(sign * expected, abs=1e-6)
        assert similarity.dtype == np.float32 and rows.dtype == np.int64


def test_answers_are_those_of_faiss_in_its_order(tmp_path: Path) -> None:
    gallery, queries = vectors(40_000, 2, width=24), vectors(300, 3, width=24)
    flat = faiss.IndexFlatIP(24)
    flat.add(gallery)
    similarity, rows = made(tmp_path, gallery).search(queries, 50)
    expected, order = flat.search(queries, 50)
    assert np.array_equal(rows, order)
    assert np.allclose(similarity, expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_torch_on_a_device_finds_the_same() -> None:
    gallery, queries, depth = vectors(70_000, 2, width=8), vectors(20, 3, width=8), 9
    excluded = [np.arange(query, 70_000, 3) for query in range(20)]

    def block(start: int, stop: int) -> Vectors:
        return gallery[start:stop]

    for left_out in (None, excluded):
        here = scan(block, 70_000, queries, depth, left_out, "cpu")
        there = scan(block, 70_000, queries, depth, left_out, "cpu:0")  # torch's other name of it
        assert np.array_equal(here[1], there[1]) and np.allclose(here[0], there[0], atol=1e-6)


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 6), st.integers(1, 60), st.integers(0, 1000), st.integers(1, 3))
def test_among_equals_the_lower_row_comes_first(
    count: int, queries: int, depth: int, seed: int, values: int
) -> None:
    numbers = np.random.default_rng(seed)
    gallery = numbers.integers(-values, values, (count, 3), endpoint=True).astype(np.float32)
    asked = numbers.integers(-values, values, (queries, 3), endpoint=True).astype(np.float32)
    depth = min(depth, count)
    similarity, rows = scan(lambda start, stop: gallery[start:stop], count, asked, depth, None, "cpu")
    expected, order = brute_force(gallery, asked, depth)
    assert rows.tolist() == order.tolist() and similarity.tolist() == expected.tolist()


def test_many_equal_vectors_over_many_blocks(tmp_path: Path) -> None:
    gallery = np.repeat(vectors(1, 0), 20_000, axis=0)
    gallery[12_345] *= 2
    _, rows = made(tmp_path, gallery).search(gallery[:3], 5)
    assert rows.tolist() == [[12_345, 0, 1, 2, 3]] * 3


def test_as_deep_as_the_gallery_the_two_kinds_are_each_others_reverse(index: Index) -> None:
    found = similar_and_dissimilar(index, QUERIES, 60)
    (_, similar), (_, dissimilar) = found["similar"], found["dissimilar"]
    assert (similar == dissimilar[:, ::-1]).all()
    assert (np.sort(similar) == np.arange(60)).all()


def test_no_queries_and_no_depth_give_no_answers(index: Index) -> None:
    for queries, depth in ((QUERIES[:0], DEPTH), (QUERIES, 0), (QUERIES[:0], 0)):
        similarity, rows = index.search(queries, depth)
        assert similarity.shape == rows.shape == (len(queries), depth)


def test_a_gallery_smaller_than_the_depth_is_refused(index: Index) -> None:
    with pytest.raises(GalleryTooSmall, match="61 references per query asked of 60 gallery photos; lower"):
        index.search(QUERIES, 61)


def test_widths_must_agree(index: Index, tmp_path: Path) -> None:
    with pytest.raises(BadQueries, match=r"queries are 8 wide, the index holds vectors of 16; embed"):
        index.search(vectors(2, 0, width=8), 1)
    with pytest.raises(BadQueries, match="1-dimensional"):
        index.search(QUERIES[0], 1)
    with pytest.raises(BadVectors, match="block 1 is 8 wide, the others 16"):
        build(lambda: [GALLERY, vectors(2, 0, width=8)], tmp_path / "other", EXACT, STAMP)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(index: Index, tmp_path: Path, bad: float) -> None:
    damaged = GALLERY.copy()
    damaged[[3, 9], 2] = bad
    with pytest.raises(BadVectors, match="block 1: 2 vectors are not finite, first row 3"):
        build(lambda: [GALLERY, damaged], tmp_path / "other", EXACT, STAMP)
    assert list((tmp_path / "other").iterdir()) == []
    with pytest.raises(BadQueries, match="2 of 60 queries are not finite, first row 3"):
        index.search(damaged, 1)


def test_a_late_row_of_a_long_block_is_named_by_its_place_in_the_block(tmp_path: Path) -> None:
    block = vectors(9000, 0)
    block[8500, 0] = np.nan
    with pytest.raises(BadVectors, match="block 0: 1 vectors are not finite, first row 8500"):
        build(lambda: [block], tmp_path, EXACT, STAMP)


@pytest.mark.parametrize("blocks", [[], [GALLERY[:0]], [GALLERY[:0], GALLERY[:0]]])
def test_a_gallery_without_photos_is_refused(tmp_path: Path, blocks: list[Vectors]) -> None:
    with pytest.raises(EmptyGallery, match="the gallery has no photos"):
        build(lambda: blocks, tmp_path / "index", EXACT, STAMP)
    assert list((tmp_path / "index").iterdir()) == []


def test_what_fails_leaves_the_index_that_was_there(index: Index) -> None:
    with pytest.raises(EmptyGallery):
        build(list, index.folder, EXACT, STAMP)
    assert open_index(index.folder).card == index.card


def test_float16_blocks_and_transposed_ones_are_taken(index: Index, tmp_path: Path) -> None:
    half = np.asfortranarray(GALLERY).astype(np.float16)
    build(lambda: [half], tmp_path / "half", EXACT, STAMP)  # type: ignore[list-item]
    _, rows = open_index(tmp_path / "half").search(np.asfortranarray(QUERIES), 1)
    assert rows.tolist() == index.search(QUERIES, 1)[1].tolist()


def test_the_same_gallery_gives_the_same_bytes(index: Index, tmp_path: Path) -> None:
    build(in_blocks(GALLERY, 7), tmp_path / "again", EXACT, STAMP)
    for path in index.folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_anybody_can_read_the_vectors(index: Index) -> None:
    assert np.array_equal(np.load(index.folder / "vectors.npy"), GALLERY)


def test_queries_of_another_encoder_are_refused(index: Index) -> None:
    index.check(dict(STAMP))
    with pytest.raises(
        StampMismatch, match=r"encoder is 'other' of the queries, 'toy' of the gallery; embed"
    ):
        index.check(STAMP | {"encoder": "other"})
    with pytest.raises(StampMismatch, match="alignment is 'v1' of the queries, None of the gallery"):
        index.check(STAMP | {"alignment": "v1"})
    with pytest.raises(StampMismatch, match="weights is None of the queries"):
        index.check({"encoder": "toy"})


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedIndex, match=r"no index\.json in it, so no index of ours; build it again"):
        open_index(tmp_path)
    with pytest.raises(DamagedIndex, match="no index of ours"):
        open_index(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (b"{", "cannot be read"),
        (b"[]", "is no card of an index"),
        (b"{}", "is no card of an index"),
        ({"kind": "magic"}, "describes no index we know"),
        ({"rows": "many"}, "describes no index we know"),
        ({"rows": 61}, "its card says float32 of"),
        ({"width": 8}, "its card says float32 of"),
        ({"files": {"../secret": 1}}, "names files outside its folder"),
        ({"files": {"vectors.npy": 1}}, "has 3,968 bytes instead of 1"),
        ({"files": {"gone.npy": 1}}, "is not there"),
        ({"files": []}, "no table"),
    ],
)
def test_a_damaged_card_is_refused(index: Index, change: bytes | dict[str, object], message: str) -> None:
    path = index.folder / "index.json"
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text()) | change).encode()
    path.write_bytes(change)
    with pytest.raises(DamagedIndex, match=message):
        open_index(index.folder)


def test_vectors_cut_short_or_of_another_make_are_refused(index: Index) -> None:
    path = index.folder / "vectors.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedIndex, match="instead of 3,968; build"):
        open_index(index.folder)
    path.write_bytes(bytes(len(whole)))
    with pytest.raises(DamagedIndex, match="cannot be read"):
        open_index(index.folder)
