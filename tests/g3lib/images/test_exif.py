"""Where a photo was taken: a good position is never lost, a bad one never believed."""

import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import ascii_tag, encoded, gps_tags, jpeg_with, landscape, rationals, saved, tiff, xmp

from g3lib.images.exif import NoPosition, Position, facts_of, position_of, side_car_of
from g3lib.images.exif.tiff import orientation_of
from g3lib.images.exif.xmp import position_in
from g3lib.images.fates import Fate
from g3lib.images.photo import BadPhoto, inspect

TOWER = (48.8582, 2.2945)
NOTHING = rationals((0, 0), (0, 0), (0, 0))
ZERO = rationals((0, 1), (0, 1), (0, 1))


def accepted(data: bytes) -> tuple[float, float]:
    found = position_of(data)
    assert isinstance(found, Position), found
    return found.lat, found.lon


def refused(data: bytes) -> Fate:
    found = position_of(data)
    assert isinstance(found, NoPosition), found
    assert found.detail
    return found.fate


# the strange cases, numbered as they were first written down; none of the files is copied from anywhere


@pytest.mark.parametrize("refs", [(b"N\0", b"E\0"), (b"S\0", b"W\0")])
def test_01_02_zero_island_is_refused_on_either_side(refs: tuple[bytes, bytes]) -> None:
    assert refused(jpeg_with(tiff(gps_tags(ZERO, ZERO, *refs)))) is Fate.GPS_ZERO


def test_03_an_invented_date_does_not_make_zero_a_position() -> None:
    dated = gps_tags(ZERO, ZERO) | {0x1D: ascii_tag(b"2012:01:01\0"), 7: rationals((12, 1), (0, 1), (0, 1))}
    assert refused(jpeg_with(tiff(dated))) is Fate.GPS_ZERO


def test_04_empty_letters_and_nothing_over_nothing() -> None:
    assert refused(jpeg_with(tiff(gps_tags(NOTHING, NOTHING, b"\0\0", b"\0\0")))) is Fate.GPS_NOT_A_NUMBER


def test_05_version_altitude_and_direction_are_no_position() -> None:
    other = {0: (1, 4, b"\2\3\0\0"), 5: (1, 1, b"\0"), 6: rationals((35, 1)), 17: rationals((180, 1))}
    assert refused(jpeg_with(tiff(other))) is Fate.NO_GPS
    assert refused(jpeg_with(tiff(other | {1: ascii_tag(b"N\0"), 2: rationals((48, 1))}))) is Fate.NO_GPS


def test_06_decimal_minutes_with_seconds_nothing_over_nothing() -> None:
    lat = rationals((48, 1), (5_332_358, 100_000), (0, 0))
    lon = rationals((21, 1), (259_506, 100_000), (0, 0))
    assert accepted(jpeg_with(tiff(gps_tags(lat, lon)))) == pytest.approx((48.888726, 21.043251), abs=1e-6)


def test_07_coordinates_as_text_with_decimal_commas() -> None:
    lat, lon = ascii_tag(b"52,00000,50,00000,34,01180\0"), ascii_tag(b"11,00000,10,00000,58,37160\0")
    assert accepted(jpeg_with(tiff(gps_tags(lat, lon)))) == pytest.approx((52.842781, 11.182881), abs=1e-6)


def test_08_seconds_by_the_hundred_thousand() -> None:
    lat = rationals((48, 1), (12, 1), (595_404, 1))
    assert refused(jpeg_with(tiff(gps_tags(lat)))) is Fate.GPS_OUT_OF_RANGE


@pytest.mark.parametrize(
    "refs",
    [(None, None), (None, b"E\0"), (b"N\0", None), (b"\0", b"E\0"), (b"E\0", b"N\0"), (b"?\0", b"E\0")],
)
def test_09_letters_missing_or_senseless(refs: tuple[bytes | None, bytes | None]) -> None:
    assert refused(jpeg_with(tiff(gps_tags(lat_ref=refs[0], lon_ref=refs[1])))) is Fate.GPS_NO_REFERENCE


