"""The nearest place, where raw degrees would find another."""

import numpy as np
import pytest

from g3lib.geo import coordinates_of, geodesic_km, unit_vectors
from g3lib.geo.distances import EARTH_RADIUS_KM
from g3lib.places import nearest_places
from g3lib.places.gazetteer import ANYWHERE, SOURCE, arc_km, chord, gazetteer, grouped, km_to, search


@pytest.mark.parametrize(
    ("lat", "lon", "city", "state", "country", "code"),
    [
        (46.8499, 9.5329, "Chur", "Grisons", "Switzerland", "ch"),
        (-54.8019, -68.3030, "Ushuaia", "Tierra del Fuego", "Argentina", "ar"),
        (64.1466, -21.9426, "Reykjavík", "Capital Region", "Iceland", "is"),
        (-22.5609, 17.0658, "Windhoek", "Khomas Region", "Namibia", "na"),  # whose code is no missing value
    ],
)
def test_known_places(lat: float, lon: float, city: str, state: str, country: str, code: str) -> None:
    row = nearest_places([lat], [lon]).row(0, named=True)
    found = (row["city"], row["state"], row["country"], row["country_code"], row["source"])
    assert found == (city, state, country, code, SOURCE)
    assert row["place_km"] < 5


def test_nearest_is_nearest_everywhere_the_seam_and_the_poles_included() -> None:
    generator = np.random.default_rng(0)
    lat, lon = coordinates_of(generator.normal(size=(150, 3)))
    lat = np.concatenate([lat, generator.uniform(-85, 85, 100), [90, -90, 89.9, -89.9], np.full(46, 89.0)])
    seam = np.concatenate([np.full(50, -180.0), np.full(50, 179.999)])
    lon = np.concatenate([lon, seam, [0, 0, -179, 33], np.linspace(-180, 179, 46)])
    known = gazetteer().places
    places = unit_vectors(known["lat"], known["lon"])
    blocks = np.array_split(unit_vectors(lat, lon), 15)
    nearest = known[np.concatenate([(block @ places.T).argmax(axis=1) for block in blocks])]
    expected = geodesic_km(lat, lon, nearest["lat"], nearest["lon"])
    found = nearest_places(lat, lon)
    # the sphere and the ellipsoid may order near ties differently
    assert found["place_km"].to_numpy() == pytest.approx(expected, rel=0.006, abs=1e-3)
    assert (found["city"] == nearest["city"]).mean() > 0.99


def test_across_the_antimeridian() -> None:
    """Taveuni in Fiji lies on 180 degrees: its places are near from either side."""
    both = nearest_places([-16.8, -16.8], [179.999, -179.999])
    assert both["country"].to_list() == ["Fiji", "Fiji"]
    east, west = both["place_km"]
    assert east == pytest.approx(west, abs=0.3) and east < 100  # 213 m apart


def test_every_position_gets_a_place_oceans_included() -> None:
    nemo = nearest_places([-48.8767], [-123.3933]).row(0, named=True)
    assert nemo["city"] and nemo["place_km"] > 2000


def test_no_positions_give_no_rows_but_the_same_columns() -> None:
    empty, one = nearest_places([], []), nearest_places([0.0], [0.0])
    assert empty.schema == one.schema and empty.height == 0


def test_a_position_off_the_earth_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"row 1 is no position on Earth: latitude nan, longitude 0.0 \(2 such rows"
    ):
        nearest_places([1.0, float("nan"), 91.0], [0.0, 0.0, 0.0])


def test_no_two_places_share_a_point() -> None:
    known = gazetteer().places
    assert known.unique(["lat", "lon"]).height == known.height


def test_groups_are_searched_apart() -> None:
    """The nearest place of a group is found however much nearer another group's places are."""
    points = unit_vectors([0.0, 0.0, 50.0], [0.0, 1.0, 90.0])
    groups = np.array([0, 1, 1])
    both = search(grouped(points, groups), np.arange(3))
    chords, rows = both.nearest(grouped(unit_vectors([0.0, 0.0], [0.1, 0.1]), groups[:2]), ANYWHERE)
    assert rows.tolist() == [0, 1]
    assert arc_km(chords) == pytest.approx(
        [EARTH_RADIUS_KM * np.radians(0.1), EARTH_RADIUS_KM * np.radians(0.9)]
    )
    assert both.nearest(grouped(points[:1], np.array([7])), ANYWHERE)[1].tolist() == [-1]


def test_kilometres_by_the_straight_line_are_geodesic_ones() -> None:
    generator = np.random.default_rng(4)
    rows = generator.integers(gazetteer().places.height, size=5000).astype(np.int32)
    lat = (gazetteer().lat[rows] + generator.normal(0, 0.2, 5000)).clip(-90, 90)
    lon = (gazetteer().lon[rows] + generator.normal(0, 0.3, 5000) + 180.0) % 360.0 - 180.0
    found = km_to(rows, unit_vectors(lat, lon), lat, lon)
    exact = geodesic_km(lat, lon, gazetteer().lat[rows], gazetteer().lon[rows])
    assert (exact < 10).any() and (exact > 60).any()
    assert np.abs(found - exact).max() < 2e-6


def test_chords_and_kilometres_are_inverse() -> None:
    km = np.array([0.0, 1e-3, 1.0, 50.0, 20_000.0])
    assert arc_km(chord(km)) == pytest.approx(km)
    assert arc_km(np.array([np.inf])) == np.inf


def test_every_place_has_a_city_and_a_country() -> None:
    known = gazetteer().places
    assert known.height > 100_000
    assert (
        known.select("city", "gazetteer_name", "continent", "lat", "lon").null_count().sum_horizontal().item()
        == 0
    )
