"""The budget: what was spent, what requests in flight may still cost, and whether another one fits.

A request is admitted only if it fits at its worst (every answer as long as max_tokens allows), so a limit is never
passed by what the endpoint counts; when it is answered, the difference is free again.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import Entry, entries
from g3lib.experiments.lmm import BudgetSettings


@dataclass(frozen=True)
class Cost:
    """Requests, tokens in and out together, USD."""

    requests: int = 0
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        """Both together."""
        return Cost(self.requests + other.requests, self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: "Cost") -> "Cost":
        """This without the other."""
        return Cost(self.requests - other.requests, self.tokens - other.tokens, self.usd - other.usd)


def cost_of(prices: Prices, tokens_in: int, tokens_out: int, batched: bool, requests: int = 1) -> Cost:
    """What so many tokens cost; nothing in USD if the prices are not known."""
    usd = prices.usd(tokens_in, tokens_out, batched) if prices.known else 0.0
    return Cost(requests, tokens_in + tokens_out, usd)


def spent(folder: Path, label: str, prices: Prices) -> Cost:
    """What every log under `folder` has recorded of one LMM."""
    return sum((_recorded(entry, prices) for entry in _entries(folder) if entry.label == label), Cost())


def _entries(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*/*.jsonl")):
        yield from entries(path)


def _recorded(entry: Entry, prices: Prices) -> Cost:
    return cost_of(prices, entry.answer.tokens_in, entry.answer.tokens_out, entry.batched)


@dataclass
class Purse:
    """A budget in use. `spent` counts what is recorded, `held` what requests in flight may cost at most."""

    budget: BudgetSettings
    spent: Cost
    held: Cost = field(default_factory=Cost)
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def hold(self, worst: Cost) -> None:
        """Set `worst` aside; waits for requests in flight if they may free enough. LmmError if they cannot."""
        while short := self.shortage(worst):
            if self.held == Cost():
                raise LmmError("budget", short)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self.set_aside(worst)

    def set_aside(self, worst: Cost) -> None:
        """Without waiting, for who has looked whether it fits."""
        self.held += worst

    def shortage(self, worst: Cost) -> str:
        """Which limit `worst` would pass now, in words; empty if none."""
        for each in fields(Cost):
            limit = getattr(self.budget, each.name)
            have, more, mine = (getattr(cost, each.name) for cost in (self.spent, self.held, worst))
            if limit is not None and have + more + mine > limit:
                return (
                    f"the budget of {limit:,} {each.name} does not allow another request: {have:,.6g} spent, "
                    f"the next may take {mine:,.6g}; raise this LMM's "
                    f"budget.{each.name} (G3_LMM__BUDGET__{each.name.upper()}) to go on"
                )
        return ""

    def settle(self, worst: Cost, actual: Cost) -> None:
        """What was set aside becomes what it truly cost (nothing, if no answer came)."""
        self.held = self.held - worst if self.held.requests > worst.requests else Cost()  # no dust of floats
        self.spent += actual
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
