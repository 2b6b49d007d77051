"""Writing that is whole or absent: scratch file, sync, one rename. Every file of G3 is born here."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

SCRATCH = ".tmp"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch path that becomes `path` in one rename, or vanishes if the body raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid4().hex}{SCRATCH}")
    try:
        yield scratch
        install(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield an empty folder on the same disk as `beside`; whatever is left in it goes at the end."""
    folder = beside.with_name(f".{beside.name}.{uuid4().hex}{SCRATCH}")
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install(scratch: Path, path: Path) -> None:
    """Sync `scratch` to the disk and give it its final name; a killed process leaves old or new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch.open("rb+") as handle:
        os.fsync(handle.fileno())
    scratch.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sweep_scratch(root: Path) -> int:
    """Remove what killed processes left under `root`; call it only while nobody writes there."""
    leftovers = [path for path in root.rglob(f".*{SCRATCH}") if path.exists()]
    for path in leftovers:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(leftovers)
