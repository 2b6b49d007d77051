"""Every projection against PROJ, and what holds for each: finite, bounded, one point for one place."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Proj, Transformer
from torch import Tensor

from g3lib.alignment.projections import MERCATOR_LATITUDE, AxisOrder, Projection, ProjectionName
from g3lib.experiments.alignment import AlignmentSettings

NAMES: tuple[ProjectionName, ...] = get_args(ProjectionName)
PLANES: tuple[ProjectionName, ...] = ("mercator", "equal-earth")
ALL = (
    *(Projection("mercator", order, clamp) for order in get_args(AxisOrder) for clamp in (True, False)),
    *(Projection("equal-earth", order) for order in get_args(AxisOrder)),
    Projection("unit-sphere"),
)
SQUARE = 20037508.3427892
LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-1000, 1000)
ULP = float(np.finfo(np.float32).eps)


def places(*pairs: tuple[float, float]) -> Tensor:
    return torch.tensor(pairs, dtype=torch.float64)


def scattered(seed: int, latitude: float = 90.0, count: int = 1000) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    return np.stack(
        [generator.uniform(-latitude, latitude, count), generator.uniform(-180, 180, count)], axis=-1
    )


def official(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    """(y, x) as pyproj has it."""
    transformer = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    x, y = transformer.transform(coordinates[:, 1], coordinates[:, 0])
    return np.stack([y, x], axis=-1) / SQUARE


# --- against PROJ


def test_mercator_is_epsg_3857_on_a_square_of_two_latitude_first() -> None:
    coordinates = scattered(0, 85.0)
    found = Projection()(torch.from_numpy(coordinates))
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(official(coordinates), abs=ULP)


def test_without_the_clamp_mercator_is_the_official_one_to_the_poles() -> None:
    """The released code feeds 12.10 at the poles: float64's pi / 2 has a finite tangent."""
    north = [[90.0, 0], [-90, 10], [89.9, -20], [86, 30], [-89.999999, 179]]
    coordinates = np.concatenate([scattered(1), np.array(north)])
    found = Projection(clamp=False)(torch.from_numpy(coordinates)).numpy()
    assert found == pytest.approx(official(coordinates), abs=2 * ULP, rel=ULP)
    assert found[1000:1003, 0] == pytest.approx([12.10373449606175, -12.10373449606175, 2.242161782718091])


def test_equal_earth_is_projs_on_the_sphere_in_geoclips_scale() -> None:
    coordinates = np.concatenate([scattered(2), [[90.0, 100], [-90, -100], [0, -180], [0, 179.999]]])
    x, y = Proj("+proj=eqearth +R=1")(coordinates[:, 1], coordinates[:, 0])
    expected = np.stack([x, y], axis=-1) * 66.50336 / 180
    found = Projection("equal-earth", "xy")(torch.from_numpy(coordinates)).numpy()
    assert found == pytest.approx(expected, abs=ULP)
    assert np.abs(expected).max(axis=0) == pytest.approx([1.0, 0.4867], abs=1e-3)


def test_the_unit_sphere_is_earth_centred() -> None:
    found = Projection("unit-sphere")(places((0, 0), (0, 90), (90, 45), (-90, 0), (0, -180)))
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [-1, 0, 0]]
    assert found.numpy() == pytest.approx(np.array(expected), abs=1e-7)


def test_distances_through_the_sphere_are_the_great_circles_chords() -> None:
    one, other = torch.from_numpy(scattered(3)), torch.from_numpy(scattered(4))
    chords = (Projection("unit-sphere")(one) - Projection("unit-sphere")(other)).norm(dim=-1)
    (lat, lon), (lat2, lon2) = one.deg2rad().T, other.deg2rad().T
    haversine = ((lat - lat2) / 2).sin() ** 2 + lat.cos() * lat2.cos() * ((lon - lon2) / 2).sin() ** 2
    assert chords.numpy() == pytest.approx(2 * haversine.sqrt().numpy(), abs=4 * ULP)


# --- what holds for each


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.described)
@given(lat=LATITUDES, lon=LONGITUDES)
def test_finite_and_bounded_everywhere_on_earth(projection: Projection, lat: float, lon: float) -> None:
    found = projection(places((lat, lon)))
    assert found.shape == (1, projection.inputs) and found.dtype == torch.float32
    beyond = projection.name == "mercator" and not projection.clamp and abs(lat) > MERCATOR_LATITUDE
    assert float(found.abs().max()) <= (12.11 if beyond else 1.0 + ULP)


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.described)
@given(lat=LATITUDES, lon=LONGITUDES, turns=st.integers(-3, 3))
def test_a_place_has_one_point_whatever_its_longitude_is_called(
    projection: Projection, lat: float, lon: float, turns: int
) -> None:
    other = lon + 360.0 * turns
    same = math.remainder(
        other, 360.0
    )  # exact, which the sum is not: of a small angle few digits are left in it
    assert torch.equal(projection(places((lat, other))), projection(places((lat, same))))


