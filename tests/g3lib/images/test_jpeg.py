"""Photos as strangers may see them: the picture, and nothing that its file tells besides."""

import io
from typing import Any

import numpy as np
import pytest
from pictures import encoded, gps_tags, jpeg_with, landscape, saved, tiff, xmp
from PIL import Image

from g3lib.images import as_jpeg, bare_jpeg
from g3lib.images.exif import NoPosition, facts_of

EXIF = b"Exif\0\0" + tiff(gps_tags())


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float64)


def test_a_jpeg_with_nothing_but_its_picture_stays_as_it_is() -> None:
    plain = encoded()
    assert bare_jpeg(plain) == as_jpeg(plain) == plain
    coloured = saved(landscape(), icc_profile=b"a profile" * 20)
    assert bare_jpeg(coloured) == coloured, "colours are the picture's"


@pytest.mark.parametrize(
    "told",
    [
        jpeg_with(exif=tiff(gps_tags())),
        jpeg_with(xmp=xmp("48,51.5N", "2,17.6E")),
        saved(landscape(), comment=b"the garden of Ann"),
        encoded() + b"\0\0\0\x18ftypmp42 a film with the place where it was made",
        saved(landscape(), "WEBP", exif=EXIF),
        saved(landscape(), "HEIF", exif=EXIF),
        saved(landscape(), "PNG", exif=EXIF),
    ],
    ids=["exif", "xmp", "comment", "film", "webp", "heic", "png"],
)
def test_what_a_file_tells_besides_is_left_out(told: bytes) -> None:
    bare = bare_jpeg(told)
    assert bare.startswith(b"\xff\xd8") and bare.endswith(b"\xff\xd9")
    assert isinstance(facts_of(bare).position, NoPosition)
    for secret in (b"Ann", b"ftyp", b"GPS", b"Exif", b"adobe"):
        assert secret not in bare
    assert np.abs(pixels(bare) - pixels(as_jpeg(told))).mean() < 8
    assert bare_jpeg(bare) == bare


def test_a_turned_photo_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = saved(landscape((320, 240)), exif=exif)
    assert Image.open(io.BytesIO(bare_jpeg(lying))).size == (240, 320)
