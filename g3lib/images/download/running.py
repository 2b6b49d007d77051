"""A download from the first request to the last delivery.

Everything is fetched into the spool first and handed out afterwards: only a whole shard tells which picture is a
placeholder and whether too much has failed, and then the bytes come in the order asked whatever order servers chose.
In memory are the addresses and fates, about half a kilobyte for each photo, and the bodies under way.
"""

import asyncio
import hashlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.download.placeholders import repeated
from g3lib.images.download.progress import Progress
from g3lib.images.download.spool import Spool
from g3lib.images.download.wanted import Delivered, Entry, Request, TooManyFailures
from g3lib.images.fates import TRANSIENT, Fate, Rejected

if TYPE_CHECKING:
    from yarl import URL

    from g3lib.images.download.fetching import Fetcher, Reply

LOOKAHEAD = (
    20_000  # requests that wait at most, so that a paused host does not hide the hosts behind it in the list
)
_ABSENT = frozenset({Fate.NOT_FOUND, Fate.GONE})  # these let a request's fallback be asked


def download(
    wanted: Iterable[Request],
    settings: DownloadSettings,
    spool: Path,
    *,
    stored: Callable[[str], bytes | None] = lambda _: None,
    report: Callable[[str], None] = lambda _: None,
    total: int | None = None,
    turn: AbstractContextManager[object] | None = None,
) -> Generator[Delivered | Rejected, None, None]:
    """Fetch photos into the folder `spool`, then hand out each request's outcome, in the order asked.

    What the spool holds from an earlier run, or `stored` by URL, is not asked for; earlier failures that may pass are.
    `report` gets a line now and then where there is no terminal; `total` is the number of requests, if known. Hosts
    are asked within `turn`, for whoever must ask one after another.
    The bytes begin like an image and are not decoded. Raises TooManyFailures once everything else is spooled,
    SpoolInUse, DiskFull and DamagedSpool.
    """
    total = len(wanted) if total is None and isinstance(wanted, Sized) else total
    with Spool.open(spool) as kept:
        run = _Run(settings, kept, stored, Progress(total, report))
        with turn or nullcontext():
            _complete(run.fetch(wanted))
        run.judge()
        yield from run.outcomes()


@dataclass(slots=True)
class _Job:
    """One address to ask, for one request."""

    request: Request
    url: str
    target: "URL"
    attempts: int = 0
    started: float = field(default_factory=time.monotonic)


@dataclass
class _Host:
    """Jobs that wait for one host, and how many workers ask it."""

    queue: deque[_Job] = field(default_factory=deque)
    workers: int = 0


