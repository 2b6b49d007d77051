"""Photos as endpoints and browsers take them: JPEG, the right way up. What is stored stays as it came."""

from io import BytesIO

from PIL import Image

from g3lib.images.photo import upright

ORIENTATION, UPRIGHT = 0x0112, (None, 0, 1)  # of EXIF; 0 is what some cameras write for 1
QUALITY = 95


def as_jpeg(data: bytes) -> bytes:
    """A photo's own bytes if they are an upright JPEG, else its pixels as one; raises BadPhoto."""
    if data.startswith(b"\xff\xd8"):
        with Image.open(BytesIO(data), formats=("JPEG",)) as image:
            if image.mode in ("RGB", "L") and image.getexif().get(ORIENTATION) in UPRIGHT:
                return data
    buffer = BytesIO()
    upright(data).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