def test_10_just_south_of_the_equator() -> None:
    lat = rationals((0, 1), (22, 1), (1668, 100))
    found = accepted(jpeg_with(tiff(gps_tags(lat, lat_ref=b"S\0"))))
    assert found == pytest.approx((-0.3713, TOWER[1]), abs=1e-6)


def test_11_12_13_heic_with_its_exif_at_the_end_png_and_webp() -> None:
    exif = tiff(gps_tags())
    for kind in ("HEIF", "PNG", "WEBP", "JPEG"):
        data = saved(landscape(), kind, exif=b"Exif\0\0" + exif)
        assert accepted(data) == pytest.approx(TOWER), kind
        if kind == "HEIF":
            assert data.endswith(exif)  # so that this is the case that it is called


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", "photo.XMP"])
def test_14_a_side_car_is_read_where_the_file_says_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded())
    assert position_of(path) == NoPosition(Fate.NO_EXIF, "it has no EXIF")
    (tmp_path / name).write_bytes(xmp("48,51.492N", "2,17,40.2E"))
    found = position_of(path)
    assert found == Position(pytest.approx(48.8582), pytest.approx(2.2945), "side-car")
    path.write_bytes(jpeg_with(tiff(gps_tags(lat_ref=b"S\0"))))
    assert position_of(path) == Position(pytest.approx(-48.8582), pytest.approx(2.2945), "exif")


def test_15_a_date_with_dashes_costs_no_position() -> None:
    dated = gps_tags() | {0x1D: ascii_tag(b"2019-06-05\0")}
    assert accepted(jpeg_with(tiff(dated))) == pytest.approx(TOWER)


