"""The published retrieval arrays become references, or are refused with a reason."""

import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from toy_gallery import photos

from g3lib.gallery import REFERENCES, BadReferences, import_official, read_official_gallery

QUERIES, PHOTOS = pl.Series(["q0", "q1", "q2"]), photos(50)
HEADER = "IMG_ID,AUTHOR,LAT,LON,S3_Label,neighbourhood,country"


def retrieved(seed: int) -> NDArray[np.int64]:
    numbers = np.random.default_rng(seed)
    return np.stack([numbers.permutation(50)[:20] for _ in range(3)]).astype(np.int64)


def imported(folder: Path, similar: NDArray[np.generic], dissimilar: NDArray[np.generic]) -> pl.DataFrame:
    np.save(folder / "I.npy", similar)
    np.save(folder / "I_reverse.npy", dissimilar)
    return import_official(folder / "I.npy", folder / "I_reverse.npy", PHOTOS, QUERIES)


def test_rows_become_references(tmp_path: Path) -> None:
    arrays = {"similar": retrieved(0), "dissimilar": retrieved(1)}
    table = imported(tmp_path, *arrays.values())
    assert table.schema == REFERENCES and table.height == 2 * 3 * 20
    assert table["similarity"].null_count() == table.height
    for kind, rows in arrays.items():
        second = table.filter(kind=kind, photo_id="q1")
        assert second["rank"].to_list() == list(range(20))
        assert second["reference_id"].to_list() == [f"g{row}" for row in rows[1]]
        assert second["lat"].to_list() == rows[1].astype(float).tolist()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (retrieved(0).astype(np.float64), "holds float64, row numbers are int64"),
        (retrieved(0).astype(np.int32), "holds int32"),
        (retrieved(0)[:2], r"has shape \(2, 20\), 3 queries need \(3, 20\); take"),
        (retrieved(0)[:, :19], r"has shape \(3, 19\)"),
        (retrieved(0).ravel(), r"has shape \(60,\)"),
        (np.where(retrieved(0) == 3, 50, retrieved(0)), "of a gallery of 50; take the whole"),
        (np.where(retrieved(0) == 3, -1, retrieved(0)), "names rows -1 to"),
        (np.full((3, 20), 7), "3 queries name a row twice, first query 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, bad: NDArray[np.generic], message: str) -> None:
    with pytest.raises(BadReferences, match=message):
        imported(tmp_path, retrieved(0), bad)
    with pytest.raises(BadReferences, match=r"I\.npy"):
        imported(tmp_path, bad, retrieved(0))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01", b"<html>", pickle.dumps([1]), b"PK\x03\x04"])
def test_files_that_are_no_arrays_are_refused(tmp_path: Path, content: bytes) -> None:
    imported(tmp_path, retrieved(0), retrieved(1))
    (tmp_path / "I.npy").write_bytes(content)
    with pytest.raises(BadReferences, match=r"I\.npy is no array of numbers, or was cut short"):
        import_official(tmp_path / "I.npy", tmp_path / "I_reverse.npy", PHOTOS, QUERIES)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    with pytest.raises(BadReferences, match="no array of numbers"):
        imported(tmp_path, np.array([{"row": 1}], dtype=object), retrieved(1))


def test_several_arrays_in_one_file_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "I.npy").open("wb") as file:
        np.savez(file, a=retrieved(0), b=retrieved(1))
    np.save(tmp_path / "I_reverse.npy", retrieved(1))
    with pytest.raises(BadReferences, match="no array of numbers"):
        import_official(tmp_path / "I.npy", tmp_path / "I_reverse.npy", PHOTOS, QUERIES)


def test_a_missing_array_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"I\.npy"):
        import_official(tmp_path / "I.npy", tmp_path / "I_reverse.npy", PHOTOS, QUERIES)


def test_the_gallery_is_read_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "MP16_Pro_filtered.csv"
    lines = [
        HEADER,
        '4f/a0/3963216890.jpg,78841376@N00,47.217578,7.542092,1,"Wengistein, west",Switzerland',
        "4b/5c/8178901047.jpg,,-34.580365,-58.425464,0,Palermo,Argentina",
        "eb/a7/193938478.jpg,00123,39,-75.157535,0,,United States",
    ]
    path.write_text("\n".join(lines) + "\n")
    table = read_official_gallery(path)
    assert table.columns == ["dataset", "photo_id", "author", "lat", "lon"]
    assert table["photo_id"].to_list() == [line.split(",")[0] for line in lines[1:]]
    assert table["author"].to_list() == ["78841376@N00", "unknown", "00123"]
    assert table["lat"].to_list() == [47.217578, -34.580365, 39.0]
    assert set(table["dataset"]) == {"mp16"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as MP16_Pro_filtered.csv"),
        ("a,b\n1,2\n", "cannot be read as MP16_Pro_filtered.csv, with IMG_ID, AUTHOR, LAT, LON"),
        (f"{HEADER}\nx.jpg,a,north,7.5,1,,\n", "cannot be read"),
        (f"{HEADER}\nx.jpg,a,,7.5,1,,\n", "1 rows have no LAT; fetch it again"),
        (f"{HEADER}\n,a,1.0,7.5,1,,\n", "1 rows have no IMG_ID"),
    ],
)
def test_a_gallery_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "MP16_Pro_filtered.csv"
    path.write_text(text)
    with pytest.raises(BadReferences, match=message):
        read_official_gallery(path)
