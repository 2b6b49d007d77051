"""The index returns exactly what a brute-force search would, or says what is wrong."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from g3lib.gallery import REFERENCES, GalleryTooSmall, Vectors, build_index, references, search

DEPTH = 7


def vectors(count: int, seed: int, width: int = 16) -> Vectors:
    found = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


GALLERY, QUERIES = vectors(60, 0), vectors(5, 1)
PHOTOS = pl.DataFrame(
    {
        "dataset": "toy",
        "photo_id": [f"g{i}" for i in range(60)],
        "author": [None, *(f"a{i}" for i in range(59))],
        "lat": np.arange(60.0),
        "lon": -np.arange(60.0),
    }
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.faiss"
    assert build_index([GALLERY[:20], GALLERY[20:20], GALLERY[20:]], path) == 60
    return path


def test_similar_and_dissimilar_are_those_of_brute_force(index: Path) -> None:
    products = QUERIES.astype(np.float64) @ GALLERY.astype(np.float64).T
    order = np.argsort(products, axis=1)
    found = search(index, QUERIES, DEPTH)
    for kind, expected in (("similar", order[:, ::-1][:, :DEPTH]), ("dissimilar", order[:, :DEPTH])):
        similarity, rows = found[kind]
        assert rows.tolist() == expected.tolist()
        assert similarity == pytest.approx(np.take_along_axis(products, expected, axis=1), abs=1e-6)


def test_as_deep_as_the_gallery_the_two_kinds_are_each_others_reverse(index: Path) -> None:
    found = search(index, QUERIES, 60)
    (_, similar), (_, dissimilar) = found["similar"], found["dissimilar"]
    assert (similar == dissimilar[:, ::-1]).all()
    assert (np.sort(similar) == np.arange(60)).all()


def test_references_carry_the_identity_of_their_photo(index: Path) -> None:
    ids = pl.Series(["q0", "q1", "q2", "q3", "q4"])
    table = references(index, PHOTOS, ids, QUERIES, DEPTH)
    assert table.schema == REFERENCES and table.height == 2 * 5 * DEPTH
    assert table["rank"].to_list() == [*range(DEPTH)] * 10
    found = search(index, QUERIES, DEPTH)
    for kind, (similarity, rows) in found.items():
        of_third = table.filter(kind=kind, photo_id="q2")
        assert of_third["reference_id"].to_list() == [f"g{row}" for row in rows[2]]
        assert of_third["lat"].to_list() == rows[2].astype(float).tolist()
        assert of_third["lon"].to_list() == (-rows[2].astype(float)).tolist()
        assert of_third["similarity"].to_list() == similarity[2].tolist()
        assert set(of_third["reference_dataset"]) == {"toy"}


def test_no_queries_give_no_references_but_the_same_columns(index: Path) -> None:
    table = references(index, PHOTOS, pl.Series([], dtype=pl.String), QUERIES[:0], DEPTH)
    assert table.schema == REFERENCES and table.is_empty()


def test_a_gallery_smaller_than_the_depth_is_refused(index: Path) -> None:
    with pytest.raises(GalleryTooSmall, match="61 references per query asked of 60 gallery photos; lower"):
        search(index, QUERIES, 61)


def test_widths_must_agree(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"queries are 8 wide, .*index\.faiss holds vectors of 16"):
        search(index, vectors(2, 0, width=8), 1)
    with pytest.raises(ValueError, match="block 1 is 8 wide, the others 16"):
        build_index([GALLERY, vectors(2, 0, width=8)], tmp_path / "other.faiss")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(index: Path, tmp_path: Path, bad: float) -> None:
    damaged = GALLERY.copy()
    damaged[[3, 9], 2] = bad
    with pytest.raises(ValueError, match="block 1: 2 vectors are not finite, first row 3"):
        build_index([GALLERY, damaged], tmp_path / "other.faiss")
    with pytest.raises(ValueError, match="2 of 60 queries are not finite, first row 3"):
        search(index, damaged, 1)


@pytest.mark.parametrize("blocks", [[], [GALLERY[:0]], [GALLERY[:0], GALLERY[:0]]])
def test_a_gallery_without_photos_is_refused(tmp_path: Path, blocks: list[Vectors]) -> None:
    with pytest.raises(ValueError, match="the gallery has no photos"):
        build_index(blocks, tmp_path / "index.faiss")
    assert not (tmp_path / "index.faiss").exists()


def test_float16_blocks_and_transposed_ones_are_taken(index: Path, tmp_path: Path) -> None:
    fortran = np.asfortranarray(GALLERY)
    build_index([fortran.astype(np.float16)], tmp_path / "half.faiss")  # type: ignore[list-item]
    _, rows = search(tmp_path / "half.faiss", np.asfortranarray(QUERIES), 1)["similar"]
    assert rows.tolist() == search(index, QUERIES, 1)["similar"][1].tolist()
