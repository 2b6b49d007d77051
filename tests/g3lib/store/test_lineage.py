"""Records survive JSON; fingerprints change with what determines an artefact and with nothing else."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.store import Check, Input, Key, Record
from g3lib.store.lineage import fingerprint

texts = st.text(max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
configs = st.dictionaries(texts, plain, max_size=4)
inputs = st.lists(st.builds(Input, texts, st.none() | texts, texts), max_size=4).map(tuple)
records = st.builds(
    Record,
    asset=texts,
    partition=st.none() | texts,
    data_version=texts,
    fingerprint=texts,
    code_version=texts,
    run_id=texts,
    mlflow_run_id=st.none() | texts,
    git_commit=texts,
    started_at=texts,
    finished_at=texts,
    rows=st.integers(0),
    bytes=st.integers(0),
    path=texts,
    config=configs,
    inputs=inputs,
    checks=st.lists(st.builds(Check, texts, st.booleans(), configs), max_size=2).map(tuple),
    files=st.dictionaries(texts, st.integers(0), max_size=3),
    profile=texts,
)
RECORD = Record(
    *("alignment", "image-gps", "d" * 64, "f" * 64, "1", "run", None, "abc"),
    *("2026-01-01T00:00:00+00:00", "2026-01-01T01:01:01.500000+00:00", 3, 4, "models/x"),
    config={"epochs": 10},
    inputs=(Input("photos", "mp16-000000", "v"),),
)


@given(records)
def test_a_record_survives_json_in_one_line(record: Record) -> None:
    text = record.to_json()
    assert Record.from_json(text) == record
    assert "\n" not in text


def test_keys_read_well() -> None:
    assert RECORD.key == Key("alignment", "image-gps")
    assert str(RECORD.key) == "alignment[image-gps]" and str(Key("encoder")) == "encoder"
    assert RECORD.seconds == 3661.5


@pytest.mark.parametrize("missing", ["asset", "inputs", "checks", "config"])
def test_a_record_of_another_version_names_what_is_missing(missing: str) -> None:
    values = asdict(RECORD)
    del values[missing]
    with pytest.raises(ValueError, match=missing):
        Record.from_json(json.dumps(values))
    with pytest.raises(ValueError, match="surprise"):
        Record.from_json(json.dumps(asdict(RECORD) | {"surprise": 1}))


def test_a_record_from_before_profiles_were_kept_has_none() -> None:
    values = asdict(RECORD)
    del values["profile"]
    assert Record.from_json(json.dumps(values)) == RECORD and RECORD.profile == ""


@given(plain)
def test_other_json_is_refused_as_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match="not a lineage record"):
        Record.from_json(json.dumps(value))


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"asset": "x"'])
def test_text_that_is_no_json_is_refused_as_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        Record.from_json(text)


KEY, CONFIG = Key("gallery_index", "image"), {"depth": 20, "nested": {"a": 1, "b": 2}}
INPUTS = (
    Input("photos", "mp16-000000", "v1"),
    Input("photos", "mp16-000001", "v2"),
    Input("encoder", None, "v3"),
)
BASE = fingerprint(KEY, "1", CONFIG, INPUTS)


def test_neither_the_order_of_inputs_nor_that_of_settings_matters() -> None:
    reordered = {"nested": {"b": 2, "a": 1}, "depth": 20}
    assert fingerprint(KEY, "1", reordered, INPUTS[::-1]) == BASE


@pytest.mark.parametrize(
    "changed",
    [
        fingerprint(Key("references", "image"), "1", CONFIG, INPUTS),
        fingerprint(Key("gallery_index", "image-gps"), "1", CONFIG, INPUTS),
        fingerprint(Key("gallery_index"), "1", CONFIG, INPUTS),
        fingerprint(KEY, "2", CONFIG, INPUTS),
        fingerprint(KEY, "1", CONFIG | {"depth": 21}, INPUTS),
        fingerprint(KEY, "1", CONFIG | {"depth": "20"}, INPUTS),
        fingerprint(KEY, "1", CONFIG | {"more": None}, INPUTS),
        fingerprint(KEY, "1", CONFIG, INPUTS[:2]),
        fingerprint(KEY, "1", CONFIG, (*INPUTS, INPUTS[0])),
        fingerprint(KEY, "1", CONFIG, (*INPUTS[:2], INPUTS[2]._replace(data_version="v4"))),
        fingerprint(KEY, "1", CONFIG, (*INPUTS[:2], INPUTS[2]._replace(partition="None"))),
    ],
)
def test_every_ingredient_matters(changed: str) -> None:
    assert changed != BASE


def test_an_absent_partition_is_not_one_called_none() -> None:
    assert fingerprint(Key("x"), "1", {}, ()) != fingerprint(Key("x", "None"), "1", {}, ())


def test_records_are_frozen_but_copy_well() -> None:
    with pytest.raises(AttributeError):
        RECORD.rows = 4  # type: ignore[misc]
    assert replace(RECORD, rows=4).key == RECORD.key
