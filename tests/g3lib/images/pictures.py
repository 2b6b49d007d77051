"""Small photos, the EXIF in them, and tars of them."""

import io
import struct
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from g3lib.images import Photo


def encoded(seed: int = 0, kind: str = "JPEG", size: tuple[int, int] = (32, 24)) -> bytes:
    """A photo of noise, width x height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def landscape(size: tuple[int, int] = (320, 240), seed: int = 0) -> Image.Image:
    """A smooth picture, whose hash means something: coarse noise, blown up."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture's bytes in a format, by whatever that format's options are."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()  # for its writer only: what is tested opens HEIC by itself
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


Tags = dict[int, tuple[int, int, bytes]]  # tag: TIFF type, count, value


def ascii_tag(text: bytes) -> tuple[int, int, bytes]:
    return 2, len(text), text


def rationals(*pairs: tuple[int, int], order: str = ">") -> tuple[int, int, bytes]:
    return 5, len(pairs), b"".join(struct.pack(f"{order}II", *pair) for pair in pairs)


def gps_tags(
    lat: tuple[int, int, bytes] = rationals((48, 1), (51, 1), (2952, 100)),
    lon: tuple[int, int, bytes] = rationals((2, 1), (17, 1), (4020, 100)),
    lat_ref: bytes | None = b"N\0",
    lon_ref: bytes | None = b"E\0",
) -> Tags:
    """A GPS directory; by default the Eiffel Tower's."""
    refs = {tag: ascii_tag(ref) for tag, ref in ((1, lat_ref), (3, lon_ref)) if ref is not None}
    return refs | {2: lat, 4: lon}


def tiff(gps: Tags | None = None, first: Tags | None = None, order: str = ">") -> bytes:
    """A TIFF structure, the inner form of EXIF: the first directory, and a GPS directory if there is one."""
    first = dict(first or {})
    if gps is not None:
        first[0x8825] = (4, 1, struct.pack(f"{order}I", 8 + _size(first) + 12))
    mark = b"MM\0*" if order == ">" else b"II*\0"
    data = mark + struct.pack(f"{order}I", 8) + _directory(first, 8, order)
    return data if gps is None else data + _directory(gps, len(data), order)


def _size(tags: Tags) -> int:
    return 6 + sum(12 + (len(value) if len(value) > 4 else 0) for _, _, value in tags.values())


def _directory(tags: Tags, offset: int, order: str) -> bytes:
    entries, values = struct.pack(f"{order}H", len(tags)), b""
    for tag, (kind, count, value) in sorted(tags.items()):
        entries += struct.pack(f"{order}HHI", tag, kind, count)
        if len(value) > 4:
            entries += struct.pack(f"{order}I", offset + 6 + 12 * len(tags) + len(values))
            values += value
        else:
            entries += value.ljust(4, b"\0")
    return entries + bytes(4) + values


def jpeg_with(exif: bytes = b"", xmp: bytes = b"", data: bytes | None = None) -> bytes:
    """A JPEG into which these blocks are put as they are."""
    data = encoded() if data is None else data
    bodies = [b"Exif\0\0" + exif] * bool(exif) + [b"http://ns.adobe.com/xap/1.0/\0" + xmp] * bool(xmp)
    segments = (b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body for body in bodies)
    return data[:2] + b"".join(segments) + data[2:]


def xmp(latitude: str, longitude: str, as_elements: bool = False) -> bytes:
    """An XMP packet with a position."""
    names = {"exif:GPSLatitude": latitude, "exif:GPSLongitude": longitude}
    attributes = "" if as_elements else " ".join(f'{name}="{text}"' for name, text in names.items())
    elements = "".join(f"<{name}>{text}</{name}>" for name, text in names.items()) if as_elements else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" {attributes}>{elements}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def photo(number: int, data: bytes | None = None, photo_id: str | None = None) -> Photo:
    """The photo of that number, somewhere on Earth."""
    data = encoded(number) if data is None else data
    return Photo(photo_id or f"p{number}", data, float(number), -float(number), f"a{number}", "CC BY 2.0")


def write_tar(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> None:
    """A tar of these members as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))


def member(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """A plain file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A link, device or folder."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""
