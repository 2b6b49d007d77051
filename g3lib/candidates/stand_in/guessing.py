"""How the stand-in proposes a point: from the coordinates that the prompt shows.

It never looks at the photo. What is said about the point is answering.py's business. Pure Python:
numpy and pyproj would double the server's start-up time.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from functools import cache, partial
from random import Random

from g3lib.candidates.stand_in.references import Point, read_references

KERNEL_KM = 200.0
RANK_POWER = 2.0  # retrieval ranks for a reason: the second reference counts a quarter of the first
SHARPNESS = 8.0  # at temperature 1 a mode with half the weight is drawn once in 2^8 answers
SOUTHERNMOST, NORTHERNMOST = -56.0, 75.0  # where nearly all photos are; not a land mask

_KERNEL = KERNEL_KM / 6371.0088  # as an angle in radians

Vector = tuple[float, float, float]


def guesses(
    text: str, image_digest: str, seed: int, temperature: float, n: int
) -> Iterator[tuple[Point, Random]]:
    """`n` points, each with the generator that drew it, for what is left to be drawn about it.

    Guess i with seed s is guess 0 with seed s + i: `n` may be split over requests in any way, and
    the answers are the same. Questions that must not share answers need seeds `n` apart.
    """
    similar, dissimilar = read_references(text)
    vectors = [_vector(point) for point in similar]
    heated = _heated(_weights(vectors, [_vector(point) for point in dissimilar]), temperature)
    mode = cache(partial(_mode, vectors))
    for index in range(n):
        draw = Random(hashlib.sha256(f"{seed + index}|{image_digest}|{text}".encode()).digest())
        yield mode(*draw.choices(range(len(vectors)), heated)) if vectors else _anywhere(draw), draw


def _weights(similar: Sequence[Vector], dissimilar: Sequence[Vector]) -> list[float]:
    """A reference counts as much as it has company, less by rank and near dissimilar ones."""
    weights = []
    for rank, here in enumerate(similar):
        company = sum(_nearness(here, other) for other in similar)
        contradiction = sum(_nearness(here, other) for other in dissimilar)
        weights.append(company * _trust(rank) / (1.0 + contradiction))
    return weights


def _heated(weights: Sequence[float], temperature: float) -> list[float]:
    """Weights of which the heaviest are drawn the more often, the colder it is; always, at zero."""
    top = max(weights, default=0.0)
    if temperature <= 0.01:
        return [float(weight == top) for weight in weights]
    return [(weight / top) ** (SHARPNESS / temperature) for weight in weights]


def _mode(vectors: Sequence[Vector], chosen: int) -> Point:
    """The middle of what is near one reference, better ranks counting more."""
    nearness = [_nearness(vectors[chosen], other) * _trust(rank) for rank, other in enumerate(vectors)]
    x, y, z = (
        sum(near * vector[axis] for near, vector in zip(nearness, vectors, strict=True)) for axis in range(3)
    )
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _anywhere(draw: Random) -> Point:
    """Uniform on the sphere between the latitudes where photos are."""
    low, high = (math.sin(math.radians(lat)) for lat in (SOUTHERNMOST, NORTHERNMOST))
    return math.degrees(math.asin(draw.uniform(low, high))), draw.uniform(-180.0, 180.0)


def _trust(rank: int) -> float:
    return math.pow(1.0 + rank, -RANK_POWER)


def _vector(point: Point) -> Vector:
    """Degrees to a unit vector."""
    phi, lam = math.radians(point[0]), math.radians(point[1])
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


def _nearness(one: Vector, other: Vector) -> float:
    """A Gaussian of the chord, which at this width is as good as the arc."""
    squared = (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2
    return math.exp(-squared / (2 * _KERNEL * _KERNEL))