def test_16_damaged_tags_cost_no_position() -> None:
    beyond, senseless = (5, 40, struct.pack(">I", 2**31) * 2), (77, 1, b"abcd")
    exif = bytearray(
        tiff(gps_tags() | {6: (5, 1, bytes(8)), 0: senseless}, {0x010F: beyond, 0x0112: senseless})
    )
    at = exif.index(struct.pack(">HHI", 6, 5, 1)) + 8
    exif[at : at + 4] = b"\xff\xff\xff\xf0"  # an altitude beyond the end
    assert accepted(jpeg_with(bytes(exif))) == pytest.approx(TOWER)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_17_18_19_a_photo_cut_short_tells_where_it_was_taken_but_is_no_photo(kind: str) -> None:
    data = saved(landscape(), kind, exif=b"Exif\0\0" + tiff(gps_tags()))
    cut = data[: len(data) * 2 // 3]
    assert accepted(cut) == pytest.approx(TOWER)
    with pytest.raises(BadPhoto, match="truncated") as caught:
        inspect(cut)
    assert caught.value.fate is Fate.DOES_NOT_DECODE


@pytest.mark.parametrize("order", "<>")
def test_20_a_raw_file_tells_its_position_and_is_no_photo(order: str) -> None:
    lat = rationals((48, 1), (51, 1), (2952, 100), order=order)
    lon = rationals((2, 1), (17, 1), (4020, 100), order=order)
    raw = tiff(gps_tags(lat, lon), order=order)
    assert accepted(raw) == pytest.approx(TOWER)
    with pytest.raises(BadPhoto, match="TIFF or raw") as caught:
        inspect(raw)
    assert caught.value.fate is Fate.NOT_AN_IMAGE


def test_21_22_pages_and_empty_files() -> None:
    assert refused(b"<!DOCTYPE html><html>not found</html>") is Fate.NOT_AN_IMAGE
    assert refused(b"") is Fate.EMPTY


# and what else people's files hold


@pytest.mark.parametrize(
    "refs",
    [(b"n\0", b"e\0"), (b"N", b"E"), (b"N \0", b" E\0"), (b"North\0", b"EAST\0"), (b"N\0\0\0", b"E\0\0")],
)
def test_letters_may_be_written_in_many_ways(refs: tuple[bytes, bytes]) -> None:
    assert accepted(jpeg_with(tiff(gps_tags(lat_ref=refs[0], lon_ref=refs[1])))) == pytest.approx(TOWER)


def test_letters_may_be_stored_as_bytes() -> None:
    tags = gps_tags() | {1: (1, 2, b"S\0"), 3: (1, 2, b"W\0")}
    assert accepted(jpeg_with(tiff(tags))) == pytest.approx((-TOWER[0], -TOWER[1]))


def signed(*numbers: int) -> tuple[int, int, bytes]:
    return 10, len(numbers), b"".join(struct.pack(">ii", number, 1) for number in numbers)


def test_a_sign_may_repeat_its_letter_but_not_contradict_it() -> None:
    assert accepted(jpeg_with(tiff(gps_tags(signed(-33, 30, 0), lat_ref=b"S\0"))))[0] == -33.5
    assert accepted(jpeg_with(tiff(gps_tags(signed(-33, -30, 0), lat_ref=b"S\0"))))[0] == -33.5
    assert accepted(jpeg_with(tiff(gps_tags(signed(0, -30, 0), lat_ref=b"S\0"))))[0] == -0.5
    assert refused(jpeg_with(tiff(gps_tags(signed(-33, 30, 0))))) is Fate.GPS_OUT_OF_RANGE
    assert refused(jpeg_with(tiff(gps_tags(signed(33, -30, 0))))) is Fate.GPS_OUT_OF_RANGE


DOUBLE = (12, 1, struct.pack(">d", 48.8582))


@pytest.mark.parametrize(
    ("lat", "expected"),
    [
        (rationals((488_582, 10_000)), 48.8582),
        (rationals((488_582, 10_000), (0, 1), (0, 1)), 48.8582),
        (rationals((488_582, 10_000), (0, 0), (0, 0)), 48.8582),
        (rationals((48, 1), (51, 1), (60, 1)), 48 + 52 / 60),  # rounded up, no more
        (DOUBLE, 48.8582),
        (ascii_tag(b"48.8582\0"), 48.8582),
        (ascii_tag(b"48,8582\0"), 48.8582),
        (ascii_tag(b"48 51 29.52\0"), 48.8582),
        (ascii_tag(b"48,00 51,00 29,52\0"), 48.8582),
        (ascii_tag(b"48,51,29.52\0"), 48.8582),
        ((2, 18, "48°51'29.52\"".encode().ljust(18, b"\0")), None),  # UTF-8 in ASCII: Â° is no degree sign
    ],
)
def test_degrees_come_in_many_forms(lat: tuple[int, int, bytes], expected: float | None) -> None:
    data = jpeg_with(tiff(gps_tags(lat)))
    if expected is None:
        assert refused(data) is Fate.GPS_NOT_A_NUMBER
    else:
        assert accepted(data)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lat", "fate"),
    [
        (rationals((48, 1), (0, 0), (0, 0)), Fate.GPS_NOT_A_NUMBER),  # whole degrees alone would be a guess
        (rationals((48, 1), (51, 1), (29, 0)), Fate.GPS_NOT_A_NUMBER),
        (rationals((0, 0), (51, 1), (29, 1)), Fate.GPS_NOT_A_NUMBER),
        (rationals((48, 1), (51, 1), (29, 1), (1, 1)), Fate.GPS_NOT_A_NUMBER),
        (ascii_tag(b"unknown\0"), Fate.GPS_NOT_A_NUMBER),
        (ascii_tag(b"52,00000,50,00000\0"), Fate.GPS_NOT_A_NUMBER),
        (ascii_tag(b"48/1,51/1,29/1\0"), Fate.GPS_NOT_A_NUMBER),
        (ascii_tag(b" \0\0\0\0\0"), Fate.GPS_NOT_A_NUMBER),
        ((12, 1, struct.pack(">d", float("nan"))), Fate.GPS_NOT_A_NUMBER),
        ((12, 1, struct.pack(">d", float("inf"))), Fate.GPS_NOT_A_NUMBER),
        (rationals((48, 1), (61, 1), (0, 1)), Fate.GPS_OUT_OF_RANGE),
        (rationals((151, 1), (12, 1), (0, 1)), Fate.GPS_OUT_OF_RANGE),  # a longitude in latitude's place
        (rationals((2**32 - 33, 1), (12, 1), (0, 1)), Fate.GPS_OUT_OF_RANGE),  # a negative number, unsigned
    ],
)
def test_what_is_not_surely_a_latitude_is_refused(lat: tuple[int, int, bytes], fate: Fate) -> None:
    assert refused(jpeg_with(tiff(gps_tags(lat)))) is fate


