"""What an answer must look like: the properties a request asks for, and their writing.

A strict response_format asks by its schema, a place prompt by the JSON example in its text; any
other request asks for coordinates. Where the point is, is guessing.py's business.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from g3lib.candidates.stand_in.errors import ApiError

LATITUDES = ("latitude", "lat")
LONGITUDES = ("longitude", "lon", "lng", "long")
PLACES: Mapping[str, tuple[str, ...]] = {
    "city": ("city", "town", "municipality"),
    "state": ("state", "region", "province"),
    "country": ("country", "country_name"),
}

_EXAMPLE = re.compile(r"\{[^{}]*+\}")
_NAME = re.compile(r'"(\w+)"\s*:')
_FILLERS = {"number": "0", "integer": "0", "boolean": "false", "array": "[]", "object": "{}", "null": "null"}

_PLACE_OF = {name: kind for kind, names in PLACES.items() for name in names}


@dataclass(frozen=True)
class Form:
    """The properties of an answer with their JSON types; `bare` forbids words around the JSON."""

    properties: tuple[tuple[str, str], ...]
    bare: bool

    @classmethod
    def of(cls, response_format: Any, text: str) -> "Form":
        """The form that a request's response_format and text ask for."""
        kind = "text" if response_format is None else response_format["type"]
        if kind == "json_schema":
            return cls(_properties(response_format["json_schema"]), bare=True)
        if kind not in ("text", "json_object"):
            message = f"Invalid value: {str(kind)[:40]!r}. Supported: 'text', 'json_object', 'json_schema'."
            raise ApiError(message, code="invalid_value", param="response_format.type")
        return cls(tuple((name, "") for name in _exemplified(text)), bare=kind == "json_object")

    @property
    def names_place(self) -> bool:
        """Whether any property is part of a place's name."""
        return any(name.lower() in _PLACE_OF for name, _ in self.properties)

    def written(self, lat: float, lon: float, place: Mapping[str, str]) -> str:
        """The answer about a point in degrees, whose place is needed only if `names_place`."""
        members = (
            f"{json.dumps(name)}: {_value(name.lower(), kind, lat, lon, place)}"
            for name, kind in self.properties
        )
        return f"{{{', '.join(members)}}}"


def _value(name: str, kind: str, lat: float, lon: float, place: Mapping[str, str]) -> str:
    """One property's JSON; what the stand-in knows nothing about gets a value of its type."""
    if name in LATITUDES or name in LONGITUDES:
        degrees = f"{lat if name in LATITUDES else lon:.6f}"
        return f'"{degrees}"' if kind == "string" else degrees
    if name in _PLACE_OF:
        return json.dumps(place[_PLACE_OF[name]])
    return _FILLERS.get(kind, '""')


def _properties(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and types of a schema's properties; a type may be a list, e.g. with "null"."""
    if not isinstance(given["name"], str):
        raise TypeError("json_schema.name must be a string")
    properties = []
    for name, schema in given["schema"]["properties"].items():
        kind = schema.get("type", "")
        properties.append((name, str(kind[0] if isinstance(kind, list) and kind else kind)))
    return tuple(properties)


def _exemplified(text: str) -> list[str]:
    """The properties of the JSON example of a place in the text, or else those of coordinates."""
    for example in _EXAMPLE.findall(text):
        names = list(dict.fromkeys(_NAME.findall(example)))
        if "country" in names:
            return names
    return ["latitude", "longitude"]
