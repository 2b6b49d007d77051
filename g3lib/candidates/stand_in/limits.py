"""How many requests the stand-in takes at a moment and in a second; the others get HTTP 429."""

import math
import time
from dataclasses import dataclass, field

from g3lib.candidates.stand_in.errors import rate_limited


@dataclass
class Limits:
    """A capacity, and a token bucket that holds what one second brings; None is no limit."""

    capacity: int | None = None
    per_second: float | None = None
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._tokens = self._most

    @property
    def _most(self) -> float:
        return max(1.0, self.per_second or 1.0)

    def admit(self, at_work: int) -> None:
        """ApiError for one request too many; `at_work` counts it."""
        if self.capacity is not None and at_work > self.capacity:
            raise rate_limited(f"Too many requests at once: {self.capacity} are served.")
        if self.per_second is None:
            return
        now = time.monotonic()
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self.per_second)
        self._filled_at = now
        if self._tokens < 1.0:
            wait = (1.0 - self._tokens) / self.per_second
            # the header counts whole seconds; OpenAI's API tells them apart as well
            headers = {"Retry-After": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
            raise rate_limited(f"Rate limit reached: {self.per_second:g} requests per second.", headers)
        self._tokens -= 1.0
