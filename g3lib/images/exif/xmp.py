"""Positions in XMP, the XML that programs put into photos or beside them."""

from xml.parsers import expat

from g3lib.images.exif.gps import NoPosition, Position, from_texts
from g3lib.images.fates import Fate

MAXIMUM_BYTES = 4_000_000  # of XMP; real ones are a few thousand
_LONGEST = 100  # characters of a coordinate
_LATITUDE = "http://ns.adobe.com/exif/1.0/ GPSLatitude"
_LONGITUDE = "http://ns.adobe.com/exif/1.0/ GPSLongitude"


class _Hostile(ValueError):
    pass


def position_in(xmp: bytes, source: str) -> Position | NoPosition:
    """The first exif:GPSLatitude and exif:GPSLongitude, as attributes or elements; `source` is noted."""
    if len(xmp) > MAXIMUM_BYTES:
        return NoPosition(Fate.NO_GPS, f"its XMP has {len(xmp):,} bytes; {MAXIMUM_BYTES:,} are read at most")
    try:
        found = _properties(xmp)
    except (expat.ExpatError, ValueError, LookupError) as problem:
        return NoPosition(Fate.NO_GPS, f"its XMP cannot be read: {problem}")
    latitude, longitude = found.get(_LATITUDE, ""), found.get(_LONGITUDE, "")
    if not (latitude.strip() and longitude.strip()):
        return NoPosition(Fate.NO_GPS, "its XMP holds no position")
    return from_texts(latitude, longitude, source)


def _properties(xmp: bytes) -> dict[str, str]:
    """The two properties that are looked for, by namespace and name."""
    found: dict[str, str] = {}
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name)
        for each in (_LATITUDE, _LONGITUDE):
            if each in attributes:
                found.setdefault(each, attributes[each])

    def text(words: str) -> None:
        if inside and inside[-1] in (_LATITUDE, _LONGITUDE) and len(found.get(inside[-1], "")) < _LONGEST:
            found[inside[-1]] = found.get(inside[-1], "") + words

    def end(_: str) -> None:
        inside.pop()

    def doctype(*_: object) -> None:
        raise _Hostile("it declares a document type, which may name entities; XMP needs none")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    parser.Parse(xmp.strip(b"\0 \t\r\n"), True)
    return found
