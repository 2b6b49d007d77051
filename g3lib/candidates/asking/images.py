"""A photo as an LMM's endpoint wants it: a data URL with the right MIME type, made smaller if asked."""

import base64
from io import BytesIO

from PIL import Image

QUALITY = 90  # of a JPEG made smaller
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def data_url(photo: bytes, longest_side: int | None = None) -> str:
    """A photo's bytes as a data URL; larger ones are made to fit `longest_side` pixels.

    ValueError for bytes of no format that endpoints take.
    """
    if longest_side is not None:
        photo = _fitted(photo, longest_side)
    mime = next((mime for magic, mime in _MAGIC if photo.startswith(magic)), None)
    if mime is None:
        raise ValueError(f"a photo begins with {photo[:8]!r}: neither JPEG, PNG, GIF nor WebP")
    return f"data:{mime};base64,{base64.b64encode(photo).decode()}"


def _fitted(photo: bytes, longest_side: int) -> bytes:
    """The same bytes if the photo is small enough, else a smaller JPEG."""
    with Image.open(BytesIO(photo)) as image:
        if max(image.size) <= longest_side:
            return photo
        image.draft("RGB", (longest_side, longest_side))  # decodes at a fraction of the size, if a JPEG
        smaller = image.convert("RGB")
    smaller.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    smaller.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
