"""Colour histograms, counted by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from g3lib.baselines import BINS, colour_histogram, colour_histograms


def png(pixels: list[tuple[int, int, int]], mode: str = "RGB") -> bytes:
    image = Image.new("RGB", (len(pixels), 1))
    image.putdata(pixels)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, format="PNG")
    return buffer.getvalue()


def cell(red: int, green: int, blue: int) -> int:
    return (red * BINS + green) * BINS + blue


def test_each_pixel_counts_in_its_cell() -> None:
    pixels = [(0, 0, 0), (63, 63, 63), (64, 0, 0), (255, 128, 191)]
    found = colour_histogram(png(pixels))
    expected = np.zeros(64)
    expected[cell(0, 0, 0)], expected[cell(1, 0, 0)], expected[cell(3, 2, 2)] = 0.5**0.5, 0.5, 0.5
    assert found == pytest.approx(expected, abs=1e-7)
    assert found.dtype == np.float32 and np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


def test_the_inner_product_is_the_bhattacharyya_coefficient() -> None:
    black, white, half = (png(each) for each in ([(0,) * 3] * 4, [(255,) * 3] * 4, [(0,) * 3, (255,) * 3]))
    table = [colour_histogram(each) for each in (black, white, half)]
    expected = [[1, 0, 0.5**0.5], [0, 1, 0.5**0.5], [0.5**0.5, 0.5**0.5, 1]]
    assert np.array(table) @ np.array(table).T == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_other_modes_count_as_the_colours_they_show(mode: str) -> None:
    pixels = [(0, 0, 0), (255, 255, 255)]
    assert colour_histogram(png(pixels, mode)).tolist() == colour_histogram(png(pixels)).tolist()


def test_rows_are_in_the_photos_order() -> None:
    photos = [png([(i * 64, 0, 0)]) for i in range(4)]
    table = colour_histograms(iter(photos))
    assert table.shape == (4, 64) and table.dtype == np.float16
    assert table.argmax(axis=1).tolist() == [cell(i, 0, 0) for i in range(4)]
    assert colour_histograms([]).shape == (0, 64)