def test_the_antimeridian_has_one_name() -> None:
    assert accepted(jpeg_with(tiff(gps_tags(lon=rationals((180, 1))))))[1] == -180
    assert refused(jpeg_with(tiff(gps_tags(lon=rationals((1_800_001, 10_000)))))) is Fate.GPS_OUT_OF_RANGE


def test_exif_without_gps_and_no_exif() -> None:
    assert refused(jpeg_with(tiff())) is Fate.NO_GPS
    assert refused(encoded()) is Fate.NO_EXIF
    assert refused(encoded(kind="GIF")) is Fate.NO_EXIF
    assert refused(jpeg_with(b"garbage!")) is Fate.NO_EXIF
    for pointer in (
        (4, 1, b"\xff\xff\xff\xff"),
        (9, 1, b"\xff\xff\xff\xff"),
        rationals((0, 0)),
        rationals((1, 0)),
    ):
        assert refused(jpeg_with(tiff(first={0x8825: pointer}))) is Fate.NO_GPS


def test_png_keeps_exif_in_texts_too() -> None:
    from PIL import PngImagePlugin

    exif, texts = b"Exif\0\0" + tiff(gps_tags()), PngImagePlugin.PngInfo()
    digits = exif.hex()
    texts.add_text("Raw profile type exif", f"\nexif\n{len(exif):8d}\n{digits}\n", zip=True)
    assert accepted(saved(landscape(), "PNG", pnginfo=texts)) == pytest.approx(TOWER)
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp("48,51.492N", "2,17.67E").decode(), zip=True)
    assert accepted(saved(landscape(), "PNG", pnginfo=texts)) == pytest.approx(TOWER)


@pytest.mark.parametrize("as_elements", [True, False])
def test_xmp_within_the_file_helps_where_exif_fails(as_elements: bool) -> None:
    packet = xmp("48,51.492N", "2,17.67W", as_elements)
    for exif in (b"", tiff(), tiff(gps_tags(ZERO, ZERO))):
        found = position_of(jpeg_with(exif, packet))
        assert found == Position(pytest.approx(48.8582), pytest.approx(-2.2945), "xmp")


@pytest.mark.parametrize(
    ("latitude", "fate"),
    [
        ("48.8582", Fate.GPS_NO_REFERENCE),
        ("48,51.492", Fate.GPS_NO_REFERENCE),
        ("north", Fate.GPS_NOT_A_NUMBER),
        ("N", Fate.GPS_NOT_A_NUMBER),
        ("95,51.492N", Fate.GPS_OUT_OF_RANGE),
        ("", Fate.NO_GPS),
    ],
)
def test_xmp_is_judged_like_exif(latitude: str, fate: Fate) -> None:
    assert refused(jpeg_with(tiff(), xmp(latitude, "2,17.67E"))) is fate


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_xmp_that_declares_entities_is_not_read(encoding: str) -> None:
    laughing = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    )
    data = (laughing + xmp("48,51.492N", "2,17.67E").decode().partition("?>")[2]).encode(encoding)
    found = position_of(jpeg_with(b"", data))
    assert isinstance(found, NoPosition) and found.fate is Fate.NO_EXIF
    told = position_in(data, "xmp")
    assert isinstance(told, NoPosition) and "document type" in told.detail


