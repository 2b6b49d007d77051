"""Artefacts are found again, or known to be damaged; their versions tell their content and nothing else."""

import json
import math
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from small_home import put, record_of

from g3lib.store import Home, Key, Record
from g3lib.store.artifacts import (
    commit_card,
    commit_table,
    folder_version,
    frame_version,
    install_folder,
    is_intact,
    read_record,
)
from g3lib.store.files import scratch_folder

FRAME = pl.DataFrame({"photo_id": ["a", None, "c"], "lat": [1.0, math.nan, None]})


# --- versions of tables

cells = {
    pl.String: st.text(max_size=30),
    pl.Float64: st.floats(),
    pl.Int32: st.integers(-(2**31), 2**31 - 1),
    pl.Boolean: st.booleans(),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    height = draw(st.integers(0, 6))
    dtypes = draw(st.lists(st.sampled_from(list(cells)), min_size=1, max_size=4))
    columns = [
        pl.Series(
            f"c{number}",
            draw(st.lists(st.none() | cells[dtype], min_size=height, max_size=height)),
            dtype=dtype,
        )
        for number, dtype in enumerate(dtypes)
    ]
    return pl.DataFrame(columns)


@given(frames(), st.data())
def test_equal_tables_have_equal_versions_however_they_came_about(
    frame: pl.DataFrame, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, frame.height))
    chunked = pl.concat([frame[:cut], frame[cut:]], rechunk=False)
    filtered = (
        pl.concat([frame.reverse(), frame])
        .with_row_index("row")
        .filter(pl.col("row") >= frame.height)
        .drop("row")
    )
    masked = frame.select(
        pl.when(pl.col(name).is_null()).then(None).otherwise(pl.col(name)).alias(name)
        for name in frame.columns
    )
    for other in (chunked, filtered, masked, pl.DataFrame(frame.to_dict(as_series=False), frame.schema)):
        assert_frame_equal(other, frame)
        assert frame_version(other) == frame_version(frame)


def test_a_table_keeps_its_version_in_its_file(home: Home) -> None:
    filtered = FRAME.filter(pl.col("photo_id").is_null() | (pl.col("photo_id") > "a"))
    put(home, Key("table"), filtered)
    assert frame_version(pl.read_parquet(home.table(Key("table")))) == frame_version(filtered)


@pytest.mark.parametrize(
    "changed",
    [
        FRAME.reverse(),
        FRAME[:2],
        FRAME.rename({"lat": "lon"}),
        FRAME.select("lat", "photo_id"),
        FRAME.with_columns(pl.col("lat").cast(pl.Float32)),
        FRAME.with_columns(pl.col("lat").fill_nan(None)),
        FRAME.with_columns(pl.col("lat").fill_null(math.nan)),
        FRAME.with_columns(pl.col("photo_id").fill_null("")),
        FRAME.with_columns(pl.col("lat").replace(1.0, math.nextafter(1.0, 2.0))),
        FRAME.with_columns(photo_id=pl.Series(["a", "c", None])),
    ],
)
def test_any_change_of_a_table_changes_its_version(changed: pl.DataFrame) -> None:
    assert frame_version(changed) != frame_version(FRAME)


def test_strings_cannot_lend_each_other_letters() -> None:
    first, second = (pl.DataFrame({"s": each}) for each in (["ab", "c"], ["a", "bc"]))
    assert frame_version(first) != frame_version(second)
    assert frame_version(pl.DataFrame()) != frame_version(pl.DataFrame({"s": []}))


# --- records in files


def test_a_table_carries_its_record(home: Home) -> None:
    record = put(home, Key("predictions", "im2gps3k|g3"), FRAME)
    path = home.root / "tables" / "predictions" / "im2gps3k__g3.parquet"
    assert read_record(path) == record
    assert_frame_equal(pl.read_parquet(path), FRAME)


def test_a_damaged_cut_or_foreign_table_carries_none(home: Home) -> None:
    put(home, Key("predictions", "x"), FRAME)
    path = home.table(Key("predictions", "x"))
    whole = path.read_bytes()
    for length in [*range(0, len(whole) - 1, 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert read_record(path) is None
    for byte in range(len(whole) - 300, len(whole)):
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 0xFF]) + whole[byte + 1 :])
        found = read_record(path)  # a letter of the record may change, but nothing is ever raised
        assert found is None or byte < len(whole) - 8  # the footer's length and the magic
    FRAME.write_parquet(path)
    assert read_record(path) is None
    FRAME.write_parquet(path, metadata={"g3.lineage": '{"asset": "x"}'})
    assert read_record(path) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"3", b'"text"', b"{", b"\xff\xfe", b'{"inputs": 3, "checks": []}'],
)
def test_a_foreign_card_carries_none(tmp_path: Path, content: bytes) -> None:
    card = tmp_path / "encoder.json"
    assert read_record(card) is None
    card.write_bytes(content)
    assert read_record(card) is None


