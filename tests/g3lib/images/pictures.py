"""Small photos and tars of them."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from g3lib.images import Photo


def encoded(seed: int = 0, kind: str = "JPEG", size: tuple[int, int] = (32, 24)) -> bytes:
    """A photo of noise, width x height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def photo(number: int, data: bytes | None = None, photo_id: str | None = None) -> Photo:
    """The photo of that number, somewhere on Earth."""
    data = encoded(number) if data is None else data
    return Photo(photo_id or f"p{number}", data, float(number), -float(number), f"a{number}", "CC BY 2.0")


def write_tar(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> None:
    """A tar of these members as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))


def member(name: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """A plain file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, data


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A link, device or folder."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""
