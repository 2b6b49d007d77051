"""Lines that are no rows, quotes that do not close, wild bytes: all counted, none swallowed, nothing crashes."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from g3lib.images.metadata import BadMetadata, Metadata, read_metadata
from g3lib.images.metadata.raw import head_of, text_chunks
from g3lib.images.metadata.records import Tally, blocks

LEFT_OUT = {
    *("blank_lines", "repeated_header", "footer", "too_few_fields", "too_many_fields"),
    *("nul_bytes", "not_utf_8", "stray_quotes", "overlong_line", "truncated_last_line"),
}
HEADER = b"photo_id,lat,lon,title\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wild") / "metadata.csv"


def read(path: Path, data: bytes) -> Metadata:
    path.write_bytes(data)
    return read_metadata(path, "any")


def left_out(found: Metadata) -> dict[str, int]:
    return {name: rows for name, _, rows, *_ in found.findings.rows() if name in LEFT_OUT}


def test_each_line_that_is_no_row_is_counted_with_its_line_and_text(path: Path) -> None:
    body = (
        b"a,1,2,x\n\nb,1,2\nc,1,2,3,4\nd,1,2,\0\nPHOTO\n"
        + HEADER
        + 'e,1,2,"é, ü"\n'.encode()
        + b"f,1,2,\xff\n"
        b'g,"1,2,x,y\nh,1,2,5" lens\n\nMean,3\nMedian,2'
    )
    found = read(path, HEADER + body)
    assert found.table["photo_id"].to_list() == ["a", "e", "h"]
    assert left_out(found) == {
        "blank_lines": 2,
        "too_few_fields": 2,
        "too_many_fields": 1,
        "nul_bytes": 1,
        "repeated_header": 1,
        "not_utf_8": 1,
        "stray_quotes": 1,
        "footer": 2,
    }
    details = dict(found.findings.select("name", "detail").iter_rows())
    assert "line 4, 7" in details["too_few_fields"]
    examples = dict(found.findings.select("name", "example").iter_rows())
    assert examples["too_many_fields"] == "c,1,2,3,4"
    assert examples["footer"] == "Mean,3"


def test_an_unclosed_quote_costs_its_own_line_only(path: Path) -> None:
    rows = b"".join(b"p%d,1,%d,x\n" % (n, n) for n in range(100))
    found = read(path, HEADER + b'a,1,2,"never closed\n' + rows + b'"b",1,2,"two\nlines"\n')
    assert found.table.height == 102
    assert left_out(found) == {}
    assert found.findings["name"].to_list() == ["literal_quotes"]


def test_a_file_in_latin_1_is_read_as_such_and_a_broken_letter_in_utf_8_is_not(path: Path) -> None:
    latin = "photo_id,lat,lon,city\na,1,2,Zürich\nb,1,2,Bern\n".encode("latin-1")
    found = read(path, latin)
    assert found.table["city"].to_list() == ["Zürich", "Bern"]
    assert found.findings.row(0)[:3] == ("latin_1", "repaired", 1)
    found = read(path, latin + "c,1,2,Genève\n".encode())
    assert found.table["city"].to_list() == ["Bern", "Genève"]
    assert left_out(found) == {"not_utf_8": 1}


def test_a_last_line_that_breaks_off_is_named(path: Path) -> None:
    assert left_out(read(path, HEADER + b"a,1,2,x\nb,1")) == {"truncated_last_line": 1}
    found = read(path, HEADER + b"a,1,2,x\nb,1,2,y")
    assert found.table.height == 2
    assert found.findings["name"].to_list() == ["no_final_line_end"]


def test_windows_line_ends_tabs_and_semicolons(path: Path) -> None:
    expected = ["a", "b"]
    for separator in (b",", b"\t", b";"):
        data = (HEADER + b'a,1,2,x\nb,1,2,"quoted"\n').replace(b",", separator).replace(b"\n", b"\r\n")
        found = read(path, data)
        assert found.table["photo_id"].to_list() == expected
        assert found.findings.is_empty()
    found = read(path, b"photo_id;lat;lon\r\na;48,85;2,35\r\n")
    assert found.table.select("lat", "lon").row(0) == (48.85, 2.35)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30), size=st.integers(1, 300))
@example(rows=[('"', "\n", ",")], size=1)
def test_every_well_formed_table_is_read_as_python_reads_it(
    path: Path, rows: list[tuple[str, str, str]], size: int
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    path.write_bytes(buffer.getvalue().encode())
    tally = Tally()
    with path.open("rb") as file:
        layout = head_of(path, file).layout
        chunks = list(text_chunks(path, file, layout, {"a": 0, "b": 1, "c": 2}, tally))
    read_rows = pl.concat([chunk.facts for chunk in chunks]).rows() if chunks else []
    expected = [tuple(cell or None for cell in row) for row in rows if row != ("a", "b", "c")]
    assert read_rows == expected
    with path.open("rb") as file:
        assert sum(block.rows for block in blocks(file, layout, Tally(), size)) == len(expected)


ODD = st.sampled_from(
    [b",", b"\n", b'"', b"\r", b"\0", b"\xff", "ä".encode(), b"1", b"-2.5", b"a", b"", b"photo_id"]
)
WILD = st.one_of(st.binary(max_size=80), st.lists(ODD, max_size=60).map(b"".join))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=WILD, headed=st.booleans())
@example(data=b'"\n"', headed=True)
@example(data=b"a,1,2,\r\n\r\n", headed=True)
@example(data=b"\x1f\x8b", headed=False)
@example(data=b"BZh91AY", headed=False)
@example(data=b"PAR1PAR1", headed=False)
def test_any_bytes_are_a_table_that_adds_up_or_bad_metadata(path: Path, data: bytes, headed: bool) -> None:
    try:
        found = read(path, HEADER + data if headed else data)
    except BadMetadata as refusal:
        assert str(path) in str(refusal)
        return
    refused = {name: rows for name, action, rows, *_ in found.findings.rows() if action == "refused"}
    assert sum(rows for name, rows in refused.items() if name not in LEFT_OUT) == (
        found.table["refused"].is_not_null().sum()
    )
    if headed and b'"' not in data:
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        assert found.table.height + sum(left_out(found).values()) == lines


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_parquet_is_bad_metadata_or_still_adds_up(path: Path, data: st.DataObject) -> None:
    frame = pl.DataFrame({"photo_id": ["a", "b"], "lat": [1.0, 2.0], "lon": ["3", None]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    good = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(4, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(path, bytes(good))
    except BadMetadata:
        return
    assert found.table.columns[0] == "photo_id"
