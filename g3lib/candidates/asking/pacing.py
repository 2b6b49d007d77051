"""How many requests may be in flight at once, and whether any may be at all.

Concurrency follows the endpoint as TCP follows a network: additive increase, multiplicative decrease (Chiu and Jain,
1989). A circuit breaker lets a single request probe an endpoint that fails throughout.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

DECREASE = 0.7  # of the concurrency, when the endpoint says that it is too much
BREAKS_AT = 10  # tries in a row that may fail before only probes go out
FIRST_COOLDOWN, LONGEST_COOLDOWN = 0.5, 30.0  # seconds before a probe
TICK = 0.005  # seconds


class Dead(Exception):
    """The endpoint has failed for longer than anybody wants to wait."""


class Pace:
    """Slots for requests in flight; told how each of them went.

    most: the concurrency to begin with, never exceeded. patience: seconds with an endpoint that fails throughout;
    one that was never reached gets a single probe.
    """

    def __init__(self, most: int, patience: float) -> None:
        """All slots open."""
        self.most, self.patience = most, patience
        self.limit = float(most)
        self.active = 0
        self._reached = False
        self._paused_until = self._cut_at = 0.0
        self._failed_in_a_row = 0
        self._failing_since = 0.0
        self._cooldown = 0.0  # 0 while the circuit is closed
        self._closed = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def close(self) -> None:
        """No more slots: those who wait for one are told."""
        self._closed = True
        self._wake()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """A slot, once there is one, and when that was; Dead if the endpoint is given up."""
        while not self._open():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self.active += 1
        try:
            yield self._now()
        finally:
            self.active -= 1
            self._wake()

    def well(self) -> None:
        """A request was answered."""
        self._reached = True
        self._failed_in_a_row, self._cooldown = 0, 0.0
        self.limit = min(self.most, self.limit + 1.0 / self.limit)
        self._wake()

    def pushed_back(self, began: float, seconds: float | None) -> None:
        """The endpoint wants fewer requests than when this one began, or none for so many seconds."""
        if began >= self._cut_at:  # what was in flight together complains together
            self.limit = max(1.0, min(self.limit, self.active) * DECREASE)
            self._cut_at = self._now()
        if seconds is not None:
            self._pause(seconds)

    def failed(self, reached: bool) -> None:
        """A try failed for a reason that is the endpoint's; `reached` if it was one that spoke to us."""
        self._reached |= reached
        self._failed_in_a_row += 1
        if self._failed_in_a_row == 1:
            self._failing_since = self._now()
        if (
            self._failed_in_a_row >= BREAKS_AT and self._now() >= self._paused_until
        ):  # not one of the same volley
            self._cooldown = min(LONGEST_COOLDOWN, 2 * self._cooldown or FIRST_COOLDOWN)
            self._pause(self._cooldown)

    @property
    def dead(self) -> bool:
        """Whether it was closed, or the probes have failed for longer than the patience lasts."""
        if self._closed:
            return True
        probed = self._failed_in_a_row > BREAKS_AT + self.active
        patience = self.patience if self._reached else 0.0
        return probed and self._now() - self._failing_since > patience

    def _open(self) -> bool:
        """Whether a request may go out now."""
        if self.dead:
            raise Dead
        if self._now() < self._paused_until:
            return False
        limit = 1.0 if self._cooldown else self.limit
        return self.active < max(1.0, limit)

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._now() + seconds)
        # a little late: timers may fire a tick before their time, and nobody would look again
        asyncio.get_running_loop().call_at(self._paused_until + TICK, self._wake)

    def _wake(self) -> None:
        """Let as many look again as there could be slots for."""
        room = len(self._waiting) if self.dead else max(1, int(self.limit) - self.active)
        while self._waiting and room > 0:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                room -= 1

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
