"""How the stand-in proposes a point: from the coordinates that the prompt shows.

It never looks at the photo. Pure Python: numpy and pyproj would double the server's start-up time.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from random import Random

KERNEL_KM = 200.0
RANK_POWER = 2.0  # retrieval ranks for a reason: the second reference counts a quarter of the first
SHARPNESS = 8.0  # at temperature 1 a mode with half the weight is drawn once in 2^8 answers
PROSE_RATE = 0.04  # answers that are not bare JSON, so that the parser earns its keep
SOUTHERNMOST, NORTHERNMOST = -56.0, 75.0  # where nearly all photos are; not a land mask

_KERNEL = KERNEL_KM / 6371.0088  # as an angle in radians
_LIST = re.compile(r"\[\s*(?:\[[^\[\]]{0,80}\][\s,]*)*\]")
_DRESSED = (
    "I think this photo was taken here: {}. I hope this helps!",
    "```json\n{}\n```",
    "Judging by the references, my best guess is {}",
)

Point = tuple[float, float]
Vector = tuple[float, float, float]


def answers(text: str, image_digest: str, seed: int, temperature: float, n: int) -> list[str]:
    """`n` answers to a prompt, determined by the arguments alone."""
    similar, dissimilar = read_references(text)
    vectors = [_vector(point) for point in similar]
    weights = _weights(vectors, [_vector(point) for point in dissimilar])
    texts = []
    for index in range(n):
        draw = Random(hashlib.sha256(f"{seed}|{index}|{image_digest}|{text}".encode()).digest())
        lat, lon = _guess(vectors, weights, temperature, draw)
        answer = f'{{"latitude": {lat:.6f}, "longitude": {lon:.6f}}}'
        dressed = draw.random() < PROSE_RATE
        texts.append(draw.choice(_DRESSED).format(answer) if dressed else answer)
    return texts


def read_references(text: str) -> tuple[list[Point], list[Point]]:
    """Similar and dissimilar (lat, lon) of a prompt: the words before a list tell which."""
    found: dict[bool, list[Point]] = {True: [], False: []}
    end = 0
    for match in _LIST.finditer(text):
        before = text[end : match.start()].lower()
        try:
            pairs = [(float(lat), float(lon)) for lat, lon in json.loads(match.group())]
        except (ValueError, TypeError):
            continue  # brackets that are no list of pairs are prose to us
        found["dissimilar" not in before] += pairs
        end = match.end()
    return found[True], found[False]


def _weights(similar: Sequence[Vector], dissimilar: Sequence[Vector]) -> list[float]:
    """A reference counts as much as it has company, less by rank and near dissimilar ones."""
    weights = []
    for rank, here in enumerate(similar):
        company = sum(_nearness(here, other) for other in similar)
        contradiction = sum(_nearness(here, other) for other in dissimilar)
        weights.append(company * _trust(rank) / (1.0 + contradiction))
    return weights


def _guess(vectors: Sequence[Vector], weights: Sequence[float], temperature: float, draw: Random) -> Point:
    """A mode near one reference drawn by weight, or a place anywhere if there are none."""
    if not vectors:
        low, high = (math.sin(math.radians(lat)) for lat in (SOUTHERNMOST, NORTHERNMOST))
        return math.degrees(math.asin(draw.uniform(low, high))), draw.uniform(-180.0, 180.0)
    top = max(weights)
    if temperature > 0.01:
        heated = [(weight / top) ** (SHARPNESS / temperature) for weight in weights]
        (chosen,) = draw.choices(vectors, heated)
    else:
        chosen = vectors[weights.index(top)]
    nearness = [_nearness(chosen, other) * _trust(rank) for rank, other in enumerate(vectors)]
    x, y, z = (
        sum(near * vector[axis] for near, vector in zip(nearness, vectors, strict=True)) for axis in range(3)
    )
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


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
