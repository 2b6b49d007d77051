"""A file from a server onto the disk: by ranges, resumed after any death, whole or absent under its name."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from pydantic import SecretStr

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.archives.slices import WEB_CHUNK, Slices
from g3lib.images.archives.web import FetchError, Version, Web, WebFile
from g3lib.store.files import install, sha256_of

TOLD_EVERY = 256 << 20  # bytes
POLITE = DownloadSettings()
SHA256 = re.compile(r"[0-9a-f]{64}")


class WrongDigest(FetchError):
    """The bytes that came are not those that the server announced."""


def fetch_file(
    url: str,
    path: Path,
    token: SecretStr | None = None,
    settings: DownloadSettings = POLITE,
    *,
    connections: int = 4,
    page: str = "",
    report: Callable[[str], None] = lambda _: None,
) -> Path:
    """Fetch `url` to `path`, which appears when it is whole; at once if it is there already.

    What a killed process left is continued, if the server still has the same version. Size and etag are checked, and
    the digest where the etag is a SHA-256, as Hugging Face's are. Raises FetchError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return path
        file = WebFile(Web(settings, token, connections, page), url, path.name)
        with Slices([file], connections, WEB_CHUNK) as remote:
            part = _part_of(path, file.version)
            _append(remote, part, path.name, report)
        _check_digest(part, file.version, url)
        install(part, path)
    return path


def _part_of(path: Path, version: Version) -> Path:
    """Where the bytes of this version gather; those of other versions go."""
    mark = hashlib.sha256(f"{version.size} {version.etag}".encode()).hexdigest()[:16]
    part = path.with_name(f".{path.name}.{mark}.part")
    for other in path.parent.iterdir():
        if re.fullmatch(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.part", other.name) and other != part:
            other.unlink()
    return part


def _append(remote: Slices, part: Path, name: str, report: Callable[[str], None]) -> None:
    with part.open("ab") as handle:
        if handle.tell() > remote.size:
            handle.truncate(0)
        done = told = handle.tell()
        for chunk in remote.stream(done, remote.size):
            handle.write(chunk)
            handle.flush()  # a killed process keeps what it has
            done += len(chunk)
            if done - told >= TOLD_EVERY or done == remote.size:
                report(f"{name}: {done / 1e6:,.0f} of {remote.size / 1e6:,.0f} MB")
                told = done


def _check_digest(part: Path, version: Version, url: str) -> None:
    if SHA256.fullmatch(version.etag) and (found := sha256_of(part)) != version.etag:
        part.unlink()
        raise WrongDigest(
            f"{url}: SHA-256 is {found[:12]}…, announced was {version.etag[:12]}…; what came is removed: run again"
        )