def test_a_missing_shortened_or_grown_file_is_noticed(tmp_path: Path) -> None:
    tar, index = tmp_path / "shard.tar", tmp_path / "index" / "x@1" / "index.faiss"
    index.parent.mkdir(parents=True)
    for path in (tar, index):
        path.write_bytes(b"12345")
    record = replace(record_of(Key("photos", "x"), "v"), files={"shard.tar": 5, "index/x@1/index.faiss": 5})
    assert is_intact(tmp_path, record)
    for content in (b"1234", b"123456", b""):
        index.write_bytes(content)
        assert not is_intact(tmp_path, record)
    index.write_bytes(b"54321")
    assert is_intact(tmp_path, record)  # sizes only: digests are for those who read the bytes
    tar.unlink()
    assert not is_intact(tmp_path, record)
    tar.mkdir()
    assert not is_intact(tmp_path, replace(record, files={"shard.tar": tar.stat().st_size}))


# --- folders and their cards


def commit_folder(home: Home, key: Key, **contents: str) -> Path:
    card = home.card("models", key)
    with scratch_folder(card) as scratch:
        for name, text in contents.items():
            (scratch / name).write_text(text)
        version = folder_version(scratch)
        folder = install_folder(card, scratch, version)
    commit_card(card, record_of(key, version, path=home.relative(folder)))
    return folder


def test_a_folder_is_named_by_its_content(home: Home) -> None:
    key = Key("alignment", "image-gps")
    first = commit_folder(home, key, weights="1")
    again = commit_folder(home, key, weights="1")
    assert first == again and first.name.startswith("image-gps@")
    assert [path.read_text() for path in first.iterdir()] == ["1"]


@pytest.mark.parametrize("contents", [{"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {}])
def test_a_folders_version_tells_names_and_bytes(tmp_path: Path, contents: dict[str, str]) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder, files in zip(folders, ({"a": "1"}, contents), strict=True):
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
    assert folder_version(folders[0]) != folder_version(folders[1])
    for folder in folders:
        assert folder_version(folder) == folder_version(folder.rename(folder.with_name(f"{folder.name}-")))


def test_the_same_content_made_anew_mends_a_damaged_folder(home: Home) -> None:
    key = Key("encoder")
    folder = commit_folder(home, key, weights="12345", config="x")
    (folder / "weights").write_text("123")
    assert commit_folder(home, key, weights="12345", config="x") == folder
    assert (folder / "weights").read_text() == "12345"


def test_a_commit_removes_its_predecessors_and_nobody_elses(home: Home) -> None:
    others = [commit_folder(home, Key("alignment", "image-gps-text"), weights="1")]
    others.append(commit_folder(home, Key("alignment", "image"), weights="1"))
    first = commit_folder(home, Key("alignment", "image-gps"), weights="1")
    second = commit_folder(home, Key("alignment", "image-gps"), weights="2")
    assert not first.exists() and second.exists() and all(each.exists() for each in others)
    record = read_record(home.card("models", Key("alignment", "image-gps")))
    assert record is not None and home.root / record.path == second


# --- where things lie


def test_committed_files_are_listed_and_nothing_else(home: Home) -> None:
    put(home, Key("predictions", "b|e"), FRAME)
    manifest = home.shard("mp16", 3).with_suffix(".parquet")
    commit_table(manifest, FRAME, record_of(Key("photos", "mp16-000003"), "v"))
    folder = commit_folder(home, Key("encoder"), weights="1", config="{}")
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocabulary.json").write_text("{}")
    scratch = home.root / "models" / ".encoder.json.0123.tmp"
    scratch.mkdir()
    (scratch / "config.json").write_text("{}")
    (home.root / "responses").mkdir()
    (home.root / "responses" / "answers.json").write_text("{}")
    expected = [home.table(Key("predictions", "b|e")), manifest, home.card("models", Key("encoder"))]
    assert sorted(home.commits()) == sorted(expected)


def test_partitions_with_separators_stay_within_their_folder(home: Home) -> None:
    for partition in ("a|b", "../../x", "a/b"):
        path = home.table(Key("predictions", partition))
        assert path.parent == home.root / "tables" / "predictions"
        assert home.card("models", Key("m", partition)).parent == home.root / "models" / "m"


def test_a_record_is_one_line_of_json_in_a_card(home: Home) -> None:
    card = home.card("index", Key("gallery_index", "image"))
    record = record_of(Key("gallery_index", "image"), "v", path="index/x@1")
    commit_card(card, record)
    (line,) = card.read_text().splitlines()
    assert Record.from_json(line) == record and json.loads(line)["path"] == "index/x@1"
