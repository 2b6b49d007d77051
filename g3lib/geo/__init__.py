"""Distances and coordinates on the Earth: the ground that every stage stands on."""

from g3lib.geo.coordinates import is_on_earth, wrap_longitude
from g3lib.geo.distances import geodesic_km, haversine_km
from g3lib.geo.sphere import coordinates_of, unit_vectors

__all__ = [
    "coordinates_of",
    "geodesic_km",
    "haversine_km",
    "is_on_earth",
    "unit_vectors",
    "wrap_longitude",
]
