"""The same predictions in every form in which people keep them are the same predictions."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from g3lib.results.outside import BadPredictions, judge
from tests.g3lib.results.outside.toy import IDS, LONS, SAID, Judge, counts, findings, lines, table, toy_truth

PLAIN = table(*lines())
FRAME = pl.DataFrame({"photo_id": IDS, "lat": SAID, "lon": LONS})
OBJECTS = [{"photo_id": name, "prediction": {"lat": lat, "lon": lon}} for name, lat, lon in FRAME.rows()]
FORMS: dict[str, bytes] = {
    "tabs": PLAIN.replace(",", "\t").encode(),
    "semicolons and decimal commas": PLAIN.replace(",", ";")
    .replace(".", ",")
    .replace(",jpg", ".jpg")
    .encode(),
    "Windows": PLAIN.replace("\n", "\r\n").encode(),
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 big-endian, as Excel's Unicode text": b"\xfe\xff" + PLAIN.replace(",", "\t").encode("utf-16-be"),
    "gzip": gzip.compress(PLAIN.encode()),
    "quoted": table(*lines(form='"{id}","{lat}","{lon}"')).encode(),
    "JSON lines": "\n".join(map(json.dumps, OBJECTS)).encode(),
    "JSON array": json.dumps(OBJECTS, indent=1).encode(),
    "an index before, as pandas writes it": table(
        *(f"{n},{line}" for n, line in enumerate(lines())), header=",photo_id,lat,lon"
    ).encode(),
    "capitals and spaces": table(
        *lines(form=" {id} , {lat} ,{lon} "), header=" IMG_ID , LATITUDE, Longitude "
    ).encode(),
    "no final line end": PLAIN.rstrip().encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(judged: Judge, form: str) -> None:
    found = judged(FORMS[form])
    assert found.predictions.select("photo_id", "lat", "lon").equals(FRAME), findings(found)
    assert counts(found.rows) == {"scored": 30}


PARQUET: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "as it is": lambda frame: frame,
    "single precision": lambda frame: frame.with_columns(pl.col("lat").cast(pl.Float32).cast(pl.Float64)),
    "text": lambda frame: frame.with_columns(pl.col("lat", "lon").cast(pl.String)),
    "categories": lambda frame: frame.with_columns(pl.col("photo_id").cast(pl.Categorical)),
    "an index": lambda frame: frame.rename({"photo_id": "__index_level_0__"}),
}


@pytest.mark.parametrize("form", PARQUET)
def test_parquet(tmp_path: Path, form: str) -> None:
    frame, path = PARQUET[form](FRAME), tmp_path / "predictions.pq"
    frame.write_parquet(path)
    found = judge(path, {}, toy_truth(), "toy").predictions
    assert found["lat"].to_list() == frame["lat"].cast(pl.Float64).to_list()
    assert found["lon"].to_list() == LONS


def test_lines_without_an_object_are_told(judged: Judge) -> None:
    text = "\n".join(
        [*map(json.dumps, OBJECTS[:20]), '{"photo_id": "photo-', "", "[1, 2]", *map(json.dumps, OBJECTS[23:])]
    )
    found = judged(text)
    assert findings(found) == {"no_object": ("refused", 2)}
    assert counts(found.photos) == {"scored": 27, "missing": 3}


# what is no table of predictions, and words that the refusal must have
STRANGERS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("empty",)),
    "blank lines": (b"\n\n \n", ("empty",)),
    "header only": (b"photo_id,lat,lon\n", ("no row", "nothing behind the header")),
    "decimal commas between commas": (table("a.jpg,1,5,2,5").encode(), ("1 too_many_fields", "decimals")),
    "no separator": (b"photos\na.jpg\n", ("no columns",)),
    "a spreadsheet": (b"PK\x03\x04" + b"0" * 100, ("spreadsheet", "CSV")),
    "a pickle": (b"\x80\x04\x95", ("pickle",)),
    "a page": (b"<html><body>Sign in</body></html>", ("web page",)),
    "zeros": (bytes(5000), ("zero bytes",)),
    "half UTF-16": ("photo_id,lat".encode("utf-16") + b"\x00", ("UTF-16",)),
    "broken Parquet": (b"PAR1" + b"0" * 50, ("Parquet",)),
    "broken JSON array": (b'[{"photo_id": 1,', ("JSON",)),
    "JSON without objects": (b"[1, 2]", ("no object",)),
    "one column twice": (
        table("a,1,2,3", header="photo_id,lat,lat,lon").encode(),
        ("2 pairs", "predicted position", "--columns"),
    ),
}


@pytest.mark.parametrize("what", STRANGERS)
def test_strangers_are_refused_by_name(judged: Judge, what: str) -> None:
    content, words = STRANGERS[what]
    with pytest.raises(BadPredictions) as refused:
        judged(content)
    assert [word for word in (*words, "predictions.csv") if word not in str(refused.value)] == []
