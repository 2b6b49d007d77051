"""What is committed at one moment stays readable as it was, whatever is replaced, removed or half done meanwhile."""

import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from small_home import (
    PARTITION,
    predictions,
    put,
    put_accuracy,
    put_photos,
    put_results,
    query_rows,
    record_of,
)

from g3lib.store import Home, Key, committed
from g3lib.store.artifacts import commit_card, commit_table
from g3lib.store.committed import Committed, committed_now


@pytest.fixture
def kept(home: Home) -> Path:
    folder = home.root / ".kept"
    folder.mkdir()
    return folder


def another(kept: Path) -> Path:
    folder = kept.with_name(".kept later")
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed, "PAUSES", (0.0, 0.0))


def content(found: Committed, name: str) -> list[pl.DataFrame]:
    return [pl.read_parquet(each.kept) for each in found.tables[name]]


def put_three(home: Home) -> None:
    put(home, Key("predictions", "b|one"), pl.DataFrame({"n": [1]}))
    put(home, Key("predictions", "b|two"), pl.DataFrame({"n": [2]}))
    card = record_of(Key("gallery_index", "image"), "v", path="index/x")
    commit_card(home.card("index", card.key), card)


def test_all_that_is_committed_is_found_in_order(home: Home, kept: Path) -> None:
    put_results(home)
    found = committed_now(home, kept)
    assert list(found.records) == sorted(home.commits())
    assert [each.path for each in found.tables["predictions"]] == [home.table(Key("predictions", PARTITION))]
    assert {"photos", "photos/ledger", "metadata/findings", "accuracy/continents", "accuracy/places"} <= (
        found.tables.keys()
    )
    assert not any("index" in name for name in found.tables) and not found.damaged


@pytest.mark.parametrize("disk_has_links", [True, False])
def test_what_is_replaced_or_removed_stays_as_it_was(
    home: Home, kept: Path, disk_has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not disk_has_links:
        monkeypatch.setattr(os, "link", refused)
    put_three(home)
    found = committed_now(home, kept)
    put(home, Key("predictions", "b|one"), pl.DataFrame({"n": [3]}))
    home.table(Key("predictions", "b|two")).unlink()
    assert [frame["n"].to_list() for frame in content(found, "predictions")] == [[1], [2]]
    again = committed_now(home, another(kept))
    assert [frame["n"].to_list() for frame in content(again, "predictions")] == [[3]]


def refused(*_: object) -> None:
    raise OSError("this disk has no hard links")


def test_a_file_removed_while_looking_is_not_there(
    home: Home, monkeypatch: pytest.MonkeyPatch, kept: Path
) -> None:
    put_three(home)
    gone = home.table(Key("predictions", "b|one"))
    paths = [*home.commits(), gone.with_name("b__never.parquet")]
    monkeypatch.setattr(Home, "commits", lambda _: iter(paths))
    gone.unlink()
    found = committed_now(home, kept)
    assert [record.partition for record in found.records.values()] == ["image", "b|two"]
    assert not found.damaged


def test_damaged_and_foreign_files_are_named(home: Home, kept: Path) -> None:
    put_three(home)
    bad, foreign = home.table(Key("predictions", "b|one")), home.card("models", Key("encoder"))
    bad.write_bytes(b"PAR1")
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")
    found = committed_now(home, kept)
    assert sorted(found.damaged) == sorted([bad, foreign])
    assert len(found.records) == 2


def test_what_lies_beside_is_awaited_while_its_table_is_made_anew(
    home: Home, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_accuracy(home, PARTITION, predictions(), query_rows())
    key = Key("accuracy", PARTITION)
    path, other = home.table(key), predictions().with_columns(error_km=1.0)
    beside = path.parent / "continents" / path.name
    beside.write_bytes(beside.read_bytes() + b"longer")  # a stage has replaced it, and not yet its table
    assert "accuracy" in committed_now(home, kept).tables  # it may have died there: better than nothing

    def finish(_: float) -> None:
        put_accuracy(home, PARTITION, other, query_rows())

    monkeypatch.setattr("time.sleep", finish)
    monkeypatch.setattr(committed, "PAUSES", (0.0, 0.1))
    found = committed_now(home, another(kept))
    (table,), (continents,) = content(found, "accuracy"), content(found, "accuracy/continents")
    assert table["accuracy"].to_list()[1:] == [1.0] * 4 and set(continents["accuracy"]) == {0.0, 1.0}


def test_a_table_whose_neighbour_is_gone_is_there_without_it(home: Home, kept: Path) -> None:
    record = put_photos(home, "mp16", 0)
    (name,) = record.files
    (home.root / name).unlink()
    found = committed_now(home, kept)
    assert "photos" in found.tables and "photos/ledger" not in found.tables


def test_other_files_of_a_record_are_no_tables(home: Home, kept: Path) -> None:
    record = replace(put(home, Key("photos", "x"), pl.DataFrame({"n": [1]})), files={"images/x.tar": 5})
    commit_table(home.table(record.key), pl.DataFrame({"n": [1]}), record)
    assert committed_now(home, kept).tables.keys() == {"photos"}
