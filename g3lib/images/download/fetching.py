"""One try to fetch one photo: its requests and redirects, and what each answer of a server means.

A server that says `X-Robots-Tag: noai` or `noimageai` asks that its picture not be used for what this project does; it
is heeded, as img2dataset does, and recorded as forbidden. (`noindex` speaks to search engines.)

Loads aiohttp; import it only where photos are fetched.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import aiohttp
from yarl import URL

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.download.addresses import RefusedAddress, any_socket, owner, socket_to_public
from g3lib.images.download.bodies import Room, TooLarge, beginning, is_image, read_body
from g3lib.images.download.bucket import Bucket
from g3lib.images.download.placeholders import names_placeholder
from g3lib.images.fates import Fate
from g3lib.retry_after import retry_after

MAX_REDIRECTS = 5
_SUCCESS = frozenset({200, 203})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FATES = {
    401: Fate.FORBIDDEN,
    403: Fate.FORBIDDEN,
    404: Fate.NOT_FOUND,
    410: Fate.GONE,
    429: Fate.RATE_LIMITED,
    451: Fate.FORBIDDEN,
}
_NO_AI = frozenset({"noai", "noimageai"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What one try came to; `retry_after` in seconds is what the server asked for."""

    fate: Fate
    detail: str = ""
    http_status: int | None = None
    data: bytes = b""
    final_url: str = ""  # empty unless a redirect led elsewhere
    retry_after: float | None = None
    location: str | None = None  # of a redirect that is not followed yet


def parsed(url: str) -> URL | None:
    """The address if it is http(s) with a host, else None."""
    try:
        parts = URL(url)
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.host else None


