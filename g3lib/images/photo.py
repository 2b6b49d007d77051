"""One photo with the facts that travel with it, before and after it lies in a shard."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

MAXIMUM_PIXELS = 100_000_000  # a larger claim is a bomb, not a photo
FORMATS = (
    "JPEG",
    "PNG",
    "WEBP",
    "GIF",
)  # no other decoder meets strange bytes: Pillow's EPS starts Ghostscript


class BadPhoto(ValueError):
    """Bytes that do not count as a photo; the message is the reason a report shows."""


@dataclass(frozen=True)
class Photo:
    """Encoded bytes, position in degrees (None if unknown), photographer and licence."""

    photo_id: str
    data: bytes
    lat: float | None
    lon: float | None
    author: str
    licence: str
    extension: str = "jpg"


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height) of bytes that decode fully; raises BadPhoto with the reason otherwise."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAXIMUM_PIXELS:
                raise BadPhoto(f"{image.width} x {image.height} pixels exceed {MAXIMUM_PIXELS:,}")
            image.load()
            return image.size
    except BadPhoto:
        raise
    except UnidentifiedImageError as problem:
        raise BadPhoto("not an image") from problem
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise BadPhoto(f"does not decode: {problem}") from problem
