"""What a file is by its first bytes, whatever its name says; compressed ones are unpacked to a scratch file."""

import bz2
import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from g3lib.images.metadata.table import BadMetadata

LARGEST = 64 << 30  # bytes unpacked; YFCC100M's own table has about 60 GB, a bomb has more
HEAD = 1024  # bytes by which a stranger is known
AGAIN = "fetch it again"
STRANGERS = (
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file it points to",
        "run `git lfs pull`, or download it",
    ),
    (
        b"<",
        "a web page or XML, not a table",
        "the download met a login or error page; fetch it again, signed in",
    ),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or export the sheet as CSV"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"%PDF", "a PDF", AGAIN),
    (b"\x80\x04", "a Python pickle", "pickles are never opened; export it as CSV or Parquet"),
)


def is_parquet(path: Path) -> bool:
    """Whether the file says that it is Parquet."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The text of a table, seekable and unpacked; BadMetadata for what is no table at all."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        packed = {b"\x1f\x8b": gzip.GzipFile, b"BZ": bz2.BZ2File}.get(head[:2])
        if packed is None:
            _refuse_strangers(path, file)
            yield file
            return
        with tempfile.TemporaryFile() as scratch:
            try:
                with packed(fileobj=file) if packed is gzip.GzipFile else packed(file) as unpacked:
                    _copy(path, cast(BinaryIO, unpacked), cast(BinaryIO, scratch))
            except (OSError, EOFError, zlib.error) as problem:
                raise BadMetadata(
                    f"{path}: damaged or cut short while unpacking: {problem}; {AGAIN}"
                ) from problem
            scratch.seek(0)
            _refuse_strangers(path, cast(BinaryIO, scratch))
            yield cast(BinaryIO, scratch)


def _copy(path: Path, source: BinaryIO, target: BinaryIO) -> None:
    while chunk := source.read(1 << 20):
        target.write(chunk)
        if target.tell() > LARGEST:
            raise BadMetadata(
                f"{path}: unpacks to more than {LARGEST:,} bytes; no table of photos is that large"
            )


def _refuse_strangers(path: Path, file: BinaryIO) -> None:
    head = file.read(HEAD)
    file.seek(0)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start and len(head) < HEAD:
        raise BadMetadata(f"{path}: empty; {AGAIN}")
    if not head.strip(b"\0"):
        raise BadMetadata(f"{path}: begins with {len(head)} zero bytes, as a broken download leaves; {AGAIN}")
    for magic, what, remedy in STRANGERS:
        if start.startswith(magic):
            raise BadMetadata(f"{path}: {what}; {remedy}")
