"""Compressed indices find nearly all that the exact one does, in less room, and say how much they miss."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import faiss
import numpy as np
import pytest
from toy_gallery import STAMP, brute_force, clustered, in_blocks, made, vectors

from g3lib.experiments.indexing import IndexKind, IndexSettings
from g3lib.gallery import (
    BadVectors,
    DamagedIndex,
    GalleryTooSmall,
    Index,
    Vectors,
    build,
    open_index,
    similar_and_dissimilar,
)
from g3lib.gallery.card import read_card
from g3lib.gallery.index import CodedIndex

COMPRESSED = [kind for kind in get_args(IndexKind) if kind != "exact"]
GALLERY, QUERIES = clustered(6000, 1), clustered(40, 2)
DEPTH = 20


@pytest.fixture(scope="module")
def indices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Index]:
    folder = tmp_path_factory.mktemp("indices")
    return {kind: made(folder / kind, GALLERY, kind, reranked=200) for kind in COMPRESSED}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_nearly_all_is_found_similar_and_dissimilar(indices: dict[str, Index], kind: str) -> None:
    card = indices[kind].card
    assert (card.kind, card.rows, card.width) == (kind, 6000, 96)
    found = similar_and_dissimilar(indices[kind], QUERIES, DEPTH)
    for name, sign in (("similar", 1), ("dissimilar", -1)):
        expected, order = brute_force(GALLERY, sign * QUERIES, DEPTH)
        similarity, rows = found[name]
        shared = np.mean([np.isin(a, b).mean() for a, b in zip(order, rows, strict=True)])
        assert shared > 0.85
        assert abs(shared - getattr(card, f"recall_{name}")) < 0.1
        assert np.abs(similarity - sign * expected).max() < 0.05
        assert (np.diff(sign * similarity, axis=1) <= 0).all()


@pytest.mark.parametrize("kind", COMPRESSED)
def test_the_card_counts_every_byte(indices: dict[str, Index], kind: str) -> None:
    index = indices[kind]
    files = {path.name: path.stat().st_size for path in index.folder.iterdir() if path.name != "index.json"}
    assert index.card.files == files
    assert index.card.bytes_per_photo == sum(files.values()) / 6000
    room = 1.5 if kind == "hnsw" else 0.5  # its graph takes as much of a narrow gallery as of a wide one
    assert index.card.bytes_per_photo < 96 * 4 * room


def test_recall_is_measured_against_the_exact_answers_without_the_query_itself(tmp_path: Path) -> None:
    """A gallery of exact pairs: only without its own row does a query's nearest neighbour count."""
    report = build(in_blocks(GALLERY), tmp_path, IndexSettings(kind="scalar"), STAMP)
    card = report.card
    assert 0.85 < card.recall_similar <= 1 and 0.85 < card.recall_dissimilar <= 1
    assert report.queries_per_second > 0 and report.seconds > 0
    assert card.stamp == STAMP and card.parameters == {}


@pytest.mark.parametrize("kind", ["scalar", "product", "ivf"])
def test_the_same_gallery_gives_the_same_bytes(
    indices: dict[str, Index], tmp_path: Path, kind: IndexKind
) -> None:
    made(tmp_path, GALLERY, kind, reranked=200)
    for path in indices[kind].folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_lists_and_probes_follow_the_size_or_the_settings(indices: dict[str, Index], tmp_path: Path) -> None:
    card = indices["ivf"].card
    assert card.parameters == {"kept": 64, "coarse": 64, "lists": 155, "probes": 78, "reranked": 200}
    given = made(tmp_path, GALLERY, "ivf", lists=30, probes=100)
    assert given.card.parameters["lists"] == given.card.parameters["probes"] == 30


