"""Zips, tars and folders behind one door: what lies in them, and one file's bytes. Nothing is unpacked by its name."""

import gzip
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from g3lib.images.archives.names import unsafe
from g3lib.images.archives.seams import origin_of
from g3lib.images.archives.slices import LOCAL_CHUNK, Slices
from g3lib.images.archives.tar_headers import BrokenTar, Kind, Member, is_header, next_member, padded
from g3lib.images.archives.tar_stream import LeapReader, StreamReader, members
from g3lib.images.fates import Fate
from g3lib.images.photo import MAXIMUM_BYTES, BadPhoto

BOMB_RATIO = 100  # no photo shrinks to a hundredth
BOMB_BYTES = 1 << 20  # below, a ratio tells nothing


class BrokenArchive(ValueError):
    """An archive that is damaged, or of a kind not read here: names it, what was found, the remedy."""


class Entry(NamedTuple):
    """One thing in an archive; `problem` is why it can be no photo, whatever its bytes."""

    path: str
    origin: str
    size: int
    problem: tuple[Fate, str] | None
    key: int  # by which its container finds it


class Container(AbstractContextManager["Container"], Protocol):
    """An archive that is open."""

    def entries(self) -> Iterator[Entry]:
        """What lies in it, in its order; folders too, if the archive names them."""
        ...

    def read(self, entry: Entry) -> bytes:
        """A file's bytes; raises BadPhoto with the fate if they cannot be had."""
        ...


def opened(archive: Path, wanted: Callable[[str], bool] = lambda _: True) -> Container:
    """A zip, a tar (plain or gzip) or a folder; of a gzip, which cannot be leapt in, only `wanted` paths are kept.

    Raises FileNotFoundError, or BrokenArchive for any other kind of file.
    """
    if archive.is_dir():
        return Folder(archive)
    if not archive.exists():
        raise FileNotFoundError(f"{archive} is missing; put the archive, or its unpacked folder, there")
    with archive.open("rb") as handle:
        head = handle.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Zip(archive)
    if head.startswith(b"\x1f\x8b"):
        return GzipTar(archive, wanted)
    if is_header(head):
        return Tar(archive)
    raise BrokenArchive(
        f"{archive}: begins with {head[:8]!r}: neither zip, tar nor tar.gz; unpack it to a folder"
    )


def _problem(path: str, size: int) -> tuple[Fate, str] | None:
    if climbs := unsafe(path):
        return Fate.UNSAFE_NAME, climbs
    if size > MAXIMUM_BYTES:
        return Fate.TOO_MANY_BYTES, f"{size} bytes, at most {MAXIMUM_BYTES}"
    return None


class _Open:
    """A context with things to close."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Zip(_Open):
    """A zip, read by its central directory; CRCs are checked as bytes are read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            self._zip = self._stack.enter_context(zipfile.ZipFile(path))
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as problem:
            raise BrokenArchive(f"{path}: a damaged zip: {problem}; fetch it again") from problem
        self._infos = self._zip.infolist()

    def entries(self) -> Iterator[Entry]:
        """Files and folders as the central directory lists them."""
        for key, info in enumerate(self._infos):
            path = info.orig_filename  # `filename` hides what follows a NUL
            yield Entry(path, path, info.file_size, self._found(info), key)

    def _found(self, info: zipfile.ZipInfo) -> tuple[Fate, str] | None:
        kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
        if info.is_dir() or kind not in (0, stat.S_IFREG):
            return Fate.NOT_A_FILE, "a folder" if info.is_dir() else "a link or device"
        if info.flag_bits & 1:
            return Fate.UNREADABLE, "encrypted"
        if info.file_size > max(BOMB_BYTES, BOMB_RATIO * info.compress_size):
            return Fate.TOO_MANY_BYTES, f"{info.compress_size} bytes that claim to be {info.file_size}"
        return _problem(info.orig_filename, info.file_size)

    def read(self, entry: Entry) -> bytes:
        """A file's bytes, never more than the directory claims."""
        import lzma

        try:
            with self._zip.open(self._infos[entry.key]) as handle:
                data = handle.read(entry.size)
                handle.read(1)  # the end is where the CRC is looked at
        except zipfile.BadZipFile as problem:
            raise BadPhoto(Fate.WRONG_DIGEST, str(problem)) from problem
        except (zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError) as problem:
            raise BadPhoto(Fate.DOES_NOT_DECODE, f"the zip does not unpack: {problem}") from problem
        if len(data) != entry.size:
            raise BadPhoto(Fate.CUT_SHORT, f"{len(data)} of {entry.size} bytes")
        return data


