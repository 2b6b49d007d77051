"""Rates and pauses, on a clock that stands still unless told."""

import asyncio
import time
from dataclasses import dataclass

from g3lib.images.download.bucket import RECOVERY, SLOWEST, Bucket


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def bucket(
    rate: float = 10.0, burst: int = 5, backoff: float = 1.0, longest: float = 60.0
) -> tuple[Bucket, Clock]:
    clock = Clock()
    return Bucket(rate, burst, backoff, longest, clock), clock


def take(bucket: Bucket) -> float:
    """Seconds to wait for a token, which is then taken."""
    assert isinstance(bucket.clock, Clock)
    seconds = bucket.wait()
    bucket.clock.now += seconds + 1e-9
    asyncio.run(bucket.take())
    return seconds


def test_a_burst_then_the_rate() -> None:
    tokens, _ = bucket(rate=10, burst=5)
    waits = [take(tokens) for _ in range(25)]
    assert waits[:5] == [0] * 5
    assert all(abs(wait - 0.1) < 1e-6 for wait in waits[5:])


def test_no_more_than_a_burst_is_saved_up() -> None:
    tokens, clock = bucket(rate=10, burst=5)
    clock.now += 3600
    assert [take(tokens) for _ in range(6)][5] > 0.09


def test_a_complaint_halves_the_rate_once_for_what_was_under_way_together() -> None:
    tokens, clock = bucket(rate=8)
    asked_at = clock.now
    clock.now += 1
    for _ in range(5):
        tokens.complained(asked_at, None)
    assert tokens.rate == 4
    clock.now += 1
    tokens.complained(clock.now, None)
    assert tokens.rate == 2


def test_the_rate_has_a_floor_and_recovers_slowly() -> None:
    tokens, clock = bucket(rate=8)
    for _ in range(20):
        clock.now += 1
        tokens.complained(clock.now, 0)
    assert tokens.rate == 8 * SLOWEST
    for _ in range(50):
        tokens.answered()
    assert abs(tokens.rate - 8 * (SLOWEST + 50 * RECOVERY)) < 1e-9
    for _ in range(100):
        tokens.answered()
    assert tokens.rate == 8


def test_a_pause_holds_everybody_and_no_storm_follows() -> None:
    tokens, _ = bucket(rate=10, burst=5)
    tokens.pause(30)
    waits = [take(tokens) for _ in range(3)]
    assert abs(waits[0] - 30) < 1e-6
    assert all(wait > 0.09 for wait in waits[1:])


def test_complaints_without_a_time_pause_ever_longer_until_the_rate_has_recovered() -> None:
    tokens, clock = bucket(backoff=1, longest=6)
    pauses = []
    for _ in range(5):
        tokens.complained(clock.now, None)
        pauses.append(tokens.wait())
        clock.now += pauses[-1] + 1
        tokens.answered()
    for pause, longest in zip(pauses, (1, 2, 4, 6, 6), strict=True):
        assert longest / 2 <= pause <= longest
    for _ in range(102):
        tokens.answered()
    tokens.complained(clock.now, None)
    assert tokens.wait() <= 1


def test_those_who_wait_are_served_in_their_order() -> None:
    tokens, served = Bucket(200, 1, 1, 1), list[int]()

    async def one(number: int) -> None:
        await tokens.take()
        served.append(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))

    started = time.monotonic()
    asyncio.run(all_of_them())
    assert served == list(range(20))
    assert time.monotonic() - started >= 19 / 200 * 0.99
