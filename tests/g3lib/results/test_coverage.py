"""The nearest gallery photo, against geodesics to all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from g3lib.geo import geodesic_km
from g3lib.results import coverage
from g3lib.results.coverage import gallery_places, nearest_km

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]


def drawn(count: int, seed: int, decimals: int = 9) -> Positions:
    """Positions all over the Earth; few decimals make many photos share their places."""
    generator = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(generator.uniform(-1, 1, count)))
    return lat.round(decimals), generator.uniform(-180, 180, count).round(decimals)


def by_all(
    gallery: Positions, queries: Positions, excluded: list[NDArray[np.int64]] | None
) -> NDArray[np.float64]:
    """Every geodesic, and the least of what is allowed."""
    km = geodesic_km(*(each[:, np.newaxis] for each in queries), *gallery)
    for row, left_out in enumerate(excluded or []):
        km[row, left_out] = np.inf
    least = km.min(axis=1, initial=np.inf)
    return np.where(np.isinf(least), np.nan, least)


@pytest.mark.parametrize("decimals", [9, 0, -1])
def test_nearest_of_all_geodesics(decimals: int) -> None:
    gallery, queries = drawn(700, 0, decimals), drawn(150, 1)
    assert nearest_km(*gallery, *queries) == pytest.approx(by_all(gallery, queries, None), abs=1e-9)


@pytest.mark.parametrize("decimals", [9, -1])
@pytest.mark.parametrize("share", [0.05, 0.9, 0.999])
def test_nearest_of_what_is_left(decimals: int, share: float) -> None:
    generator = np.random.default_rng(2)
    gallery, queries = drawn(700, 3, decimals), drawn(100, 4)
    excluded = [np.flatnonzero(generator.random(700) < share) for _ in range(100)]
    excluded[7] = np.arange(700)
    found = nearest_km(*gallery, *queries, excluded)
    assert found == pytest.approx(by_all(gallery, queries, excluded), abs=1e-9, nan_ok=True)
    assert np.isnan(found[7])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(-90, 90), st.integers(-180, 540)), min_size=1, max_size=40),
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=5),
    st.data(),
)
def test_poles_antimeridian_and_shared_places(
    places: list[tuple[int, int]], asked: list[tuple[float, float]], data: st.DataObject
) -> None:
    rows = st.lists(st.integers(0, len(places) - 1), max_size=40)
    excluded = [np.array(data.draw(rows), dtype=np.int64) for _ in asked]
    gallery: Positions = tuple(np.array(places, dtype=float).T)  # type: ignore[assignment]
    queries: Positions = tuple(np.array(asked).T)  # type: ignore[assignment]
    found = nearest_km(*gallery, *queries, excluded)
    assert found == pytest.approx(by_all(gallery, queries, excluded), abs=1e-9, nan_ok=True)


def test_the_antimeridian_and_the_pole_are_no_borders() -> None:
    found = nearest_km([0.0, 89.0], [-179.9, 0.0], [0.0, 89.5, 90.0], [179.9, 180.0, 77.0])
    expected = geodesic_km([0.0, 89.5, 90.0], [179.9, 180.0, 77.0], [0.0, 89.0, 89.0], [-179.9, 0.0, 0.0])
    assert found == pytest.approx(expected) and found[0] < 23


def test_the_nearest_by_geodesic_is_found_behind_many_that_are_nearer_on_the_sphere() -> None:
    """At the equator a degree to the north is 0.7 % shorter than one to the east, on the sphere they are equal."""
    lon = np.linspace(1.0, 1.0001, 200)
    lat = np.array([1.005])
    gallery = np.concatenate([np.zeros(200), lat]), np.concatenate([lon, [0.0]])
    assert geodesic_km(0, 0, *(each[-1] for each in gallery)) < geodesic_km(0, 0, 0, 1.0)
    assert nearest_km(*gallery, [0.0], [0.0])[0] == pytest.approx(geodesic_km(0, 0, 1.005, 0))


def test_thousands_of_excluded_photos_at_the_place_of_the_query() -> None:
    lat, lon = np.full(5000, 48.85), np.full(5000, 2.35)
    lat[4000:], lon[4000:] = np.linspace(48.86, 48.9, 1000), 2.36  # as many places, excluded too
    gallery = np.append(lat, [49.5, 50.0]), np.append(lon, [2.35, 2.35])
    own = np.random.default_rng(0).permutation(5000)
    found = nearest_km(*gallery, [48.85] * 3, [2.35] * 3, [own, own[1:], np.arange(5001)])
    expected = geodesic_km(48.85, 2.35, [49.5, gallery[0][own[0]], 50.0], [2.35, gallery[1][own[0]], 2.35])
    assert found == pytest.approx(expected)


def test_one_photo_left_at_a_place_keeps_it() -> None:
    gallery = [10.0, 10.0, 10.0, 20.0], [5.0, 5.0, 5.0, 5.0]
    found = nearest_km(*gallery, [10.0, 10.0], [5.0, 5.0], [np.array([0, 2]), np.array([2, 1, 0, 0])])
    assert found == pytest.approx([0.0, geodesic_km(10, 5, 20, 5)])


def test_positions_that_are_none() -> None:
    gallery = [np.nan, 10.0, 95.0], [0.0, 5.0, 5.0]
    found = nearest_km(*gallery, [10.0, np.nan, 95.0], [5.0, 5.0, 5.0], [np.array([0, 2])] * 3)
    assert found[0] == 0.0 and np.isnan(found[1:]).all()
    assert np.isnan(nearest_km([], [], [1.0], [1.0])).all()
    assert np.isnan(nearest_km([np.nan], [np.nan], [1.0], [1.0])).all()
    assert nearest_km([1.0], [1.0], [], []).shape == (0,)


def test_a_gallery_serves_several_policies_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, queries = drawn(500, 5, 0), drawn(60, 6)
    places = gallery_places(*gallery)
    excluded = [np.arange(number, 500, 3) for number in range(60)]
    monkeypatch.setattr(coverage, "_NEIGHBOURS_AT_ONCE", 50)  # six queries at once, then fewer
    for left_out in (None, excluded):
        assert places.nearest_km(*queries, left_out) == pytest.approx(
            by_all(gallery, queries, left_out), abs=1e-9
        )


def test_exclusions_of_another_gallery_are_refused() -> None:
    with pytest.raises(ValueError, match="1 lists of excluded rows for 2 queries"):
        nearest_km([0.0], [0.0], [1.0, 2.0], [1.0, 2.0], [np.array([0])])
    for row in (-1, 1):
        with pytest.raises(ValueError, match=f"excluded rows {row} to {row} are not of a gallery of 1"):
            nearest_km([0.0], [0.0], [1.0], [1.0], [np.array([row])])
