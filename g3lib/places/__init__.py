"""Coordinates to place names to captions: MP16-Pro's text, offline; and place names back to coordinates."""

from g3lib.places.captions import GRANULARITIES, TEMPLATES, captions
from g3lib.places.countries import country_at
from g3lib.places.gazetteer import nearest_places
from g3lib.places.geocoding import geocode
from g3lib.places.levels import LEVELS, names_by_level
from g3lib.places.lookup import Located, locate_place
from g3lib.places.naming import place_names
from g3lib.places.nominatim import Server, geocode_by_nominatim

__all__ = [
    "GRANULARITIES",
    "LEVELS",
    "TEMPLATES",
    "Located",
    "Server",
    "captions",
    "country_at",
    "geocode",
    "geocode_by_nominatim",
    "locate_place",
    "names_by_level",
    "nearest_places",
    "place_names",
]
