"""Bytes from outside: either a photo, seen upright, or a named reason; and a hash that knows a picture again."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pictures import encoded, jpeg_with, landscape, saved, tiff
from PIL import Image, ImageFile, ImageOps

from g3lib.images.fates import Fate
from g3lib.images.photo import MAXIMUM_PIXELS, BadPhoto, Limits, inspect, upright

ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "HEIF": "heic"}
GOOD = {kind: encoded(kind=kind) if kind != "HEIF" else saved(landscape((64, 48)), kind) for kind in ENDINGS}
ANY = Limits()


def fate_of(data: bytes, limits: Limits = ANY) -> Fate:
    with pytest.raises(BadPhoto) as caught:
        inspect(data, limits)
    assert caught.value.detail and "object at 0x" not in caught.value.detail
    return caught.value.fate


def fully_decoded(data: bytes) -> bool:
    """What Pillow says when it decodes every pixel at full size."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize("kind", ENDINGS)
def test_photos_have_a_size_and_an_ending(kind: str) -> None:
    found = inspect(GOOD[kind])
    assert (found.width, found.height) == ((64, 48) if kind == "HEIF" else (32, 24))
    assert found.extension == ENDINGS[kind] and 0 <= found.dhash < 2**64


@pytest.mark.parametrize(
    "data",
    [b"\0", b"<html>404 Not Found</html>", bytes(6000), b"%!PS-Adobe-3.0 EPSF-3.0\n", b"RIFF\0\0\0\0WAVE"],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    assert fate_of(data) is Fate.NOT_AN_IMAGE


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "EPS", "BMP", "ICNS", "AVIF"])
def test_formats_that_photos_do_not_come_in_never_meet_their_decoder(kind: str) -> None:
    assert fate_of(saved(Image.new("RGB", (32, 32)), kind)) is Fate.NOT_AN_IMAGE