@pytest.mark.parametrize("name", NAMES)
def test_200_east_is_160_west_and_180_the_western_edge(name: ProjectionName) -> None:
    found = Projection(name)(places((10, 200), (10, -160), (10, 180), (10, -180), (10, 540)))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[2], found[3]) and torch.equal(found[2], found[4])


@pytest.mark.parametrize("name", NAMES)
@given(lat=LATITUDES, lon=st.floats(-180, 179.99))
def test_the_neighbourhood_of_a_place_stays_together(name: ProjectionName, lat: float, lon: float) -> None:
    """A thousandth of a degree moves no point far: nothing is torn but at the edge of a plane."""
    found = Projection(name)(places((lat, lon), (lat, lon + 1e-3)))
    assert float((found[0] - found[1]).norm()) < 1e-4


@given(lat=st.floats(-89, 89))
def test_only_the_sphere_holds_together_at_the_antimeridian(lat: float) -> None:
    pair = places((lat, 179.9999), (lat, -179.9999))
    steps = {name: float((Projection(name)(pair)[0] - Projection(name)(pair)[1]).norm()) for name in NAMES}
    assert steps["unit-sphere"] < 1e-5
    assert all(steps[name] > 0.5 for name in PLANES)


@given(lon=LONGITUDES, north=st.booleans())
def test_on_the_sphere_a_pole_is_one_point(lon: float, north: bool) -> None:
    pole = 90.0 if north else -90.0
    found = Projection("unit-sphere")(places((pole, lon)))
    assert found[0].numpy() == pytest.approx(np.array([0, 0, math.copysign(1, pole)]), abs=1e-7)


@pytest.mark.parametrize("name", PLANES)
def test_axis_order_swaps_the_columns_of_a_plane(name: ProjectionName) -> None:
    coordinates = torch.from_numpy(scattered(5))
    assert torch.equal(Projection(name, "yx")(coordinates), Projection(name, "xy")(coordinates).flip(-1))
    y, x = Projection(name, "yx")(places((60, 10)))[0].tolist()
    assert y > 0.3 and 0 < x < 0.1


def test_mercator_ends_where_the_square_does() -> None:
    ends = places((90, 0), (-90, 0), (MERCATOR_LATITUDE, -180), (0, 179.99999999))
    assert Projection()(ends).numpy() == pytest.approx(np.array([[1, 0], [-1, 0], [1, -1], [0, 1]]), abs=1e-7)


# --- how it is computed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "place", [(90.001, 0.0), (-95.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (0.0, math.nan)]
)
def test_what_is_not_on_earth_is_no_point(name: ProjectionName, place: tuple[float, float]) -> None:
    assert Projection(name, clamp=False)(places(place)).isnan().any()
    assert Projection(name)(places(place)).isnan().any()


def test_an_infinite_longitude_is_no_point() -> None:
    assert all(Projection(name)(places((0.0, math.inf))).isnan().any() for name in NAMES)


def test_it_is_computed_in_double() -> None:
    """At sigma = 256 the float32 error of a projection in float32 would show in the features."""
    exact = math.asinh(math.tan(math.radians(35.6762))) / math.pi
    assert abs(float(Projection()(places((35.6762, 139.6503)))[0, 0]) - exact) <= ULP / 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES)
def test_batches_of_any_length_and_dtype(name: ProjectionName, dtype: torch.dtype) -> None:
    projection, coordinates = Projection(name), torch.from_numpy(scattered(6)).to(dtype)
    whole = projection(coordinates)
    assert projection(coordinates[:0]).shape == (0, projection.inputs)
    assert torch.equal(whole, torch.cat([projection(each) for each in coordinates.split(7)]))
    assert coordinates.dtype == dtype and torch.equal(coordinates, torch.from_numpy(scattered(6)).to(dtype))


def test_settings_name_the_projection() -> None:
    assert Projection.of(AlignmentSettings()) == Projection("mercator", "yx", True)
    assert Projection.of(AlignmentSettings(mercator_clamp=False)) == Projection("mercator", "yx", False)
    geoclip = AlignmentSettings(projection="equal-earth", axis_order="xy")
    assert Projection.of(geoclip).described == "equal-earth xy"
    assert Projection.of(AlignmentSettings(projection="unit-sphere")).described == "unit-sphere"
    assert Projection().described == "mercator yx clamped"
