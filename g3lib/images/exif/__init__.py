"""Where and by whom a photo was taken, as the file itself says, or an XMP side-car beside it.

Nothing here decodes pixels: a position may be read from a file that does not count as a photo.
"""

from dataclasses import dataclass
from pathlib import Path

from g3lib.images.exif.containers import blocks_of, kind_of
from g3lib.images.exif.gps import NoPosition, Position, from_gps_tags
from g3lib.images.exif.tiff import ARTIST, COPYRIGHT, text_of, tiff_of
from g3lib.images.exif.xmp import MAXIMUM_BYTES, position_in
from g3lib.images.fates import Fate

__all__ = ["Facts", "NoPosition", "Position", "facts_of", "position_of", "side_car_of"]


@dataclass(frozen=True)
class Facts:
    """What a file tells of itself; author and licence are empty where it does not."""

    position: Position | NoPosition
    author: str  # EXIF's Artist
    licence: str  # EXIF's Copyright


def position_of(photo: bytes | Path) -> Position | NoPosition:
    """Where a photo was taken, in degrees, or why that is not known. With a path, side-cars are read too."""
    if isinstance(photo, bytes):
        return facts_of(photo).position
    try:
        return facts_of(photo.read_bytes(), side_car_of(photo)).position
    except OSError as problem:
        return NoPosition(Fate.UNREADABLE, f"{photo}: {problem.strerror or problem}")


def facts_of(data: bytes, side_car: bytes = b"") -> Facts:
    """What a file's bytes tell, and the bytes of its XMP side-car if it has one.

    EXIF's position is preferred, then that of XMP within the file, then the side-car's; of several refusals, the
    first that says more than that there is no position.
    """
    if kind_of(data) is None:
        fate = Fate.NOT_AN_IMAGE if data else Fate.EMPTY
        return Facts(NoPosition(fate, f"begins with {data[:16]!r}" if data else "no bytes at all"), "", "")
    exif, xmp = blocks_of(data)
    tiff = tiff_of(exif)
    refusals: list[NoPosition] = []
    tags = tiff.first() if tiff else {}
    author, licence = text_of(tags.get(ARTIST)), text_of(tags.get(COPYRIGHT))
    for found in (_exif_position(exif), _xmp_position(xmp, "xmp"), _xmp_position(side_car, "side-car")):
        if isinstance(found, Position):
            return Facts(found, author, licence)
        if found is not None:
            refusals.append(found)
    telling = [each for each in refusals if each.fate not in (Fate.NO_EXIF, Fate.NO_GPS)]
    return Facts((telling or refusals)[0], author, licence)


def side_car_of(path: Path) -> bytes:
    """The bytes of `photo.jpg.xmp` or `photo.xmp` beside a photo; empty if there is none. OSError if unreadable."""
    for suffix in (".xmp", ".XMP"):
        for beside in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if beside.is_file() and not beside.is_symlink():
                with beside.open("rb") as handle:
                    return handle.read(MAXIMUM_BYTES + 1)
    return b""


def _exif_position(exif: bytes) -> Position | NoPosition:
    tiff = tiff_of(exif)
    if tiff is None:
        found = f"its EXIF begins with {exif[:8]!r}" if exif else "it has no EXIF"
        return NoPosition(Fate.NO_EXIF, found)
    tags = tiff.gps()
    return NoPosition(Fate.NO_GPS, "its EXIF has no GPS tags") if tags is None else from_gps_tags(tags)


def _xmp_position(xmp: bytes, source: str) -> Position | NoPosition | None:
    return position_in(xmp, source) if xmp else None
