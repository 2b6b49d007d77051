"""Coordinates to place names to captions: MP16-Pro's text, offline."""

from g3lib.places.captions import TEMPLATES, captions
from g3lib.places.gazetteer import nearest_places

__all__ = ["TEMPLATES", "captions", "nearest_places"]
