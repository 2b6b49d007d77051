"""Bytes from outside: either a photo, or a reason."""

import io
import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import encoded
from PIL import Image

from g3lib.images.photo import MAXIMUM_PIXELS, BadPhoto, size_of

KINDS = ("JPEG", "PNG", "WEBP", "GIF")
GOOD = {kind: encoded(kind=kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_photos_have_a_width_and_a_height(kind: str) -> None:
    assert size_of(GOOD[kind]) == (32, 24)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"<html>404 Not Found</html>", bytes(6000), b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(BadPhoto, match="not an image"):
        size_of(data)


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "EPS", "BMP", "ICNS"])
def test_formats_that_photos_do_not_come_in_never_meet_their_decoder(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, format=kind)
    with pytest.raises(BadPhoto, match="not an image"):
        size_of(buffer.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_cut_short_is_refused(kind: str) -> None:
    with pytest.raises(BadPhoto, match="does not decode"):
        size_of(GOOD[kind][: len(GOOD[kind]) // 2])


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"")
    chunks = (header, pixels, b"IEND")
    parts = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", [(MAXIMUM_PIXELS, 2), (10_001, 10_000), (2**31 - 1, 2**31 - 1)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(BadPhoto, match="exceed"):
        size_of(png_claiming(*size))


@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0, 1),
)
@example("PNG", [(8 / len(GOOD["PNG"]) + 0.0001 * i, 0) for i in range(4)], 1.0)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_damaged_photos_decode_or_have_a_reason(
    kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(GOOD[kind])
    for where, byte in changes:
        data[int(where**3 * len(data))] = byte  # headers, which lie in front, matter most
    data = data[: max(1, int(kept * len(data)))]
    try:
        width, height = size_of(bytes(data))
    except BadPhoto as problem:
        assert str(problem)
    else:
        assert width > 0 and height > 0


def test_a_png_with_a_short_header_is_refused() -> None:
    short = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 4)
        + b"IHDR\0\0\0\1"
        + struct.pack(">I", zlib.crc32(b"IHDR\0\0\0\1"))
    )
    with pytest.raises(BadPhoto, match="does not decode"):
        size_of(short)
