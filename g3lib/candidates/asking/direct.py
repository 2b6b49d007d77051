"""Asking request by request, many at a time; each answer is on the disk before it counts."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tenacity import RetryCallState

from g3lib.candidates.asking.conversation import Conversation, at_most, client_of, entry_of
from g3lib.candidates.asking.dialect import Dialect
from g3lib.candidates.asking.endpoint import read_reply
from g3lib.candidates.asking.images import data_url
from g3lib.candidates.asking.items import Item
from g3lib.candidates.asking.pacing import Dead, Pace
from g3lib.candidates.asking.spending import Cost
from g3lib.candidates.asking.tries import FILTERS, Again, failure_of, judged, retrying
from g3lib.candidates.questions import LmmError
from g3lib.candidates.responses import Answer

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PATIENCE = 20  # questions in a row that may fail before the rest is not even tried
FATAL = ("unreachable", "unauthorized", "unknown-model", "budget", "no-key")
NOBODY_THERE = ("no connection", "no completion")  # troubles that do not tell of an endpoint at that address
AHEAD = 1.25  # workers per slot: while one waits for the disk, another has its photo ready


async def ask_directly(conversation: Conversation, items: Iterable[Item]) -> None:
    """Ask every item; LmmError if questions stay open, once what is in flight has been recorded."""
    async with client_of(conversation.endpoint, conversation.settings) as client:
        asker = Asker(client, conversation, iter(items))
        workers = max(1, round(conversation.settings.concurrency * AHEAD))
        ended = await asyncio.gather(*(asker.work() for _ in range(workers)), return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    asker.raise_failure()


@dataclass
class Asker:
    """What the workers share: what is left to ask, how fast, and what has failed."""

    client: "AsyncOpenAI"
    talk: Conversation
    items: Iterator[Item]
    more: deque[Item] = field(default_factory=deque)
    dialect: Dialect = field(default_factory=Dialect)
    failed: int = 0
    failed_in_a_row: int = 0
    first_failure: LmmError | None = None
    last_trouble: LmmError | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Every slot open."""
        self.pace = Pace(self.talk.settings.concurrency, self.talk.settings.patience_seconds)

    async def work(self) -> None:
        """Take items until none is left or asking on is pointless."""
        try:
            while not self.stopped.is_set() and (item := self._next()) is not None:
                try:
                    await self._ask(item)
                    self.failed_in_a_row = 0
                except Again as again:
                    self._note(again.error)
                except LmmError as error:
                    self.talk.progress.trouble(error.kind)
                    self._note(error)
                except Dead:
                    self._give_up()
        except BaseException:  # a full disk, a damaged photo, Ctrl-C: the others finish what is in flight
            self._stop()
            raise

    def _next(self) -> Item | None:
        item = self.more.popleft() if self.more else next(self.items, None)
        if item is None or item.count == 1 or not self.dialect.one_at_a_time:
            return item
        first, *rest = item.singly()
        self.more.extend(rest)
        self.talk.progress.more(len(rest))
        return first

    async def _ask(self, item: Item) -> None:
        """One request, tried until it is answered, and the record of it; what it lacks joins the queue."""
        question = item.question
        url = await asyncio.to_thread(lambda: data_url(item.jpeg(), question.longest_side))
        policy = retrying(self.talk.settings, self._heard, self._sleep)
        worst = self.talk.worst(item)
        answer: Answer = await policy(self._try, item, url, worst)
        received = min(len(answer.texts), item.count)
        if answer.refusal is None and received < item.count:
            self.more.append(item.after(received))
            self.talk.progress.more(1)

    async def _try(self, item: Item, url: str, worst: Cost) -> Answer:
        """One try, paid for and recorded if it is answered."""
        actual = Cost()
        await self.talk.purse.hold(worst)
        try:
            async with self.pace.slot() as began:
                started = perf_counter()
                try:
                    body, answer = await self._post(item, url)
                except Again as again:
                    actual = self.talk.expected(item) if again.lost else actual
                    self._heed(again, began)
                    raise
                seconds = perf_counter() - started
                self.pace.well()
            actual = self.talk.cost(answer.tokens_in, answer.tokens_out)
            await self.talk.log.record(entry_of(self.talk, item, body, answer, seconds))
        finally:
            self.talk.purse.settle(worst, actual)
        self.talk.progress.answered(answer, actual)
        return answer

    async def _post(self, item: Item, url: str) -> tuple[dict[str, Any], Answer]:
        """The body as sent, and the answers; past openai's typed methods, which cost as much as all the rest."""
        from httpx2 import Response
        from openai import APIError, BadRequestError, UnprocessableEntityError

        endpoint, question = self.talk.endpoint, item.question
        body = self.dialect.spoken(question.body(url, item.first, item.count))
        try:
            async with asyncio.timeout(self.talk.settings.timeout_seconds):
                reply = await self.client.post("/chat/completions", cast_to=Response, body=body)
        except (BadRequestError, UnprocessableEntityError) as error:
            if error.code in FILTERS:
                return body, Answer((), 0, 0, endpoint.redacted(f"refused by the endpoint: {error.code}"))
            learnt = self.dialect.learn(error.body, error.message)
            if learnt and self.dialect.spoken(body) != body:  # or it refuses what was not even said
                return await self._post(item, url)
            raise judged(endpoint, question, error) from None
        except (APIError, TimeoutError) as error:
            raise judged(endpoint, question, error) from None
        try:
            answer = read_reply(endpoint, reply.text)
        except LmmError as error:
            raise Again("no completion", error, lost=True) from None
        self.dialect.counted(body.get("n", 1), len(answer.texts))
        return body, at_most(answer, item.count)

    def _heed(self, again: Again, began: float) -> None:
        """What a failed try says about the endpoint."""
        self.last_trouble = again.error
        deadline = self.talk.settings.deadline_seconds
        if (again.wait or 0.0) > deadline:
            again.error = _too_long(again, deadline)
            self._stop()
        elif again.busy:
            self.pace.pushed_back(began, again.wait)
        else:
            self.pace.failed(again.trouble not in NOBODY_THERE)

    def _heard(self, state: RetryCallState) -> None:
        self.talk.progress.trouble(failure_of(state).trouble)

    async def _sleep(self, seconds: float) -> None:
        """Between tries; shorter if asking ends meanwhile."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), seconds)

    def _note(self, error: LmmError) -> None:
        self.first_failure = self.first_failure or error
        self.failed += 1
        self.failed_in_a_row += 1
        if error.kind in FATAL or self.failed_in_a_row >= PATIENCE:
            self._stop()

    def _give_up(self) -> None:
        """The endpoint is dead, or another worker has stopped the whole."""
        if not self.stopped.is_set() and self.last_trouble is not None:
            self._note(self.last_trouble)
        self._stop()

    def _stop(self) -> None:
        self.stopped.set()
        self.pace.close()

    def raise_failure(self) -> None:
        """Raise the first failure, if there was one, saying how many requests it left open."""
        if self.first_failure is not None:
            rest = ", and the rest was not asked" if self.stopped.is_set() else ""
            raise LmmError(
                self.first_failure.kind,
                f"{self.first_failure} ({self.failed} requests failed{rest}; "
                f"the answers so far are kept in {self.talk.log.path}: run again to continue)",
            ) from None


def _too_long(again: Again, deadline: float) -> LmmError:
    asked = (
        f"it asks to wait {again.wait:,.0f} s, longer than deadline_seconds ({deadline:,.0f}): run again then"
    )
    return LmmError(again.error.kind, f"{again.error} Moreover, {asked}.")