@dataclass
class Fetcher:
    """What all tries of a download share: connections, the hosts' buckets, room for bodies."""

    session: aiohttp.ClientSession
    settings: DownloadSettings
    room: Room = field(default_factory=Room)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.settings.concurrency)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: DownloadSettings) -> AsyncIterator["Fetcher"]:
        """A fetcher whose connections end with the block; it uses no proxy, cookies or credentials."""
        connector = aiohttp.TCPConnector(
            limit=0,  # our own slots count requests
            ttl_dns_cache=300,
            socket_factory=any_socket if settings.private_networks else socket_to_public,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the deadline is ours
            auto_decompress=False,  # photos are not compressed, and bombs are
            headers={
                "User-Agent": user_agent(settings.contact),
                "Accept-Encoding": "identity",
                "Accept": "image/*",
            },
        )
        async with session:
            yield cls(session, settings)

    def bucket(self, url: URL) -> Bucket:
        """The bucket of an address's host."""
        name = owner(url.host_port_subcomponent or "")
        bucket = self.buckets.get(name)
        if bucket is None:
            s = self.settings
            bucket = Bucket(s.requests_per_second, s.burst, s.backoff_seconds, s.longest_wait_seconds)
            self.buckets[name] = bucket
        return bucket

    async def attempt(self, url: URL) -> Reply:
        """Ask for a photo once, following redirects; never raises for what a server does."""
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._ask(target)
            if reply.location is None:
                return reply if target is url else _at(reply, str(target))
            following = parsed(str(_joined(target, reply.location)))
            if following is None:
                where = reply.location[:200]
                return Reply(Fate.REFUSED_ADDRESS, f"redirected to {where}, not http(s)", reply.http_status)
            if names_placeholder(following.path):
                return Reply(Fate.PLACEHOLDER, f"redirected to {following}", reply.http_status)
            target = following
        return Reply(Fate.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS}, the last to {target}")

    async def _ask(self, url: URL) -> Reply:
        """One request, when its host's turn comes; the host's bucket learns from the answer."""
        bucket = self.bucket(url)
        if bucket.closed is None:
            await bucket.take()
        if bucket.closed is not None:  # it may have closed while we waited
            return Reply(Fate.RATE_LIMITED, f"its host asked to be left alone for {bucket.closed:,.0f} s")
        async with self.slots:
            asked_at = time.monotonic()
            reply = await self._exchange(url)
        self._teach(bucket, reply, asked_at)
        return reply

    def _teach(self, bucket: Bucket, reply: Reply, asked_at: float) -> None:
        """Slow down, pause or resume as the answer asks; what is too long to wait for closes the host for this run."""
        too_long = reply.retry_after is not None and reply.retry_after > self.settings.longest_wait_seconds
        if reply.http_status == 429 and too_long:
            bucket.closed = reply.retry_after
        elif reply.http_status == 429:
            bucket.complained(asked_at, reply.retry_after)
        elif reply.retry_after is not None and not too_long:
            bucket.pause(reply.retry_after)
        elif reply.http_status is not None and reply.http_status < 500:
            bucket.answered()

    async def _exchange(self, url: URL) -> Reply:
        """One request and its answer, within the deadline; every failure becomes a fate."""
        seconds = self.settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds), self.session.get(url, allow_redirects=False) as response:
                return await self._understood(response)
        except TimeoutError:
            return Reply(Fate.TIMEOUT, f"not complete within {seconds:g} s")
        except aiohttp.ClientConnectorError as problem:
            if isinstance(problem.__cause__, RefusedAddress):  # a certificate's error has no os_error
                return Reply(Fate.REFUSED_ADDRESS, f"{url.host} {problem.__cause__}")
            return Reply(Fate.CONNECTION_LOST, _words(problem))
        except aiohttp.ClientPayloadError as problem:
            return Reply(Fate.CUT_SHORT, _words(problem), 200)
        except aiohttp.InvalidURL as problem:
            return Reply(Fate.REFUSED_ADDRESS, _words(problem))
        except aiohttp.ClientResponseError as problem:
            return Reply(Fate.HTTP_ERROR, f"not HTTP: {_words(problem)}")
        except (aiohttp.ClientError, OSError) as problem:
            return Reply(Fate.CONNECTION_LOST, _words(problem))
        except Exception as problem:  # noqa: BLE001 (no server can end a download)
            return Reply(Fate.HTTP_ERROR, f"unforeseen: {_words(problem)}")

    async def _understood(self, response: aiohttp.ClientResponse) -> Reply:
        """What an answer means; reads the body of a success."""
        status, headers = response.status, response.headers
        if status not in _SUCCESS:
            location = headers.get("Location") if status in _REDIRECTS else None
            fate = _FATES.get(status, Fate.SERVER_ERROR if status >= 500 else Fate.HTTP_ERROR)
            wait = retry_after(headers.get("Retry-After")) if status in (429, 503) else None
            reason = f"{status} {response.reason or ''}".strip()[:200]
            return Reply(fate, reason, status, retry_after=wait, location=location)
        if forbids_ai(headers.getall("X-Robots-Tag", ())):
            return Reply(Fate.FORBIDDEN, "X-Robots-Tag: noai", status)
        try:
            data = await read_body(response, self.settings.maximum_bytes, self.room)
        except TooLarge as problem:
            return Reply(Fate.TOO_MANY_BYTES, str(problem), status)
        if not data:
            return Reply(Fate.EMPTY, "no bytes", status)
        if not is_image(data):
            return Reply(Fate.NOT_AN_IMAGE, beginning(data), status)
        return Reply(Fate.STORED, "", status, data)


def user_agent(contact: str) -> str:
    """Who asks, and whom to write to about it."""
    try:
        ours = f"g3/{version('g3')}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        ours = "g3"
    contact = re.sub(r"[^\x20-\x7e]", "", contact)  # a header is one line of ASCII
    return f"{ours} (+{contact})" if contact else ours


def forbids_ai(values: list[str] | tuple[str, ...]) -> bool:
    """Whether X-Robots-Tag headers ask that a picture not be used for machine learning."""
    words = (word.strip().lower() for value in values for word in value.split(","))
    return any(word.removeprefix("g3:").strip() in _NO_AI for word in words)


def _joined(base: URL, location: str) -> URL | str:
    try:
        return base.join(URL(location))
    except ValueError:
        return ""


def _at(reply: Reply, final_url: str) -> Reply:
    return Reply(reply.fate, reply.detail, reply.http_status, reply.data, final_url, reply.retry_after)


def _words(problem: BaseException) -> str:
    """An exception for a ledger: short, one line."""
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:200]
