"""What the downloader is asked and gives: requests, deliveries, and the ways in which a whole download fails."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from g3lib.images.fates import Fate


@dataclass(frozen=True, slots=True)
class Request:
    """One photo and its address; `fallback` is asked where `url` is 404 or 410; `author` helps to know placeholders."""

    photo_id: str
    url: str
    author: str | None = None
    fallback: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses in the order in which they are asked."""
        return (self.url,) if self.fallback is None else (self.url, self.fallback)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A photo's bytes, not decoded yet; `url` is the one that was asked, `final_url` where redirects ended."""

    photo_id: str
    data: bytes
    url: str
    final_url: str
    http_status: int | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A URL's fate as the ledger has it; offset and length, in bytes, say where its photo lies in the spool."""

    fate: Fate
    detail: str = ""
    http_status: int | None = None
    attempts: int = 0
    offset: int = 0
    length: int = 0
    sha256: bytes = b""
    final_url: str = ""  # empty unless a redirect led elsewhere

    @property
    def delivered(self) -> bool:
        """Whether its bytes are here."""
        return self.fate is Fate.STORED


class TooManyFailures(RuntimeError):
    """More photos than the settings tolerate failed in ways that another run may cure: counts, and the remedy."""

    def __init__(self, failed: Mapping[Fate, int], total: int, tolerated: float, note: str = "") -> None:
        self.failed = Counter(failed)
        kinds = ", ".join(f"{count:,} {fate.value}" for fate, count in self.failed.most_common())
        super().__init__(
            f"{self.failed.total():,} of {total:,} photos failed for now ({kinds}); tolerated_failures allows "
            f"{tolerated:.1%}. Run again: only those are asked again, the others are kept.{note}"
        )


class SpoolInUse(RuntimeError):
    """Another process fills this spool."""


class DamagedSpool(RuntimeError):
    """Bytes in a spool that changed since they were written there."""


class DiskFull(OSError):
    """The disk that holds the spool takes no more; what was delivered so far is kept."""
