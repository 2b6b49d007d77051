"""A budget is never passed by what the endpoint counts, however many requests are in flight."""

import asyncio
import random

import pytest

from g3lib.candidates.asking.spending import Cost, Purse
from g3lib.candidates.questions import LmmError
from g3lib.experiments.lmm import BudgetSettings


def test_a_request_is_admitted_at_its_worst_and_paid_at_its_true_cost() -> None:
    purse = Purse(BudgetSettings(tokens=100), Cost(tokens=40))

    async def body() -> None:
        await purse.hold(Cost(1, 60))
        assert purse.shortage(Cost(1, 1))
        purse.settle(Cost(1, 60), Cost(1, 10))
        assert (purse.spent, purse.held) == (Cost(1, 50), Cost())
        await purse.hold(Cost(1, 50))

    asyncio.run(body())


@pytest.mark.parametrize(
    ("budget", "named"),
    [
        (BudgetSettings(requests=3), "3 requests"),
        (BudgetSettings(tokens=10), "10 tokens"),
        (BudgetSettings(usd=0.5), "0.5 usd"),
    ],
)
def test_what_does_not_fit_says_which_limit_and_how_to_raise_it(budget: BudgetSettings, named: str) -> None:
    purse = Purse(budget, Cost(3, 10, 0.5))
    with pytest.raises(LmmError, match=named) as caught:
        asyncio.run(purse.hold(Cost(1, 1, 0.01)))
    assert caught.value.kind == "budget"
    assert "G3_LMM__BUDGET__" in str(caught.value)


def test_without_a_limit_nothing_is_short() -> None:
    assert Purse(BudgetSettings(), Cost(10**9, 10**12, 1e9)).shortage(Cost(1, 1, 1.0)) == ""


@pytest.mark.parametrize("seed", range(5))
def test_many_at_once_use_the_budget_up_and_never_pass_it(seed: int) -> None:
    draw = random.Random(seed)
    purse, answered = Purse(BudgetSettings(tokens=1000, usd=10.0), Cost()), 0

    async def ask() -> None:
        nonlocal answered
        for _ in range(20):
            worst = Cost(1, 90, 0.9)
            await purse.hold(worst)
            await asyncio.sleep(draw.random() / 1000)
            lost = draw.random() < 0.1
            purse.settle(worst, Cost() if lost else Cost(1, draw.randint(1, 90), 0.01))
            answered += not lost
            assert purse.spent.tokens <= 1000

    async def body() -> list[BaseException | None]:
        return await asyncio.gather(*(ask() for _ in range(16)), return_exceptions=True)

    ended = asyncio.run(body())
    assert all(isinstance(end, LmmError) and end.kind == "budget" for end in ended)
    assert purse.spent.tokens > 1000 - 90  # not stopped early, because others were still in flight
    assert purse.held == Cost()
    assert answered > 10
