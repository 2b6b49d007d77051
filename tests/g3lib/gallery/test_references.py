"""References carry the identity of their photo."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from toy_gallery import made, photos, vectors

from g3lib.gallery import (
    REFERENCES,
    BadQueries,
    DamagedIndex,
    GalleryTooSmall,
    Index,
    references,
    rows_by_author,
    similar_and_dissimilar,
)

DEPTH = 7
GALLERY, QUERIES, PHOTOS = vectors(60, 0), vectors(5, 1), photos(60)
IDS = pl.Series(["q0", "q1", "q2", "q3", "q4"])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return made(tmp_path, GALLERY)


def test_references_carry_the_identity_of_their_photo(index: Index) -> None:
    table = references(index, PHOTOS, IDS, QUERIES, DEPTH)
    assert table.schema == REFERENCES and table.height == 2 * 5 * DEPTH
    assert table["rank"].to_list() == [*range(DEPTH)] * 10
    for kind, (similarity, rows) in similar_and_dissimilar(index, QUERIES, DEPTH).items():
        of_third = table.filter(kind=kind, photo_id="q2")
        assert of_third["reference_id"].to_list() == [f"g{row}" for row in rows[2]]
        assert of_third["lat"].to_list() == rows[2].astype(float).tolist()
        assert of_third["lon"].to_list() == (-rows[2].astype(float)).tolist()
        assert of_third["similarity"].to_list() == similarity[2].tolist()
        assert set(of_third["reference_dataset"]) == {"toy"}


def test_no_reference_is_of_the_query_s_author(index: Index) -> None:
    best = references(index, PHOTOS, IDS, QUERIES, 1).filter(kind="similar")["reference_author"]
    excluded = rows_by_author(PHOTOS["author"], best)
    table = references(index, PHOTOS, IDS, QUERIES, DEPTH, excluded)
    asked = table.join(pl.DataFrame({"photo_id": IDS, "author": best}), on="photo_id")
    assert asked.filter(pl.col("reference_author") == pl.col("author")).is_empty()
    assert table.height == 2 * 5 * DEPTH


def test_a_query_without_features_is_noticed(index: Index) -> None:
    with pytest.raises(BadQueries, match="5 queries and features of 4 of them"):
        references(index, PHOTOS, IDS, QUERIES[:4], DEPTH)


def test_no_queries_give_no_references_but_the_same_columns(index: Index) -> None:
    table = references(index, PHOTOS, pl.Series([], dtype=pl.String), QUERIES[:0], DEPTH)
    assert table.schema == REFERENCES and table.is_empty()


def test_photos_that_are_not_the_index_s_are_refused(index: Index) -> None:
    with pytest.raises(DamagedIndex, match="holds 60 vectors, its gallery 59 photos; build it again"):
        references(index, PHOTOS[:59], IDS, QUERIES, DEPTH)
    with pytest.raises(GalleryTooSmall, match="61 references"):
        references(index, PHOTOS, IDS, QUERIES, 61)


def test_similarities_of_a_compressed_index_are_those_of_its_vectors(tmp_path: Path) -> None:
    gallery = vectors(2000, 0)
    table = references(made(tmp_path, gallery, "scalar"), photos(2000), IDS, QUERIES, DEPTH)
    rows = table["reference_id"].str.slice(1).cast(pl.Int64).to_numpy().reshape(2, 5, DEPTH)
    true = np.einsum("kqrd,qd->kqr", gallery[rows], QUERIES)
    assert np.abs(table["similarity"].to_numpy() - true.ravel()).max() < 0.01