class Tar(_Open):
    """An uncompressed tar: its headers by leaps, then each file's bytes where they lie."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._data = self._stack.enter_context(Slices.of_files(path))
        self._sizes = dict[int, int]()

    def entries(self) -> Iterator[Entry]:
        """Members in their order; raises BrokenTar where the tar is damaged or cut short."""
        reader = LeapReader(self._data, 0)
        while (member := next_member(reader)) is not None:
            if member.offset + member.size > self._data.size:
                found = self._data.size - member.offset
                raise BrokenTar(
                    f"{reader.where(member.offset)}: cut short: {found} of {member.size} bytes; fetch it again"
                )
            yield _tar_entry(member, member.offset)
            reader.skip(padded(member.size))

    def read(self, entry: Entry) -> bytes:
        """A file's bytes."""
        return self._data.read(entry.key, entry.size)


class GzipTar(_Open):
    """A tar.gz, unpacked in one pass; the wanted files' bytes wait in one nameless file on the same disk."""

    def __init__(self, path: Path, wanted: Callable[[str], bool]) -> None:
        super().__init__()
        self._path, self._wanted = path, wanted
        spool = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115
        self._spool = self._stack.enter_context(spool)

    def entries(self) -> Iterator[Entry]:
        """Members in their order; raises BrokenTar or BrokenArchive where it is damaged or cut short."""
        try:
            with gzip.open(self._path) as handle:
                chunks = iter(lambda: handle.read(LOCAL_CHUNK), b"")
                reader = StreamReader(chunks, 0, lambda offset: f"{self._path} unpacked, at byte {offset}")
                for member, data in members(reader):
                    key = self._spool.tell()
                    if data and self._wanted(member.name):
                        self._spool.write(data)
                    yield _tar_entry(member, key)
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise BrokenArchive(f"{self._path}: a damaged gzip: {problem}; fetch it again") from problem

    def read(self, entry: Entry) -> bytes:
        """A wanted file's bytes."""
        self._spool.seek(entry.key)
        return self._spool.read(entry.size)


def _tar_entry(member: Member, key: int) -> Entry:
    problem = (Fate.NOT_A_FILE, f"a {member.kind}") if member.kind is not Kind.FILE else None
    origin = origin_of(member.name, member.offset, member.size)
    return Entry(member.name, origin, member.size, problem or _problem(member.name, member.size), key)


class Folder(_Open):
    """An unpacked archive; links are not followed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._names = path, list[Path]()

    def entries(self) -> Iterator[Entry]:
        """Files in the order of their paths."""
        for folder, subfolders, files in os.walk(self._path):
            subfolders.sort()
            for name in sorted(files + [each for each in subfolders if (Path(folder) / each).is_symlink()]):
                path = Path(folder) / name
                status, relative = path.lstat(), path.relative_to(self._path).as_posix()
                plain = stat.S_ISREG(status.st_mode)
                problem = None if plain else (Fate.NOT_A_FILE, "a link or device")
                self._names.append(path)
                size, key = status.st_size, len(self._names) - 1
                yield Entry(relative, relative, size, problem or _problem(relative, size), key)

    def read(self, entry: Entry) -> bytes:
        """A file's bytes."""
        try:
            descriptor = os.open(self._names[entry.key], os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as handle:
                return handle.read(MAXIMUM_BYTES + 1)
        except OSError as problem:
            raise BadPhoto(Fate.UNREADABLE, problem.strerror or type(problem).__name__) from problem
