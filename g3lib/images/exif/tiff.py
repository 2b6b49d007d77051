"""EXIF's inner form, the TIFF structure: tags read one by one, so that one damaged tag costs no other."""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ORIENTATION, ARTIST, COPYRIGHT, GPS_IFD = 0x0112, 0x013B, 0x8298, 0x8825
_BYTES_OF = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_LETTER_OF = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_RATIONALS = {5: "I", 10: "i"}
_TEXTS = (2, 7, 129)  # ASCII, undefined, UTF-8
_MOST_TAGS = 1000
_MOST_BYTES = 8192  # of one text, and
_MOST_NUMBERS = 64  # of one tag: nothing that is read here is longer

Value = bytes | tuple[float, ...]


@dataclass(frozen=True)
class Tiff:
    """A TIFF structure in memory; nothing in it is believed before its bounds are checked."""

    data: bytes
    order: str  # "<" or ">"

    def first(self) -> Mapping[int, Value]:
        """The tags of the first directory."""
        return self.directory(self._unsigned(4))

    def directory(self, offset: int | None) -> Mapping[int, Value]:
        """The readable tags at an offset: numbers as floats (0/0 is NaN), texts as bytes. Empty if none lie there."""
        return dict(self._tags(offset)) if offset is not None else {}

    def gps(self) -> Mapping[int, Value] | None:
        """The tags of the GPS directory; None if the first directory names none."""
        where = self.first().get(GPS_IFD)
        if not isinstance(where, tuple) or not where:
            return None
        return self.directory(int(where[0])) if 0 <= where[0] < len(self.data) else {}

    def _tags(self, offset: int) -> Iterator[tuple[int, Value]]:
        try:
            (count,) = struct.unpack_from(f"{self.order}H", self.data, offset)
        except struct.error:
            return
        for number in range(min(count, _MOST_TAGS)):
            at = offset + 2 + 12 * number
            try:
                tag, kind, length = struct.unpack_from(f"{self.order}HHI", self.data, at)
                size = _BYTES_OF[kind] * length
                if size > _MOST_BYTES or (length > _MOST_NUMBERS and kind not in _TEXTS):
                    continue
                at = at + 8 if size <= 4 else struct.unpack_from(f"{self.order}I", self.data, at + 8)[0]
                yield tag, self._value(kind, length, at)
            except (struct.error, KeyError):
                continue  # one tag is lost, its neighbours are not

    def _value(self, kind: int, length: int, at: int) -> Value:
        if kind in _TEXTS:
            text = self.data[at : at + length]
            if len(text) < length:
                raise struct.error("the text runs past the end")
            return text
        if kind in _RATIONALS:
            numbers = struct.unpack_from(f"{self.order}{2 * length}{_RATIONALS[kind]}", self.data, at)
            return tuple(map(_quotient, numbers[::2], numbers[1::2]))
        return tuple(map(float, struct.unpack_from(f"{self.order}{length}{_LETTER_OF[kind]}", self.data, at)))

    def _unsigned(self, at: int) -> int | None:
        try:
            return int(struct.unpack_from(f"{self.order}I", self.data, at)[0])
        except struct.error:
            return None


def _quotient(above: int, below: int) -> float:
    if below:
        return above / below
    return math.inf if above else math.nan  # 0/0 is how cameras say nothing; x/0 is damage


def tiff_of(exif: bytes) -> Tiff | None:
    """The structure of an EXIF block; None if it does not begin like one."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    return Tiff(exif, order) if order else None


def text_of(value: Value | None) -> str:
    """The first of a tag's NUL-separated texts that is not blank; empty if there is none."""
    if not isinstance(value, bytes):
        return ""
    parts = [part.strip() for part in value.split(b"\0")]
    first = next(filter(None, parts), b"")  # Copyright holds photographer and editor, either may be blank
    try:
        return first.decode("utf-8")
    except UnicodeDecodeError:
        return first.decode("latin-1")


def orientation_of(exif: bytes) -> int:
    """1 to 8, how the camera was held; 1 (upright) where nothing sensible is said."""
    tiff = tiff_of(exif)
    value = tiff.first().get(ORIENTATION) if tiff else None
    said = value[0] if isinstance(value, tuple) and value else 1
    return int(said) if said in range(1, 9) else 1
