"""Ids written in another way are found where that leaves no choice."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.results.outside.identity import AS_IT_STANDS, matched

PHOTOS = pl.Series(
    ["4f/a0/3963216890.jpg", "b.jpg", "B.png", "0012.jpg", "sub/c.jpeg", "d", "x/e.jpg", "y/e.jpg"]
)


@pytest.mark.parametrize(
    ("found", "photo", "rule"),
    [
        ("b.jpg", "b.jpg", AS_IT_STANDS),
        ("4f_a0_3963216890.jpg", "4f/a0/3963216890.jpg", "with / as _"),
        ("4f_a0_3963216890", "4f/a0/3963216890.jpg", "with / as _, but for the extension"),
        ("3963216890", "4f/a0/3963216890.jpg", "but for folders and the extension"),
        ("C:\\photos\\b.jpg", "b.jpg", "but for folders"),
        ("12.0", "0012.jpg", "as a number"),
        ("d.webp", "d", "but for the extension"),
        ("D", "d", "as it stands, in small letters"),
        ("SUB/C.JPEG", "sub/c.jpeg", "as it stands, in small letters"),
        ("e.jpg", None, None),  # of two folders
        ("b", "b.jpg", "but for the extension"),  # B is another
        ("nobody.jpg", None, None),
        (None, None, None),
        ("", None, None),
    ],
)
def test_rules(found: str | None, photo: str | None, rule: str | None) -> None:
    assert matched(pl.Series([found], dtype=pl.String), PHOTOS).row(0) == (photo, rule)


def test_case_does_not_choose_between_two_photos() -> None:
    photos = pl.Series(["ab.jpg", "Ab.jpg", "cd.jpg"])
    assert matched(pl.Series(["AB.jpg", "AB", "CD"]), photos)["photo_id"].to_list() == [None, None, "cd.jpg"]


def test_a_stricter_match_keeps_its_photo() -> None:
    found = matched(pl.Series(["train/b.jpg", "b.jpg"]), PHOTOS)
    assert found["photo_id"].to_list() == [None, "b.jpg"]


def test_the_same_id_twice_is_found_twice() -> None:
    found = matched(pl.Series(["x/b.jpg", "x/b.jpg", None]), PHOTOS)
    assert found["photo_id"].to_list() == ["b.jpg", "b.jpg", None]


NAMES = st.text("aAb0/\\_. ", max_size=5)


@given(st.lists(NAMES, max_size=8), st.lists(NAMES, max_size=8, unique=True))
def test_what_is_equal_is_found_and_nothing_is_invented(found: list[str], photos: list[str]) -> None:
    answer = matched(pl.Series(found, dtype=pl.String), pl.Series(photos, dtype=pl.String))
    assert answer.height == len(found)
    for name, photo, rule in zip(found, *answer, strict=True):
        assert photo is None or photo in photos
        assert (photo is None) == (rule is None)
        if name in photos and name:
            assert (photo, rule) == (name, AS_IT_STANDS)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True), st.data())
def test_folders_and_extensions_are_told_off(numbers: list[int], data: st.DataObject) -> None:
    photos = [f"{number}.jpg" for number in numbers]
    prefix = data.draw(st.sampled_from(["", "images/", "/home/ann/x y/", "c:\\set\\"]))
    suffix = data.draw(st.sampled_from(["", ".png", ".JPG", ".jpg"]))
    found = [f"{prefix}{number}{suffix}" for number in numbers]
    assert matched(pl.Series(found), pl.Series(photos))["photo_id"].to_list() == photos
