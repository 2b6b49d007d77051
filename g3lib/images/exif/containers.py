"""Where JPEG, PNG, WebP, HEIC and TIFF files keep their EXIF and XMP blocks: found without decoding a pixel.

Own scanners instead of Pillow's openers: a photo whose pixels are cut short still tells where it was taken, and
nothing warns.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

EXIF_MARK = b"Exif\0\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
MAXIMUM_TEXT = 4_000_000  # bytes of a decompressed text chunk; a larger one is a bomb


class Blocks(NamedTuple):
    """What was found: EXIF as a TIFF structure, and XMP as XML; empty where there is none."""

    exif: bytes = b""
    xmp: bytes = b""


def kind_of(data: bytes) -> str | None:
    """The format by its first bytes, named as Pillow does (TIFF includes DNG); None if it is none of ours."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "HEIF"
    return "TIFF" if data[:4] in (b"II*\0", b"MM\0*") else None


_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))


def blocks_of(data: bytes) -> Blocks:
    """The EXIF and XMP of a file's bytes; a damaged or unknown file gives what could be found, at worst nothing."""
    kind = kind_of(data)
    if kind == "TIFF":
        return Blocks(exif=data)
    if kind == "HEIF":
        return _of_heif(data)
    find = {"JPEG": _of_jpeg, "PNG": _of_png, "WEBP": _of_webp}.get(kind or "")
    return find(data) if find else Blocks()


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, first byte, end) of every segment with a body in front of the first scan, its FF byte first.

    What a tolerant reader steps over is stepped over here: padding, junk between segments, markers without a body.
    """
    at = data.find(b"\xff", 2)
    for _ in range(_MOST_SEGMENTS):
        if at < 0 or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker == 0 or marker in _BARE:
            at = data.find(b"\xff", at + 2)
        elif marker == 0xDA or marker < 0xC0:  # the pixels begin, or nothing known
            return
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            yield marker, at, min(end, len(data))
            at = data.find(b"\xff", end)


_BARE = frozenset((0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)))  # markers without a body
_MOST_SEGMENTS = 100_000


def _of_jpeg(data: bytes) -> Blocks:
    exif, xmp = list[bytes](), b""
    for marker, start, end in jpeg_segments(data):
        if marker != 0xE1:
            continue
        body = data[start + 4 : end]
        if body.startswith(EXIF_MARK):
            exif.append(body[len(EXIF_MARK) :])  # large EXIF goes on in a second segment
        elif body.startswith(XMP_MARK) and not xmp:
            xmp = body[len(XMP_MARK) :]
    return Blocks(b"".join(exif), xmp)


def jpeg_scans(data: bytes, most: int) -> int:
    """How many scans a JPEG has, counted up to one more than `most`."""
    found, at = 0, 2
    while found <= most and (match := _MARKER.search(data, at)):
        marker, at = data[match.start() + 1], match.end()
        if marker in _BARE:  # the end, or where every decoder stops
            break
        found += marker == 0xDA
        at += int.from_bytes(data[at : at + 2], "big")
    return found


_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]", re.DOTALL)  # FF 00 and restarts belong to the pixels' code


def _of_png(data: bytes) -> Blocks:
    found, at = dict[bytes, bytes](), 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        keyword, _, rest = body.partition(b"\0") if name in (b"tEXt", b"zTXt", b"iTXt") else (name, b"", body)
        if keyword in _PNG_PLACES and keyword not in found:  # once each: inflating is work
            found[keyword] = _png_text(name, rest)
        at += 12 + size
    exif, *profiles, xmp = (found.get(place, b"") for place in _PNG_PLACES)
    return Blocks(exif.removeprefix(EXIF_MARK) or next(filter(None, map(_raw_profile, profiles)), b""), xmp)


_PNG_PLACES = (b"eXIf", b"Raw profile type exif", b"Raw profile type APP1", b"XML:com.adobe.xmp")


def _png_text(chunk: bytes, rest: bytes) -> bytes:
    """A text chunk's text behind its keyword; other chunks as they are."""
    if chunk == b"zTXt":
        return _inflated(rest[1:])
    if chunk != b"iTXt":
        return rest
    compressed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return _inflated(rest) if compressed else rest


def _inflated(packed: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompressobj().decompress(packed, MAXIMUM_TEXT)
    except zlib.error:
        return b""


def _raw_profile(text: bytes) -> bytes:
    """ImageMagick's way: a name, a length, then hexadecimal digits."""
    try:
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii")).removeprefix(EXIF_MARK)
    except ValueError:
        return b""


def _of_webp(data: bytes) -> Blocks:
    exif, xmp, at = b"", b"", 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if name == b"EXIF" and not exif:
            exif = body.removeprefix(EXIF_MARK)
        elif name == b"XMP " and not xmp:
            xmp = body
        at += 8 + size + size % 2
    return Blocks(exif, xmp)


def _of_heif(data: bytes) -> Blocks:
    """By libheif, which reads the boxes that say where in the file the blocks lie; pixels stay undecoded."""
    import pillow_heif

    try:
        info = pillow_heif.open_heif(data).info
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError, IndexError):
        return Blocks()
    return Blocks((info.get("exif") or b"").removeprefix(EXIF_MARK), info.get("xmp") or b"")