def test_few_probes_find_less_but_never_too_few(indices: dict[str, Index], tmp_path: Path) -> None:
    hasty = made(tmp_path, GALLERY, "ivf", lists=155, probes=1)
    assert hasty.card.recall_dissimilar < indices["ivf"].card.recall_dissimilar
    similarity, rows = hasty.search(QUERIES, 100)  # a list holds some 40
    assert (rows >= 0).all() and np.isfinite(similarity).all()
    assert all(len(set(each)) == 100 for each in rows.tolist())


@pytest.mark.parametrize("kind", COMPRESSED)
def test_the_whole_gallery_can_be_asked_for(indices: dict[str, Index], kind: str) -> None:
    similarity, rows = indices[kind].search(QUERIES[:2], 6000)
    assert (np.sort(rows) == np.arange(6000)).all() and (np.diff(similarity) <= 0).all()


@pytest.mark.parametrize("kind", COMPRESSED)
def test_narrow_vectors_can_be_compressed(tmp_path: Path, kind: IndexKind) -> None:
    index = made(tmp_path, vectors(1500, 0, width=5), kind)
    assert index.card.recall_similar > 0.7
    assert index.search(vectors(3, 1, width=5), 4)[1].shape == (3, 4)


def test_dimensions_that_do_not_vary_do_no_harm(tmp_path: Path) -> None:
    gallery = np.concatenate([GALLERY, np.zeros_like(GALLERY), np.ones_like(GALLERY)], axis=1)
    for kind in ("scalar", "ivf"):
        assert made(tmp_path / kind, gallery, kind).card.recall_similar > 0.85  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", COMPRESSED)
def test_too_small_a_gallery_is_refused(tmp_path: Path, kind: IndexKind) -> None:
    with pytest.raises(
        GalleryTooSmall, match=r"999 photos are too few to compress by kind .* use kind 'exact'"
    ):
        made(tmp_path, GALLERY[:999], kind)
    assert list(tmp_path.iterdir()) == []
    assert made(tmp_path, GALLERY[:1000], kind).card.rows == 1000


def test_vectors_that_change_between_passes_are_refused(tmp_path: Path) -> None:
    sizes = iter((2000, 1999))

    def blocks() -> Iterator[Vectors]:
        yield GALLERY[: next(sizes)]

    with pytest.raises(BadVectors, match="had 2000 vectors at first and 1999 when asked again"):
        build(blocks, tmp_path, IndexSettings(kind="ivf"), STAMP)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_replaces_all_files_of_the_former(tmp_path: Path) -> None:
    made(tmp_path, GALLERY, "ivf")
    made(tmp_path, GALLERY, "exact")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.json", "vectors.npy"]


def test_a_gpu_compares_all_codes(indices: dict[str, Index]) -> None:
    there = open_index(indices["ivf"].folder, "cpu:0")  # what torch calls the processor, here for the GPU
    assert isinstance(there, CodedIndex)
    shared = indices["ivf"].search(QUERIES, DEPTH)[1] == there.search(QUERIES, DEPTH)[1]
    assert shared.mean() > 0.8


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, GALLERY, "ivf").folder
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in read_card(folder).files:
        (folder / name).write_bytes(bytes(len(whole[name])))
        with pytest.raises(DamagedIndex, match=f"{name} cannot be read"):
            open_index(folder)
        (folder / name).write_bytes(whole[name])
    facts = json.loads(whole["index.json"])
    facts["parameters"]["kept"] = "all"
    (folder / "index.json").write_text(json.dumps(facts))
    with pytest.raises(DamagedIndex, match="its card's parameters are"):
        open_index(folder)


def test_a_coarse_index_of_another_gallery_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, GALLERY, "ivf").folder
    faiss.write_index(faiss.IndexFlatIP(3), str(folder / "coarse.faiss"))
    facts = json.loads((folder / "index.json").read_text())
    facts["files"]["coarse.faiss"] = (folder / "coarse.faiss").stat().st_size
    (folder / "index.json").write_text(json.dumps(facts))
    with pytest.raises(DamagedIndex, match="holds 0 vectors of 3, its card says 6000 of 64"):
        open_index(folder)
