"""Pictures in a report: upright, small, and nothing but pixels."""

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image
from synthetic_home import BENCHMARK, HOSTILE, SyntheticHome

from g3lib.images import upright
from g3lib.results.report.photos import LOOKS, Library, Look, small
from g3lib.results.report.reading import opened

pytestmark = pytest.mark.xdist_group("report")
ORIENTATION, MAKER, GPS = 274, 271, 34853


def with_exif() -> bytes:
    """A photo that lies on its side, left half red, and says where it was taken."""
    image = Image.new("RGB", (200, 100), "blue")
    image.paste("red", (0, 0, 100, 100))
    exif = image.getexif()
    exif[ORIENTATION], exif[MAKER] = 6, "A camera of mine"
    exif.get_ifd(GPS)[1] = "N"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, icc_profile=b"a profile of 20 bytes")
    return buffer.getvalue()


def test_a_picture_stands_upright_and_tells_nothing_of_its_photographer() -> None:
    data = small(with_exif(), Look(64, 60))
    assert data is not None
    assert b"camera" not in data and b"profile of" not in data and b"Exif" not in data
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.size == (32, 64)
    top, bottom = image.getpixel((16, 8)), image.getpixel((16, 56))
    assert top[0] > 150 > top[2] and bottom[2] > 150 > bottom[0]  # type: ignore[index]


def test_a_large_photo_gives_the_same_picture_though_it_is_decoded_smaller() -> None:
    across = np.linspace(0, 255, 2000).astype(np.uint8)
    large = Image.fromarray(
        np.stack([np.tile(across, (1500, 1)), np.tile(across[:1500, None], (1, 2000))] * 2, -1)[..., :3]
    )
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=95)
    assert upright(buffer.getvalue(), 100).size == (250, 188)
    found = Image.open(io.BytesIO(small(buffer.getvalue(), Look(100, 90)) or b"")).convert("RGB")
    wanted = upright(buffer.getvalue()).resize(found.size, Image.Resampling.BICUBIC)
    assert found.size == (100, 75)
    assert np.abs(np.asarray(found, float) - np.asarray(wanted, float)).mean() < 2


def test_what_is_no_photo_has_no_picture() -> None:
    assert small(b"GIF89a but not really", LOOKS[0]) is None


def test_pictures_are_found_whatever_the_photos_are_called(synthetic: SyntheticHome) -> None:
    with opened(synthetic.home) as source:
        library = Library(source)
        found = library.pictures(BENCHMARK, [*HOSTILE, "not there"], LOOKS[-1])
    assert set(found) == set(HOSTILE)
    assert library.problems == []
    assert all(Image.open(io.BytesIO(data)).format == "AVIF" for data in found.values())


def test_better_looks_take_more_room(synthetic: SyntheticHome) -> None:
    with opened(synthetic.home) as source:
        ids = source.rows("select photo_id from results.query order by photo_id")["photo_id"].to_list()[-8:]
        sizes = [
            sum(map(len, Library(source).pictures(BENCHMARK, ids, look).values()))
            for look in (LOOKS[-1], LOOKS[0])
        ]
    assert sizes[0] < sizes[1]
    assert pl.Series([look.pixels for look in LOOKS]).is_sorted(descending=True)
