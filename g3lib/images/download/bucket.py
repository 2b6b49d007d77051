"""How fast one host is asked: a token bucket that the host itself slows down and pauses."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SLOWEST = 1 / 64  # of the settings' rate: however often a host complains, it is still asked now and then
RECOVERY = 1 / 100  # of the settings' rate, won back with every answer that is no complaint


@dataclass
class Bucket:
    """At most `burst` requests at once and `full_rate` a second thereafter; both in requests.

    `backoff` and `longest_wait` are in seconds: the first pause after a complaint that names no time, doubled with
    each further one, and the longest such pause.
    """

    full_rate: float
    burst: int
    backoff: float
    longest_wait: float
    clock: Callable[[], float] = time.monotonic
    rate: float = field(init=False)
    complaints: int = field(default=0, init=False)  # that named no time, since the rate was last full
    closed: float | None = field(
        default=None, init=False
    )  # how long the host wants to be left alone, in seconds
    _tokens: float = field(init=False)
    _counted: float = field(init=False)  # when `_tokens` was right
    _paused_until: float = field(default=0.0, init=False)
    _slowed: float = field(default=float("-inf"), init=False)
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self.rate, self._tokens, self._counted = self.full_rate, float(self.burst), self.clock()

    async def take(self) -> None:
        """Return once the host may be asked; those who wait are served in their order."""
        if not self._queue.locked() and self.wait() <= 0:
            self._tokens -= 1
            return
        async with self._queue:
            while (seconds := self.wait()) > 0:
                await asyncio.sleep(seconds)
            self._tokens -= 1

    def wait(self) -> float:
        """Seconds until there is a token and no pause; 0 if now."""
        now = self.clock()
        if now < self._paused_until:
            return self._paused_until - now
        if now > self._counted:
            self._tokens = min(self.burst, self._tokens + (now - self._counted) * self.rate)
            self._counted = now
        return max(0.0, (1 - self._tokens) / self.rate)

    def complained(self, asked_at: float, retry_after: float | None) -> None:
        """The host answered 429 to what was asked at `asked_at` (of `clock`): pause, and ask half as often.

        Requests that were under way together complain together; they halve the rate once.
        """
        first = asked_at >= self._slowed
        if first:
            self._slowed = self.clock()
            self.rate = max(self.rate / 2, self.full_rate * SLOWEST)
        if retry_after is not None:
            self.pause(retry_after)
        elif first:
            self.complaints += 1
            longest = min(self.longest_wait, self.backoff * 2 ** min(self.complaints - 1, 30))
            self.pause(random.uniform(longest / 2, longest))

    def pause(self, seconds: float) -> None:
        """Leave the host alone for that long, and do not storm it afterwards."""
        self._paused_until = max(self._paused_until, self.clock() + seconds)
        self._tokens, self._counted = min(self._tokens, 1.0), self._paused_until

    def answered(self) -> None:
        """The host answered without complaint.

        Only a host that has borne the full rate again is asked as if it had never complained: a few answers between
        two complaints must not make every pause as short as the first.
        """
        if self.rate < self.full_rate:
            self.rate = min(self.full_rate, self.rate + self.full_rate * RECOVERY)
        else:
            self.complaints = 0
