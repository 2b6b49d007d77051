"""Facts by a member's name, from tables of any size."""

import time
from pathlib import Path

import polars as pl
import pytest
from facts import facts, parquet

from g3lib.images.archives import lookup
from g3lib.images.archives.lookup import Lookup
from g3lib.images.archives.names import base_name, is_image, stem, unsafe
from g3lib.images.metadata import METADATA


@pytest.mark.parametrize("small", [0, 1000])
def test_facts_by_stem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(lookup, "SMALL", small)
    path = parquet(facts("e1/55/476.jpg", "v1.2", "b.PNG", refused={"b.PNG": "no_position"}), tmp_path)
    found = Lookup.of(path, tmp_path / "new").facts(["v1.2", "nobody", "e1_55_476", "b"])
    assert [each and each.photo_id for each in found] == ["v1.2", None, "e1/55/476.jpg", "b.PNG"]
    assert found[0] == ("v1.2", "a1", "CC0", 1.0, -1.0, None)
    assert found[3] is not None and found[3].refused == "no_position"
    assert Lookup.of(path, tmp_path / "new").facts([]) == []


def test_a_large_tables_file_is_made_once_and_replaced_when_the_table_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SMALL", 0)
    path = parquet(facts("a", "b"), tmp_path)
    Lookup.of(path, tmp_path)
    (made,) = tmp_path.glob(".lookup-*")
    before = made.stat().st_mtime_ns
    assert Lookup.of(path, tmp_path).facts(["a"])[0] is not None
    assert made.stat().st_mtime_ns == before
    time.sleep(0.01)
    parquet(facts("c"), tmp_path)
    assert Lookup.of(path, tmp_path).facts(["a", "c"])[0] is None
    assert len(list(tmp_path.glob(".lookup-*"))) == 1


def test_of_two_rows_with_one_stem_the_usable_one_counts(tmp_path: Path) -> None:
    path = parquet(facts("a/b", "a_b", "a_b.jpg", refused={"a/b": "no_country"}), tmp_path)
    (found,) = Lookup.of(path, tmp_path).facts(["a_b"])
    assert found is not None and found.photo_id == "a_b"


def test_an_empty_table_knows_nobody(tmp_path: Path) -> None:
    path = parquet(pl.DataFrame(schema=METADATA), tmp_path)
    assert Lookup.of(path, tmp_path).facts(["a"]) == [None]


def test_names() -> None:
    assert [stem(each) for each in ("a/b.JPG", "7.54_21@N00", "x.tar", ".jpg")] == [
        "a_b",
        "7.54_21@N00",
        "x.tar",
        "",
    ]
    assert [base_name(each) for each in ("./images/a.jpg", "a\\b.jpg", "folder/")] == [
        "a.jpg",
        "b.jpg",
        "folder",
    ]
    assert [is_image(each) for each in ("a.jpeg", "a.json", "jpg")] == [True, False, False]
    hostile = ("/etc/passwd", "../a", "a/../b", "a\\..\\b", "C:\\a", "\\\\host\\a", "a\0b", "a\nb")
    assert all(unsafe(each) for each in hostile)
    assert not any(unsafe(each) for each in ("./images/a.jpg", "a..b.jpg", "a/b.c", "ü.jpg", ""))
