"""Photos as endpoints and browsers take them: JPEG, the right way up. What is stored stays as it came."""

from functools import partial
from io import BytesIO

from PIL import Image

from g3lib.images.exif.containers import jpeg_segments
from g3lib.images.photo import upright

ORIENTATION, UPRIGHT = 0x0112, (None, 0, 1)  # of EXIF; 0 is what some cameras write for 1
QUALITY = 95
_PICTURE = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}  # what decoding needs of such segments


def as_jpeg(data: bytes) -> bytes:
    """A photo's own bytes if they are an upright JPEG, else its pixels as one; raises BadPhoto."""
    if data.startswith(b"\xff\xd8"):
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            if image.mode in ("RGB", "L") and image.getexif().get(ORIENTATION) in UPRIGHT:
                return data
    buffer = BytesIO()
    upright(data).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def bare_jpeg(data: bytes) -> bytes:
    """As `as_jpeg`, but without what a file tells besides its picture: EXIF, XMP, comments, previews, films.

    For photos of somebody's own: strangers shall not read there who took them, and a position would be no guess.
    """
    jpeg = as_jpeg(data)
    if all(map(partial(_is_of_the_picture, jpeg), jpeg_segments(jpeg))) and jpeg.endswith(b"\xff\xd9"):
        return jpeg
    buffer, picture = BytesIO(), upright(data)
    picture.info.clear()  # Pillow would write down comments again
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _is_of_the_picture(jpeg: bytes, segment: tuple[int, int, int]) -> bool:
    marker, start, _ = segment
    if marker == 0xFE:  # a comment
        return False
    return not 0xE0 <= marker <= 0xEF or jpeg.startswith(_PICTURE.get(marker, b"\0none"), start + 4)
