"""Photos go out as they are, or smaller, and under their right name."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from g3lib.candidates.asking.images import data_url


def photo(size: tuple[int, int], kind: str = "JPEG") -> bytes:
    """A plain picture."""
    buffer = BytesIO()
    Image.new("RGB", size, (200, 30, 60)).save(buffer, kind)
    return buffer.getvalue()


def opened(url: str) -> Image.Image:
    """The picture in a data URL."""
    return Image.open(BytesIO(base64.b64decode(url.partition(",")[2])))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_the_mime_type_is_that_of_the_bytes(kind: str) -> None:
    data = photo((20, 10), kind)
    url = data_url(data)
    assert url.startswith(f"data:image/{kind.lower()};base64,")
    assert base64.b64decode(url.partition(",")[2]) == data


def test_bytes_of_no_picture_are_refused_by_their_beginning() -> None:
    with pytest.raises(ValueError, match="neither JPEG, PNG"):
        data_url(b"%PDF-1.7 ...")


def test_a_larger_photo_is_made_to_fit_and_keeps_its_shape() -> None:
    picture = opened(data_url(photo((1200, 600)), longest_side=300))
    assert (picture.size, picture.format) == ((300, 150), "JPEG")
    assert abs(picture.getpixel((150, 75))[0] - 200) < 4  # type: ignore[index]


def test_a_smaller_photo_is_left_alone() -> None:
    data = photo((300, 200), "PNG")
    assert data_url(data, longest_side=300) == data_url(data)
