"""Place Pulse 2.0's sides: fixed by position alone, four fifths and one, no cell on both."""

import hashlib
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g3lib.experiments.cities import place_pulse_cities
from g3lib.experiments.datasets import PlacePulseSource
from g3lib.geo.cells import cell_numbers
from g3lib.images.metadata import FINDINGS, METADATA, BadMetadata, Metadata
from g3lib.images.metadata.place_split import one_side

FIXED = {"Brandenburg Gate", "Red Square"}  # of the landmarks below, those for testing
TRAIN, TEST = PlacePulseSource(split="train"), PlacePulseSource(split="test")


def facts(*positions: tuple[float | None, float | None]) -> Metadata:
    rows = {
        "photo_id": [f"{number:024x}" for number in range(len(positions))],
        "lat": [lat for lat, _ in positions],
        "lon": [lon for _, lon in positions],
    }
    table = pl.DataFrame(rows, schema={name: METADATA[name] for name in rows})
    absent = [pl.lit(None, pl.String).alias(name) for name in METADATA if name not in rows]
    return Metadata(table.with_columns(absent).select(METADATA.names()), pl.DataFrame(schema=FINDINGS))


def as_dense_as_place_pulse(seed: int = 0) -> Metadata:
    """Synthetic: 1,982 places at random in a square of 20 km around each of the 56 cities."""
    rng, each = np.random.default_rng(seed), 1982
    centres = place_pulse_cities().select("lat", "lon").to_numpy()
    km = rng.uniform(-10, 10, (len(centres), each, 2))
    lat = centres[:, :1] + km[..., 0] / 111.195
    lon = centres[:, 1:] + km[..., 1] / (111.195 * np.cos(np.radians(centres[:, :1])))
    return facts(*zip(lat.ravel().tolist(), lon.ravel().tolist(), strict=True))


def ids(found: Metadata) -> list[str]:
    return found.table["photo_id"].to_list()


def is_test(lat: float, lon: float) -> bool:
    """The rule in plain arithmetic: a row of cells, a column in it, and what SHA-256 makes of both."""
    degree = math.pi / 180 * 6371.0088
    row = math.floor((lat + 90) * degree / 0.5)
    columns = round(math.cos(math.radians((row + 0.5) * 0.5 / degree - 90)) * 360 * degree / 0.5)
    number = row * 2**32 + math.floor((lon + 180) / 360 * columns)
    return int.from_bytes(hashlib.sha256(f"0 {number}".encode()).digest()[:8], "big") / 2**64 < 0.2


def test_known_places_are_where_they_always_were() -> None:
    """Fixed for ever: whoever trained on one side must find the same one next year."""
    places = {
        "Eiffel Tower": (48.85837, 2.294481),
        "Brandenburg Gate": (52.51628, 13.37770),
        "Opera House, Sydney": (-33.85678, 151.21530),
        "Golden Gate Bridge": (37.81993, -122.47826),
        "Christ the Redeemer": (-22.95191, -43.21049),
        "Table Mountain": (-33.96279, 18.40978),
        "Times Square": (40.75800, -73.98550),
        "Red Square": (55.75393, 37.62079),
        "Shibuya": (35.65858, 139.70135),
        "Colosseum": (41.89021, 12.49223),
    }
    tests = {list(places)[int(name, 16)] for name in ids(one_side(facts(*places.values()), TEST))}
    assert tests == {name for name, where in places.items() if is_test(*where)} == FIXED


def test_a_fifth_of_places_is_for_testing_and_no_cell_is_on_both_sides() -> None:
    whole = as_dense_as_place_pulse()
    train, test = one_side(whole, TRAIN), one_side(whole, TEST)
    assert sorted(ids(train) + ids(test)) == ids(whole)
    assert test.table.height / whole.table.height == pytest.approx(0.2, abs=0.005)
    cells = [set(cell_numbers(side.table["lat"], side.table["lon"], 0.5).tolist()) for side in (train, test)]
    assert not cells[0] & cells[1]
    (finding,) = train.findings.to_dicts()
    assert (finding["name"], finding["action"], finding["rows"]) == (
        "other_side",
        "left out",
        test.table.height,
    )
    assert "cells of 0.5 km" in finding["detail"] and finding["example"] == ids(test)[0]
    assert train.left_out["photo_id"].to_list() == ids(test)
    assert train.left_out["reason"].unique().to_list() == ["of the side test"]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_neither_order_nor_other_rows_change_a_side(data: st.DataObject) -> None:
    places = st.tuples(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True)) | st.just((None, None))
    whole = facts(*data.draw(st.lists(places, min_size=2, max_size=40)))
    rows = data.draw(st.permutations(range(whole.table.height)))
    some = rows[: data.draw(st.integers(1, len(rows)))]
    part = Metadata(whole.table[some], whole.findings)

    def side(found: Metadata, source: PlacePulseSource) -> set[str]:
        try:
            return set(ids(one_side(found, source)))
        except BadMetadata:
            return set()

    for each in (TRAIN, TEST):
        assert side(part, each) == side(whole, each) & set(ids(part))
    assert side(part, TRAIN) | side(part, TEST) == set(ids(part))
    assert not side(part, TRAIN) & side(part, TEST)


def test_a_place_without_position_is_for_training() -> None:
    whole = facts((None, None), (48.85, 2.35))
    assert "0" * 24 in ids(one_side(whole, TRAIN))
    assert one_side(whole, PlacePulseSource()) is whole


def test_settings_move_cells_and_a_side_without_places_is_named() -> None:
    whole = as_dense_as_place_pulse(1)
    half = one_side(whole, TEST.model_copy(update={"test_share": 0.5}))
    assert set(ids(one_side(whole, TEST))) < set(ids(half)), "a greater share only adds"
    other = one_side(whole, TEST.model_copy(update={"split_seed": 1}))
    assert len(set(ids(other)) & set(ids(one_side(whole, TEST)))) < 0.3 * other.table.height
    with pytest.raises(BadMetadata, match=r"none of 1 places is on the side test .* lower split_km"):
        one_side(facts((None, None)), TEST)