@pytest.mark.parametrize(
    "packet", [b"<a", b"", b"<?xml version='1.0' encoding='klingon'?><a/>", bytes(5_000_000)]
)
def test_xmp_that_cannot_be_read_is_no_position(packet: bytes) -> None:
    found = position_in(packet, "xmp")
    assert isinstance(found, NoPosition) and found.fate is Fate.NO_GPS


def test_photographer_and_licence() -> None:
    names = {0x013B: ascii_tag("Zoë\0".encode()), 0x8298: ascii_tag(b" \0CC BY 4.0\0")}
    facts = facts_of(jpeg_with(tiff(gps_tags(), names)))
    assert (facts.author, facts.licence) == ("Zoë", "CC BY 4.0")
    assert facts_of(jpeg_with(tiff(gps_tags(), {0x013B: ascii_tag(b"Zo\xeb\0")}))).author == "Zoë"
    assert facts_of(encoded()).author == facts_of(b"").licence == ""


@pytest.mark.parametrize("value", [(3, 1, b"\0\6"), (4, 1, b"\0\0\0\6")])
def test_orientation(value: tuple[int, int, bytes]) -> None:
    assert orientation_of(tiff(first={0x0112: value})) == 6


@pytest.mark.parametrize(
    "value", [(3, 1, b"\0\x09"), (3, 0, b""), (2, 1, b"6"), (12, 1, struct.pack(">d", 1e300))]
)
def test_senseless_orientations_are_upright(value: tuple[int, int, bytes]) -> None:
    assert orientation_of(tiff(first={0x0112: value})) == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = position_of(tmp_path / "gone.jpg")
    assert isinstance(found, NoPosition) and found.fate is Fate.UNREADABLE and "gone.jpg" in found.detail


def test_a_huge_side_car_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.xmp").write_bytes(b" " * 5_000_000)
    assert len(side_car_of(tmp_path / "photo.jpg")) < 5_000_000


WHOLE = {
    kind: saved(landscape((64, 48)), kind, exif=b"Exif\0\0" + tiff(gps_tags()))
    for kind in ("JPEG", "PNG", "WEBP", "HEIF")
} | {"DNG": tiff(gps_tags()), "XMP": jpeg_with(b"", xmp("48,51.492N", "2,17.67E"))}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
def test_damaged_files_give_a_position_on_earth_or_a_reason(
    kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(WHOLE[kind])
    for where, byte in changes:
        data[int(where**2 * len(data))] = byte
    found = facts_of(bytes(data[: int(kept * len(data)) + 1])).position
    if isinstance(found, Position):
        assert -90 <= found.lat <= 90 and -180 <= found.lon < 180 and (found.lat, found.lon) != (0, 0)
    else:
        assert found.detail


def test_hostile_files_are_read_in_no_time() -> None:
    number_tags = {tag: (1, 60_000, bytes(60_000)) for tag in range(40_000, 40_020)}
    assert refused(tiff(first=number_tags)) is Fate.NO_GPS
    text = xmp("&#78;" * 100_000, "2,17.67E", as_elements=True)
    assert refused(jpeg_with(tiff(), text[:60_000])) is Fate.NO_GPS
    chunk = b"zTXtXML:com.adobe.xmp\0\0" + zlib.compress(bytes(50_000_000))
    part = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    png = encoded(kind="PNG")
    started = time.perf_counter()
    assert refused(png[:33] + part * 200 + png[33:]) is Fate.NO_EXIF
    assert position_in(text, "xmp") == NoPosition(Fate.GPS_NOT_A_NUMBER, f"its latitude is {'N' * 99!r}")
    assert time.perf_counter() - started < 5
