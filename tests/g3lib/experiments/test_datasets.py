"""Datasets of a profile: which take a part of their files, where those lie, and what is refused by name."""

from typing import Any

import pytest
from pydantic import ValidationError

from g3lib.experiments.datasets import CUT_BY_ROWS, Dataset, PlacePulseSource

ARCHIVE = {"kind": "archive", "publication": "any", "archive": "a.zip", "metadata": "a.csv"}


def dataset(source: dict[str, Any], **more: Any) -> Dataset:
    return Dataset.model_validate(
        {"name": "toy", "role": "training", "shards": 2, "photos_per_shard": 5, "source": source, **more}
    )


def test_files_lie_in_the_folder_of_the_name_or_in_another() -> None:
    assert dataset(ARCHIVE).folder == "toy"
    assert dataset(ARCHIVE, incoming="im2gps3k").folder == "im2gps3k"


@pytest.mark.parametrize("folder", ["", "..", "../outside", "a/b", "/etc", ".hidden"])
def test_a_folder_lies_in_incoming(folder: str) -> None:
    with pytest.raises(ValidationError, match="incoming"):
        dataset(ARCHIVE, incoming=folder)


@pytest.mark.parametrize("kind", ["blue-marble", "webdataset", "mp16-pro", "osv5m", "folder"])
@pytest.mark.parametrize("field", ["incoming", "within"])
def test_sources_that_are_no_rows_take_no_part(kind: str, field: str) -> None:
    source = {"kind": kind, "path": "/photos"} if kind == "folder" else {"kind": kind}
    value = {"incoming": "other", "within": {}}[field]
    assert dataset(source).folder == "toy"
    with pytest.raises(ValidationError, match=rf"dataset toy: `{field}` is not for {kind}, .*archive"):
        dataset(source, **{field: value})


def test_sources_of_rows_take_both() -> None:
    sources = [{"kind": kind} for kind in sorted(CUT_BY_ROWS - {"archive"})] + [ARCHIVE]
    for source in sources:
        found = dataset(source, incoming="other", within={"radius_km": 5, "most_per_city": 3})
        assert found.within is not None and found.within.radius_km == 5 and not found.within.outdoor


@pytest.mark.parametrize(
    "within", [{"radius_km": 0}, {"radius_km": 1001}, {"most_per_city": 0}, {"cities": ""}, {"radius": 5}]
)
def test_senseless_parts_are_refused(within: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(within))):
        dataset(ARCHIVE, within=within)


@pytest.mark.parametrize("value", [{"test_share": 1}, {"split_km": 0}, {"split": "half"}])
def test_senseless_splits_are_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(value))):
        PlacePulseSource.model_validate(value)
