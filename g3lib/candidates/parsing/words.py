"""The words of which keys of coordinates are made."""

import re

from g3lib.candidates.parsing.outcomes import AXES, Axis


def _each(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LATITUDE = _each("latitude lat latitud latitudine 纬度 緯度")
_LONGITUDE = _each("longitude lon lng long longitud longitudine 经度 經度 経度")
NAMES: dict[str, Axis] = {**dict.fromkeys(_LATITUDE, AXES[0]), **dict.fromkeys(_LONGITUDE, AXES[1])}
BOTH: dict[str, Axis] = {
    "latlng": "lat",
    "latlon": "lat",
    "lnglat": "lon",
    "lonlat": "lon",
}  # the first of them

FINAL = _each("answer final result prediction guess estimate")
OTHERS = _each(
    "similar dissimilar reference references example alternative alternatives candidates bbox bounds"
)
PLACES = (
    FINAL
    | BOTH.keys()
    | _each("coordinate coordinates coord coords gps location position point geo geolocation")
)
PLACES |= _each("center centre geometry place")
# a latitude with other words than these, e.g. `error` or `max`, is another number
MODIFIERS = PLACES | _each(
    "predicted estimated best most likely approximate approx decimal degree degrees deg dd wgs"
)
MODIFIERS |= _each("photo image my your the in value of and")
DIRECTIONS = _each("ref reference direction dir hemisphere")
VALUES = _each("value decimal dd")
PARTS = {
    **dict.fromkeys(_each("degrees degree deg d"), "°"),
    **dict.fromkeys(_each("minutes minute min m"), "'"),
    **dict.fromkeys(_each("seconds second sec s"), "''"),
}

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")


def words_of(key: str | None) -> list[str]:
    """`GPSLatitude_deg` as gps, latitude, deg."""
    return [word.lower() for word in _WORD.findall(key or "")]
