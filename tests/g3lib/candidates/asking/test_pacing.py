"""Concurrency follows the endpoint; one that fails throughout is probed, then given up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from g3lib.candidates.asking.pacing import BREAKS_AT, Dead, Pace

T = TypeVar("T")


def run(body: Callable[[], Awaitable[T]]) -> T:
    """In an event loop, and not for ever."""

    async def limited() -> T:
        return await asyncio.wait_for(body(), 10)

    return asyncio.run(limited())


class Server:
    """Answers after `seconds`, `capacity` at a time; what is beyond gets a 429."""

    def __init__(self, capacity: int, seconds: float = 0.01) -> None:
        self.capacity, self.seconds = capacity, seconds
        self.working = self.most = self.refused = 0

    async def ask(self, pace: Pace) -> None:
        """One request that is repeated until it is answered."""
        while True:
            async with pace.slot() as began:
                if self.working >= self.capacity:
                    self.refused += 1
                    pace.pushed_back(began, None)
                else:
                    self.working += 1
                    self.most = max(self.most, self.working)
                    await asyncio.sleep(self.seconds)
                    self.working -= 1
                    pace.well()
                    return
            await asyncio.sleep(self.seconds)


def test_no_more_in_flight_than_allowed_and_no_less() -> None:
    server, pace = Server(1000), Pace(7, 1.0)

    async def body() -> None:
        await asyncio.gather(*(server.ask(pace) for _ in range(100)))

    run(body)
    assert server.most == 7
    assert pace.limit == 7


def test_concurrency_settles_near_what_the_endpoint_bears() -> None:
    server, pace = Server(8), Pace(64, 1.0)

    async def body() -> None:
        await asyncio.gather(*(server.ask(pace) for _ in range(600)))

    run(body)
    assert server.most == 8
    assert 4 <= pace.limit <= 16
    assert server.refused < 300  # without adapting, some 56 of every 64


def test_complaints_of_one_volley_count_once() -> None:
    async def body() -> float:
        pace = Pace(100, 1.0)
        async with pace.slot(), pace.slot(), pace.slot(), pace.slot() as began:
            for _ in range(50):
                pace.pushed_back(began, None)
        return pace.limit

    assert run(body) == pytest.approx(4 * 0.7)


def test_a_wait_that_is_asked_for_is_everybodys() -> None:
    async def body() -> float:
        pace, loop = Pace(4, 1.0), asyncio.get_running_loop()
        started = loop.time()
        pace.pushed_back(started, 0.2)
        async with pace.slot():
            return loop.time() - started

    assert 0.2 <= run(body) < 1.0


def test_an_endpoint_that_was_never_reached_is_soon_given_up() -> None:
    async def body() -> int:
        pace, tries = Pace(3, 1000.0), 0

        async def worker() -> None:
            nonlocal tries
            while True:
                async with pace.slot():
                    tries += 1
                    await asyncio.sleep(0)
                    pace.failed(reached=False)

        ended = await asyncio.gather(*(worker() for _ in range(3)), return_exceptions=True)
        assert all(isinstance(end, Dead) for end in ended)
        return tries

    assert BREAKS_AT < run(body) <= BREAKS_AT + 5


def test_the_circuit_closes_again_when_a_probe_is_answered() -> None:
    async def body() -> list[int]:
        pace, in_flight, seen = Pace(16, 60.0), 0, list[int]()
        down = True

        async def worker() -> None:
            nonlocal in_flight
            while True:
                async with pace.slot():
                    in_flight += 1
                    seen.append(in_flight if down else -in_flight)
                    await asyncio.sleep(0.005)
                    in_flight -= 1
                    if not down:
                        pace.well()
                        return
                    pace.failed(reached=True)

        async with pace.slot():
            pace.well()
        workers = [asyncio.create_task(worker()) for _ in range(32)]
        await asyncio.sleep(0.8)
        down = False
        await asyncio.gather(*workers)
        return seen

    seen = run(body)
    assert max(seen[16:]) <= 16
    probes = [each for each in seen[26:] if each > 0]
    assert len(probes) < 10  # not one try after another at a server that is down
    assert sum(1 for each in seen if each < 0) == 32
    assert min(seen) < -1  # together again, once it is up


def test_closing_tells_those_who_wait() -> None:
    async def body() -> None:
        pace = Pace(1, 1.0)
        async with pace.slot():
            waiting = asyncio.create_task(pace.slot().__aenter__())
            await asyncio.sleep(0)
            pace.close()
            with pytest.raises(Dead):
                await waiting

    run(body)
