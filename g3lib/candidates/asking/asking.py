"""The one door: asks what is open by the transport that the settings name."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from g3lib.candidates.asking.conversation import Conversation
from g3lib.candidates.asking.direct import ask_directly
from g3lib.candidates.asking.endpoint import Endpoint
from g3lib.candidates.asking.items import Asked, Item
from g3lib.candidates.asking.progress import progress_of
from g3lib.candidates.asking.spending import Cost, Purse, spent
from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import ResponseLog
from g3lib.experiments.lmm import BudgetSettings, LmmSettings


def ask_all(
    items: Sequence[Item],
    settings: LmmSettings,
    base_url: str,
    api_key: str,
    log: ResponseLog,
    prices: Prices,
    report: Callable[[str], None] = lambda _: None,
) -> Asked:
    """Ask every item and record every answer in `log`.

    LmmError if any question stays open: at once if the endpoint is down or turns us away or the budget is spent,
    else after trying the others. What was answered is recorded, so the next call continues.
    """
    if settings.transport == "replay":
        raise _not_recorded(items, log)
    _check_prices(settings, prices)
    with progress_of(len(items), prices, report) as progress:
        purse = Purse(settings.budget, _spent(settings, prices, log))
        talk = Conversation(Endpoint(base_url, api_key), settings, prices, log, purse, progress)
        _run(_transport(talk, items))
        return progress.asked()


def _spent(settings: LmmSettings, prices: Prices, log: ResponseLog) -> Cost:
    """By this LMM in this home; without a budget nobody needs to know."""
    if settings.budget == BudgetSettings():
        return Cost()
    return spent(log.path.parents[1], settings.label, prices)


def _transport(talk: Conversation, items: Sequence[Item]) -> Coroutine[Any, Any, None]:
    if talk.settings.transport == "batch":
        from g3lib.candidates.asking.batching import ask_in_batches

        return ask_in_batches(talk, items)
    return ask_directly(talk, items)


def _not_recorded(items: Sequence[Item], log: ResponseLog) -> LmmError:
    question = items[0].question
    return LmmError(
        "not-recorded",
        f"{len(items)} requests to {question.label!r} are not recorded beside {log.path}, e.g. {question.source} "
        f"of photo {question.photo_id!r}, and transport `replay` asks nobody; set transport: direct or batch, or "
        "bring the responses folder they are in",
    )


def _check_prices(settings: LmmSettings, prices: Prices) -> None:
    if settings.budget.usd is not None and not prices.known:
        raise LmmError(
            "budget",
            f"the budget of {settings.label!r} is in USD, but its price is unknown; give price_in and price_out, "
            "or add the model to prices.yaml",
        )


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also inside a notebook, whose thread has an event loop already."""
    # not inside the except clause: that would chain its error to each of ours
    if not _loop_is_running():
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