def test_sizes_in_bytes() -> None:
    data = GOOD["JPEG"]
    assert fate_of(b"") is Fate.EMPTY
    assert fate_of(data, Limits(minimum_bytes=len(data) + 1)) is Fate.TOO_FEW_BYTES
    assert fate_of(data, Limits(maximum_bytes=len(data) - 1)) is Fate.TOO_MANY_BYTES
    assert inspect(data, Limits(minimum_bytes=len(data), maximum_bytes=len(data))).width == 32


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_photo_cut_short_is_refused(kind: str) -> None:
    assert fate_of(GOOD[kind][: len(GOOD[kind]) // 2]) is Fate.DOES_NOT_DECODE


# JPEG is reconstructed at a fraction of its size: the verdict must be that of a full decode

JPEGS = {
    "baseline": saved(landscape((333, 222)), quality=70),
    "progressive": saved(landscape((333, 222)), quality=70, progressive=True),
    "restarts": saved(landscape((333, 222)), quality=70, restart_marker_rows=1),
    "full chroma": saved(landscape((333, 222)), quality=90, subsampling=0),
    "grey": saved(landscape((333, 222)).convert("L")),
    "CMYK": saved(landscape((333, 222)).convert("CMYK")),
}


def verdict(data: bytes) -> bool:
    try:
        inspect(data)
    except BadPhoto as problem:
        assert problem.fate in (Fate.DOES_NOT_DECODE, Fate.NOT_AN_IMAGE)
        return False
    return True


@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_cut_anywhere_gets_the_verdict_of_a_full_decode(kind: str) -> None:
    data = JPEGS[kind]
    cuts = [*range(3, len(data) - 80, 1 + len(data) // 80), *range(len(data) - 80, len(data) + 1)]
    assert [cut for cut in cuts if verdict(data[:cut]) != fully_decoded(data[:cut])] == []
    assert not verdict(data[: len(data) * 9 // 10])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(JPEGS)), st.lists(st.tuples(st.floats(0.02, 1), st.integers(0, 255)), min_size=1)
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_a_jpeg_with_changed_bytes_gets_the_verdict_of_a_full_decode(
    kind: str, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(JPEGS[kind])
    for where, byte in changes:
        data[int(where * (len(data) - 1))] = byte
    assert verdict(bytes(data)) == fully_decoded(bytes(data))


# bombs


def png_claiming(width: int, height: int, chunk: bytes = b"") -> bytes:
    """A PNG of a few bytes that claims any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (header, *([chunk] if chunk else []), b"IDAT" + zlib.compress(b""), b"IEND")
    parts = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def webp_claiming(width: int, height: int) -> bytes:
    data = bytearray(saved(Image.new("RGBA", (16, 16), (1, 2, 3, 4)), "WEBP", exif=b"Exif\0\0"))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return bytes(data)


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(GOOD["JPEG"])
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


BOMBS = {
    "wide": png_claiming(MAXIMUM_PIXELS, 2),
    "just": png_claiming(10_001, 10_000),
    "largest": png_claiming(2**31 - 1, 2**31 - 1),
    "webp": webp_claiming(16_383, 16_383),
    "jpeg": jpeg_claiming(65_000, 65_000),
    "gif": GOOD["GIF"][:6] + struct.pack("<HH", 65_535, 65_535) + GOOD["GIF"][10:],
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(name: str) -> None:
    assert fate_of(BOMBS[name]) is Fate.TOO_MANY_PIXELS  # decoded, it would be DOES_NOT_DECODE


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_smaller_limit_counts(kind: str) -> None:
    pixels = inspect(GOOD[kind]).width * inspect(GOOD[kind]).height
    assert fate_of(GOOD[kind], Limits(maximum_pixels=pixels - 1)) is Fate.TOO_MANY_PIXELS
    assert inspect(GOOD[kind], Limits(maximum_pixels=pixels)).width >= 32


def heic_claiming(width: int, height: int) -> bytes:
    data = bytearray(GOOD["HEIF"])
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


@pytest.mark.parametrize("size", [(32_000, 32_000), (2**31, 2**31)])
def test_a_heic_that_claims_more_than_it_holds_is_refused(size: tuple[int, int]) -> None:
    assert fate_of(heic_claiming(*size)) in (Fate.TOO_MANY_PIXELS, Fate.DOES_NOT_DECODE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_only_the_first_frame_counts(kind: str) -> None:
    frames = [landscape((64, 48), seed) for seed in range(5)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=40)
    assert inspect(data).width == 64
    assert inspect(data).dhash == inspect(saved(frames[0], "PNG")).dhash or kind != "PNG"
    cut = data[: len(data) * 4 // 5]
    if kind == "GIF":  # a later frame is cut: the first is whole
        assert inspect(cut).width == 64


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = JPEGS["progressive"]
    last = data[data.rindex(b"\xff\xda") : -2]
    assert inspect(data[:-2] + last * 20 + data[-2:]).width == 333
    assert fate_of(data[:-2] + last * 100 + data[-2:]) is Fate.DOES_NOT_DECODE
    assert (
        inspect(data + last * 200).width == 333
    )  # behind the end lies a video, or what else a camera appends


# upright


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_seen_as_their_photographer_saw_them(kind: str, orientation: int) -> None:
    exif = b"Exif\0\0" + tiff(first={0x0112: (3, 1, struct.pack(">H", orientation))})
    data = saved(landscape((64, 48)), kind, exif=exif)
    found, seen = inspect(data), upright(data)
    with Image.open(io.BytesIO(data)) as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    assert (found.width, found.height) == seen.size == expected.size
    assert seen.size == ((48, 64) if orientation >= 5 else (64, 48))
    assert seen.tobytes() == expected.tobytes() and seen.mode == "RGB"
    assert (found.dhash ^ inspect(saved(seen, "PNG")).dhash).bit_count() <= 3


def test_heic_is_turned_once() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(landscape((64, 48)), "HEIF", exif=exif.tobytes(), quality=90)
    found = inspect(data)
    assert (found.width, found.height) == upright(data).size == (48, 64)
    turned = landscape((64, 48)).transpose(Image.Transpose.ROTATE_270)
    assert abs(np.asarray(upright(data), int) - np.asarray(turned, int)).mean() < 10


def test_what_is_transparent_shows_white() -> None:
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    for kind in ("PNG", "WEBP"):
        assert upright(saved(clear, kind, **({"lossless": True} if kind == "WEBP" else {}))).getpixel(
            (3, 3)
        ) == (
            255,
            255,
            255,
        )
    palette = landscape((16, 16)).quantize(8)
    palette.info["transparency"] = bytes(8)
    assert upright(saved(palette, "PNG", transparency=bytes(8))).getcolors() == [(256, (255, 255, 255))]
    half = Image.new("LA", (16, 16), (0, 128))
    assert upright(saved(half, "PNG")).getpixel((0, 0)) == (127, 127, 127)


def test_sixteen_bits_of_grey_keep_their_upper_eight() -> None:
    ramp = np.linspace(0, 65_535, 256, dtype=np.uint16)[None].repeat(16, 0)
    seen = upright(saved(Image.fromarray(ramp), "PNG"))
    assert np.array_equal(np.asarray(seen)[0, :, 0], ramp[0] >> 8)
    assert inspect(saved(Image.fromarray(ramp[:, ::-1].copy()), "PNG")).dhash == 2**64 - 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    picture = Image.new("RGB", (64, 48), "white")
    picture.paste((250, 250, 250), (0, 0, 32, 48))
    picture.paste("black", (0, 24, 64, 48))
    seen = upright(saved(picture.convert(mode), kind))
    assert seen.mode == "RGB" and seen.size == (64, 48)
    assert abs(np.asarray(seen, int) - np.asarray(picture, int)).mean() < 5


def test_upright_names_what_is_wrong() -> None:
    for data, fate in (
        (b"", Fate.EMPTY),
        (b"<html>", Fate.NOT_AN_IMAGE),
        (BOMBS["jpeg"], Fate.TOO_MANY_PIXELS),
    ):
        with pytest.raises(BadPhoto) as caught:
            upright(data)
        assert caught.value.fate is fate
    with pytest.raises(BadPhoto, match="truncated"):
        upright(JPEGS["baseline"][:-1000])


# the hash


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.floats(0.4, 1.5), st.integers(50, 95), st.sampled_from(["JPEG", "WEBP", "PNG"])
)
def test_a_picture_is_known_again_at_another_size_and_quality(
    seed: int, scale: float, quality: int, kind: str
) -> None:
    original = landscape((400, 300), seed)
    again = original.resize((int(400 * scale), int(300 * scale)), Image.Resampling.LANCZOS)
    first = inspect(saved(original, "JPEG", quality=92)).dhash
    second = inspect(saved(again, kind, **({} if kind == "PNG" else {"quality": quality}))).dhash
    assert (first ^ second).bit_count() <= 3


def test_the_hash_reads_rows_from_the_top_left() -> None:
    cells = np.tile(np.arange(9, dtype=np.uint8) * 20, (8, 1))  # brighter to the right everywhere
    cells[0, 0], cells[7, 8] = 255, 0
    picture = Image.fromarray(cells.repeat(16, 0).repeat(16, 1))
    assert inspect(saved(picture, "PNG")).dhash == 1 << 63 | 1
    assert inspect(saved(Image.new("RGB", (64, 64), "grey"), "PNG")).dhash == 0


def test_different_pictures_hash_differently() -> None:
    hashes = [inspect(saved(landscape(seed=seed))).dhash for seed in range(12)]
    assert min((a ^ b).bit_count() for a in hashes for b in hashes if a != b) > 8


# manners


def test_nothing_warns_and_pillow_stays_as_it_is() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, dict(Image.OPEN))
    damaged = tiff(first={0x011A: (5, 1, b"\xff" * 8), 0x0128: (3, 1, b"\0\2")})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inspect(jpeg_with(damaged[:-9])).width == 32
        assert fate_of(png_claiming(9_500, 9_500)) is Fate.DOES_NOT_DECODE  # Pillow would warn of its size
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, dict(Image.OPEN)) == before
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_threads_find_what_one_finds() -> None:
    photos = [saved(landscape((160, 120), seed), kind) for seed in range(6) for kind in ENDINGS]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(inspect, photos)) == [inspect(each) for each in photos]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(ENDINGS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0, 1),
)
@example("PNG", [(8 / len(GOOD["PNG"]) + 0.0001 * i, 0) for i in range(4)], 1.0)
@pytest.mark.filterwarnings("ignore:Invalid APNG")
def test_damaged_photos_decode_or_have_a_reason(
    kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(GOOD[kind])
    for where, byte in changes:
        data[int(where**3 * len(data))] = byte  # headers, which lie in front, matter most
    data = data[: max(1, int(kept * len(data)))]
    try:
        found = inspect(bytes(data), Limits(maximum_pixels=1_000_000))
        assert upright(bytes(data)).size == (found.width, found.height)
    except BadPhoto as problem:
        assert problem.detail and problem.fate is not Fate.STORED


def test_a_png_with_a_short_header_is_refused() -> None:
    header = b"IHDR\0\0\0\1"
    short = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 4) + header + struct.pack(">I", zlib.crc32(header))
    assert fate_of(short) is Fate.DOES_NOT_DECODE
