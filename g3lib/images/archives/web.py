"""Bytes of a file on a web server, by range: retried, continued where they broke, and never of two versions."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import uniform
from threading import Event, Lock
from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from g3lib.experiments.datasets import DownloadSettings
from g3lib.retry_after import retry_after

if TYPE_CHECKING:
    import httpx

FRUITFUL = 64 * 1024  # bytes; an attempt that brings fewer counts as one that failed
HUGGING_FACE = "https://huggingface.co"
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class FetchError(RuntimeError):
    """A file that could not be had from its server: names it, what was found, the remedy."""


class AccessDenied(FetchError):
    """The server wants an account that has accepted its terms."""


class RangeIgnored(FetchError):
    """The server sent the whole file where a part was asked for."""


class WrongRange(FetchError):
    """The server sent other bytes than were asked for."""


class ContentChanged(FetchError):
    """The file was replaced while it was read."""


class Unreachable(FetchError):
    """Every attempt failed."""


class Stopped(Exception):
    """Nobody waits for these bytes any more."""


class Version(NamedTuple):
    """What tells one state of a file from another; the size is in bytes."""

    size: int
    etag: str


class _Retry(Exception):
    """This attempt failed; another may not."""

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after  # seconds the server asks for


def hub_url(repository: str, revision: str, path: str) -> str:
    """Address of a file of a dataset on Hugging Face, or on the server that HF_ENDPOINT names."""
    endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or HUGGING_FACE
    return f"{endpoint}/datasets/{repository}/resolve/{revision}/{path}"


def hub_token() -> SecretStr | None:
    """The account's token from HF_TOKEN; ValueError, which does not tell it, if no header can carry it."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError(
            "HF_TOKEN holds characters that no token has; copy it again from your account's page"
        )
    return SecretStr(token) if token else None