@dataclass
class _Run:
    """One run of a download."""

    settings: DownloadSettings
    spool: Spool
    stored: Callable[[str], bytes | None]
    progress: Progress
    order: list[Request] = field(default_factory=list)
    held: dict[str, Entry] = field(default_factory=dict)  # by URL, what `stored` has
    hosts: dict[str, _Host] = field(default_factory=dict)
    asking: set[str] = field(default_factory=set)  # URLs of live jobs
    twins: list[Request] = field(default_factory=list)  # whose URL another request is asking already
    closed: dict[str, float] = field(default_factory=dict)  # seconds that hosts want to be left alone
    fetcher: "Fetcher" = field(init=False)
    tasks: asyncio.TaskGroup = field(init=False)
    space: asyncio.Event = field(default_factory=asyncio.Event)

    async def fetch(self, wanted: Iterable[Request]) -> None:
        """Settle the fate of every request."""
        from g3lib.images.download.fetching import Fetcher

        try:
            async with Fetcher.open(self.settings) as self.fetcher:
                await self._feed(wanted, self.order)
                while self.twins:
                    twins, self.twins = self.twins, []
                    await self._feed(twins, [])
                buckets = self.fetcher.buckets.items()
                self.closed = {name: each.closed for name, each in buckets if each.closed is not None}
        finally:
            self.progress.finish()

    async def _feed(self, wanted: Iterable[Request], order: list[Request]) -> None:
        """Give every request's job to its host's workers; returns when all are done."""
        try:
            async with asyncio.TaskGroup() as self.tasks:
                for number, request in enumerate(wanted):
                    order.append(request)
                    self._start(request)
                    if number % 64 == 0:
                        await asyncio.sleep(0)  # the workers' turn
                    while len(self.asking) >= LOOKAHEAD:
                        self.space.clear()
                        await self.space.wait()
        except BaseExceptionGroup as problems:
            raise problems.exceptions[0] from None  # the first, which cancelled the others

    def _start(self, request: Request) -> None:
        """Make the job that a request needs next, if it needs any."""
        from g3lib.images.download.fetching import parsed

        url, entry = self._state(request)
        if entry is not None:
            self.progress.known(entry.fate)
        elif url in self.asking:
            self.twins.append(request)
        elif (target := parsed(url)) is None:
            entry = Entry(Fate.REFUSED_ADDRESS, "not an http(s) address")
            self.spool.add(url, entry)
            self.progress.settled(entry.fate, 0)
        else:
            self.asking.add(url)
            self._enqueue(_Job(request, url, target))

    def _state(self, request: Request) -> tuple[str, Entry | None]:
        """The address that decides about a request, and its entry if it is settled."""
        for url in request.urls:
            entry = self._known(url)
            if entry is None or entry.fate not in _ABSENT:
                break
        return url, entry

    def _known(self, url: str) -> Entry | None:
        """What an earlier run, an earlier making of the shard, or this run has settled."""
        entry = self.spool.entries.get(url) or self.held.get(url)
        if (entry is None or not entry.delivered) and (data := self.stored(url)) is not None:
            entry = Entry(Fate.STORED, length=len(data), sha256=hashlib.sha256(data).digest())
            self.held[url] = entry
        return self.held.get(url) or entry

    def _enqueue(self, job: _Job, first: bool = False) -> None:
        host = self.hosts.setdefault(job.target.host_port_subcomponent or "", _Host())
        (host.queue.appendleft if first else host.queue.append)(job)
        if host.workers < self.settings.concurrency_per_host:
            host.workers += 1
            self.tasks.create_task(self._work(host))

    async def _work(self, host: _Host) -> None:
        """Take a host's jobs until none is left."""
        while host.queue:
            job = host.queue.popleft()
            job.attempts += 1
            reply = await self.fetcher.attempt(job.target)
            if (delay := self._delay(job, reply)) is None:
                self._finish(job, reply)
            else:
                self.tasks.create_task(self._later(job, delay))
        host.workers -= 1

    def _delay(self, job: _Job, reply: "Reply") -> float | None:
        """Seconds until the next try, or None if this was the last: exponential backoff with full jitter."""
        asked, longest = reply.retry_after or 0.0, self.settings.longest_wait_seconds
        if reply.fate not in TRANSIENT or job.attempts >= self.settings.attempts or asked > longest:
            return None
        if reply.fate is Fate.RATE_LIMITED and reply.http_status is None:
            return None  # not even asked: its host is closed
        return max(
            asked, random.uniform(0, min(longest, self.settings.backoff_seconds * 2 ** (job.attempts - 1)))
        )

    async def _later(self, job: _Job, delay: float) -> None:
        await asyncio.sleep(delay)
        self._enqueue(job, first=True)

    def _finish(self, job: _Job, reply: "Reply") -> None:
        """Record a fate; go on with the fallback if there is nothing at the first address."""
        asked = job.attempts if reply.http_status or reply.fate is not Fate.RATE_LIMITED else job.attempts - 1
        entry = Entry(reply.fate, reply.detail, reply.http_status, asked, final_url=reply.final_url)
        self.spool.add(job.url, entry, reply.data, time.monotonic() - job.started)
        self.asking.discard(job.url)
        self.space.set()
        if entry.fate in _ABSENT and job.url != job.request.urls[-1]:
            self._start(job.request)
        else:
            self.progress.settled(entry.fate, len(reply.data))

    def judge(self) -> None:
        """Raise TooManyFailures if more failed for now than the settings tolerate."""
        failed = Counter(entry.fate for _, _, entry in self._settled() if entry.fate in TRANSIENT)
        if failed.total() > self.settings.tolerated_failures * len(self.order):
            waits = "".join(
                f" {name} asked to be left alone for {s:,.0f} s." for name, s in self.closed.items()
            )
            raise TooManyFailures(failed, len(self.order), self.settings.tolerated_failures, waits)

    def outcomes(self) -> Iterator[Delivered | Rejected]:
        """Every request's outcome, in the order asked."""
        authors = (
            (url, entry.sha256, request.author) for request, url, entry in self._settled() if entry.delivered
        )
        placeholders = repeated(authors)
        for request, url, entry in self._settled():
            if entry.delivered and entry.sha256 not in placeholders:
                yield self._delivered(request, url, entry)
                continue
            fate, detail = entry.fate, entry.detail
            if entry.delivered:
                fate = Fate.PLACEHOLDER
                detail = f"the same bytes at {placeholders[entry.sha256]:,} addresses of this shard"
            size = entry.length if entry.delivered else None
            yield Rejected(request.photo_id, fate, detail, url, entry.http_status, entry.attempts, size)

    def _settled(self) -> Iterator[tuple[Request, str, Entry]]:
        for request in self.order:
            url, entry = self._decided(request)
            yield request, url, entry

    def _decided(self, request: Request) -> tuple[str, Entry]:
        for url in request.urls:
            entry = self.held.get(url) or self.spool.entries[url]
            if entry.fate not in _ABSENT:
                break
        return url, entry

    def _delivered(self, request: Request, url: str, entry: Entry) -> Delivered:
        if url in self.held:
            data = self.stored(url)
            if data is None:
                raise RuntimeError(f"the stored bytes of {url} vanished during the download; run again")
        else:
            data = self.spool.read(url)
        return Delivered(
            request.photo_id, data, url, entry.final_url or url, entry.http_status, entry.attempts
        )


def _complete(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, in a thread: the caller may run an event loop itself, as notebooks do.

    And an interruption, raised by a signal's handler in the caller's thread, cannot get lost among a loop's callbacks.
    """
    runner = asyncio.Runner(loop_factory=_new_loop)

    def run() -> None:
        with runner:
            runner.run(work)

    with ThreadPoolExecutor(1, "download") as thread:
        finished = thread.submit(run)
        try:
            finished.result()
        finally:
            if not finished.done():  # we were interrupted
                runner.get_loop().call_soon_threadsafe(_cancel_all)


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


def _new_loop() -> asyncio.AbstractEventLoop:
    """The faster event loop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
