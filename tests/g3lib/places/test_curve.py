"""Positions are checked, put in order, and worked on completely."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.places import curve
from g3lib.places.curve import along_curve, in_chunks, positions

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-360, 360)


@given(st.lists(st.tuples(LATITUDES, LONGITUDES), max_size=30))
def test_every_position_on_earth_is_taken_and_ordered_once(pairs: list[tuple[float, float]]) -> None:
    lat, lon = positions([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    assert ((lon >= -180) & (lon < 180)).all()
    assert sorted(along_curve(lat, lon)) == list(range(len(pairs)))


@given(
    st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=10),
)
def test_what_is_not_on_earth_is_named_by_its_row(pairs: list[tuple[float, float]]) -> None:
    lat, lon = ([pair[each] for pair in pairs] for each in (0, 1))
    bad = [row for row, (a, b) in enumerate(pairs) if not (abs(a) <= 90 and abs(b) <= 360)]
    if not bad:
        assert len(positions(lat, lon)[0]) == len(pairs)
        return
    with pytest.raises(ValueError, match=rf"^row {bad[0]} is no position on Earth.*\({len(bad)} such rows"):
        positions(lat, lon)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\) do not go with longitudes of shape \(3,\)"):
        positions([0, 0], [0, 0, 0])


def test_neighbours_stay_together() -> None:
    generator = np.random.default_rng(0)
    lat, lon = generator.uniform(-60, 60, 10_000), generator.uniform(-170, 170, 10_000)
    order = along_curve(lat, lon)

    def steps(rows: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(np.median(np.hypot(np.diff(lat[rows]), np.diff(lon[rows]))))

    assert steps(order) < steps(np.arange(10_000)) / 20


def test_chunks_cover_all_rows_once_on_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "CHUNK", 10)
    monkeypatch.setattr(curve, "cores", lambda: 2)
    seen, names, both = np.zeros(95, np.int64), set(), threading.Barrier(2, timeout=10)

    def work(rows: np.ndarray) -> None:  # type: ignore[type-arg]
        if rows[0] in (0, 10):
            both.wait()  # two pieces are under way at once
        names.add(threading.get_ident())
        seen[rows] += 1

    in_chunks(work, np.arange(95))
    assert (seen == 1).all() and len(names) == 2


def test_an_error_in_a_chunk_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "CHUNK", 2)

    def work(rows: np.ndarray) -> None:  # type: ignore[type-arg]
        if 3 in rows:
            raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        in_chunks(work, np.arange(9))
