"""Cells of the Earth: about square, and each draws its lot alone."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.geo import haversine_km
from g3lib.geo.cells import cell_numbers, drawn_cells

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180, exclude_max=True)
positions = st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=30)
kilometres = st.floats(0.01, 500)


@given(positions, kilometres)
def test_what_shares_a_cell_lies_within_its_diagonal(points: list[tuple[float, float]], km: float) -> None:
    """Also near a pole, where a row has few columns; where it has one, the cell is a cap around the pole."""
    lat, lon = np.array(points).T
    cells = cell_numbers(lat, lon, km)
    same = cells[:, None] == cells[None, :]
    apart = haversine_km(lat[:, None], lon[:, None], lat[None, :], lon[None, :])
    assert apart[same].max() <= 3 * km
    assert np.diagonal(same).all()


def test_cells_are_about_square() -> None:
    """Steps of a metre along a meridian and a parallel of Paris meet a new cell every 500 m."""
    metres = np.arange(20_000) / 1000
    north = cell_numbers(48.85 + metres / 111.195, np.full(metres.size, 2.35), 0.5)
    east = cell_numbers(np.full(metres.size, 48.85), 2.35 + metres / 111.195 / np.cos(np.radians(48.85)), 0.5)
    assert len(np.unique(north)) == pytest.approx(40, abs=1.1)
    assert len(np.unique(east)) == pytest.approx(40, abs=1.1)


def test_the_corners_of_the_earth_have_cells() -> None:
    cells = cell_numbers([-90, 90, 90, 0, 0], [-180, 0, 179.9, -180, np.nextafter(180, 0)], 0.5)
    assert (cells >= 0).all() and len(set(cells[:3].tolist())) >= 2
    assert len(np.unique(cells)) == len(cells) or cells[1] == cells[2]


@pytest.mark.parametrize(
    ("lat", "lon", "km", "message"),
    [
        (91.0, 0.0, 1.0, "not on the Earth"),
        (0.0, 180.0, 1.0, "not on the Earth"),
        (float("nan"), 0.0, 1.0, "missing"),
        (0.0, 0.0, 0.0, "at least a metre"),
        (0.0, 0.0, float("nan"), "at least a metre"),
    ],
)
def test_what_has_no_cell_is_named(lat: float, lon: float, km: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cell_numbers([lat], [lon], km)


@given(st.lists(st.integers(0, 2**60), max_size=40), st.floats(0.01, 0.99), st.integers(-5, 5))
def test_a_lot_is_a_digest_of_seed_and_cell(cells: list[int], share: float, seed: int) -> None:
    found = drawn_cells(np.array(cells, np.int64), share, seed)
    for cell, drawn in zip(cells, found.tolist(), strict=True):
        digest = hashlib.sha256(f"{seed} {cell}".encode()).hexdigest()[:16]
        assert drawn == (int(digest, 16) / 2**64 < share)


def test_the_share_is_kept_and_a_greater_one_contains_it() -> None:
    cells = np.arange(100_000, dtype=np.int64)
    fifth, half = drawn_cells(cells, 0.2, 0), drawn_cells(cells, 0.5, 0)
    assert fifth.mean() == pytest.approx(0.2, abs=0.005) and half.mean() == pytest.approx(0.5, abs=0.006)
    assert not (fifth & ~half).any()
    assert 0.15 < (fifth & drawn_cells(cells, 0.2, 1)).mean() / 0.2 < 0.25, "another seed draws others"