class Web:
    """Requests to one server, paced; the token goes to no other host than the one that was addressed."""

    def __init__(
        self, settings: DownloadSettings, token: SecretStr | None = None, connections: int = 4, page: str = ""
    ) -> None:
        import httpx

        self.settings, self.page = settings, page
        self._token, self._lock, self._next = token, Lock(), 0.0
        contact = f" ({settings.contact})" if settings.contact else ""
        self._client = httpx.Client(
            headers={"User-Agent": f"g3{contact}", "Accept-Encoding": "identity"},
            timeout=settings.timeout_seconds,
            follow_redirects=True,  # httpx drops Authorization where the host changes
            max_redirects=5,
            limits=httpx.Limits(max_connections=connections),
        )

    def close(self) -> None:
        """Give its connections back."""
        self._client.close()

    @contextmanager
    def ranged(self, url: str, start: int, stop: int) -> "Iterator[httpx.Response]":
        """The answer to a request for bytes [start, stop)."""
        self._pace()
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        with self._client.stream("GET", url, headers=headers) as response:
            yield response

    def _pace(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self.settings.requests_per_second
        time.sleep(turn - now)


class WebFile:
    """One file on a server."""

    def __init__(self, web: Web, url: str, name: str = "") -> None:
        self.name = name or url.rpartition("/")[2]
        self._web, self._url, self._lock = web, url, Lock()
        self._version: Version | None = None

    def __repr__(self) -> str:
        return f"WebFile({self._url})"

    @property
    def size(self) -> int:
        """In bytes; asks the server once."""
        return self.version.size

    @property
    def version(self) -> Version:
        """Size and etag, by which every further answer is measured; asks the server once."""
        if self._version is None:
            self._insist(0, 1, bytearray(), Event())
        assert self._version is not None
        return self._version

    def close(self) -> None:
        """Give the server's connections back."""
        self._web.close()

    def read(self, offset: int, length: int, stopped: Event | None = None) -> bytes:
        """Bytes of the file, as many as asked or up to its end; raises FetchError, or Stopped once `stopped` is set."""
        stop, data = min(offset + length, self.size), bytearray()
        if offset < stop:
            self._insist(offset, stop, data, stopped or Event())
        return bytes(data)

    def _insist(self, start: int, stop: int, data: bytearray, stopped: Event) -> None:
        """Fill `data` with bytes [start, stop), each attempt going on where the last one broke."""
        fruitless = 0
        while len(data) < stop - start:
            before, wait = len(data), 0.0
            try:
                self._attempt(start + before, stop, data, stopped)
                if self._version is not None and self._version.size == 0:
                    return
            except _Retry as problem:
                fruitless = fruitless + 1 if len(data) - before < FRUITFUL else 0
                wait = self._wait(problem, fruitless, start + len(data))
            if stopped.wait(wait):
                raise Stopped

    def _wait(self, problem: _Retry, fruitless: int, offset: int) -> float:
        """Seconds until the next attempt; Unreachable if there will be none."""
        settings = self._web.settings
        wait = settings.backoff_seconds * 2 ** min(fruitless, 16) * uniform(0.5, 1)
        wait = min(wait, settings.longest_wait_seconds) if problem.after is None else problem.after
        if fruitless >= settings.attempts or wait > settings.longest_wait_seconds:
            raise Unreachable(self._given_up(problem, fruitless, offset)) from None
        return wait

    def _given_up(self, problem: _Retry, attempts: int, offset: int) -> str:
        asked = "" if problem.after is None else f", and asks to wait {problem.after:.0f} s"
        return (
            f"{self._url}: {problem}{asked}, at byte {offset} after {attempts} attempts; "
            "look whether its server is up and this machine has a network, and run again: it goes on there"
        )

    def _attempt(self, start: int, stop: int, data: bytearray, stopped: Event) -> None:
        import httpx

        permanent = (
            httpx.UnsupportedProtocol,
            httpx.LocalProtocolError,
            httpx.TooManyRedirects,
            httpx.InvalidURL,
        )
        deadline = time.monotonic() + self._web.settings.timeout_seconds
        try:
            with self._web.ranged(self._url, start, stop) as response:
                for chunk in self._body(response, start, stop):
                    if stopped.is_set():
                        raise Stopped
                    data += chunk
                    if time.monotonic() > deadline:
                        raise _Retry("it came too slowly")  # what came is kept
        except permanent as problem:
            kind = type(problem).__name__  # its words may hold an address with a signature, or a header
            remedy = "look whether HF_ENDPOINT and the profile are right"
            raise FetchError(f"{self._url}: {kind}; {remedy}") from None
        except httpx.TransportError as problem:
            raise _Retry(type(problem).__name__) from None

    def _body(self, response: "httpx.Response", start: int, stop: int) -> Iterator[bytes]:
        """The bytes of an answer that is what was asked for, else an error by name."""
        if response.status_code == 416 and self._is_empty(response):
            return
        self._check_status(response)
        last, total = self._content_range(response, start, stop)
        self._check_version(response, total)
        left = last + 1 - start
        for chunk in response.iter_raw():
            left -= len(chunk)
            if left < 0:
                raise WrongRange(f"{self._url}: more bytes came than were announced; {self._elsewhere}")
            yield chunk
        if left:
            raise _Retry("it was cut short")

    _elsewhere = "try another network or proxy, or put the file into the dataset's folder by hand"

    def _is_empty(self, response: "httpx.Response") -> bool:
        if response.headers.get("Content-Range", "").strip() != "bytes */0":
            return False
        self._check_version(response, 0)
        return True

    def _check_status(self, response: "httpx.Response") -> None:
        status = response.status_code
        if status == 206:
            return
        if status == 200:
            raise RangeIgnored(
                f"{self._url}: the server sends no parts of files (200, not 206); {self._elsewhere}"
            )
        if status in TRANSIENT:
            raise _Retry(f"HTTP status {status}", retry_after(response.headers.get("Retry-After")))
        if status in (401, 403):
            if response.history and response.url.netloc != response.history[0].url.netloc:
                raise _Retry(f"HTTP status {status} of the server it is stored on")  # its signature ran out
            page = self._web.page or "its page"
            raise AccessDenied(
                f"{self._url}: HTTP status {status}; accept the terms on {page} with your account, make a token "
                "there that may read, and set HF_TOKEN to it"
            )
        if status == 416:
            raise ContentChanged(f"{self._url}: shorter than it was; run again to begin anew")
        raise FetchError(f"{self._url}: HTTP status {status}; look whether the profile names the right file")

    def _content_range(self, response: "httpx.Response", start: int, stop: int) -> tuple[int, int]:
        """Last byte and total of the answer."""
        found = response.headers.get("Content-Range", "")
        unit, _, rest = found.partition(" ")
        span, _, total = rest.partition("/")
        first, _, last = span.partition("-")
        numbers = all(each.strip().isdecimal() for each in (first, last, total))
        if unit != "bytes" or not numbers or int(first) != start or not start <= int(last) < stop:
            raise WrongRange(
                f"{self._url}: asked for bytes {start}-{stop - 1}, the server says {found!r}; {self._elsewhere}"
            )
        return int(last), int(total)

    def _check_version(self, response: "httpx.Response", total: int) -> None:
        linked = (each.headers.get("X-Linked-Etag") for each in response.history)
        etag = next((each for each in linked if each), response.headers.get("ETag", ""))
        found = Version(total, etag.removeprefix("W/").strip('"'))
        with self._lock:
            if self._version is None:
                self._version = found
        if found != self._version:
            raise ContentChanged(
                f"{self._url}: was {self._version.size} bytes with etag {self._version.etag!r}, is {found.size} "
                f"with {found.etag!r}: replaced meanwhile; run again to begin anew"
            )
