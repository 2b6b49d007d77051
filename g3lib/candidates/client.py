"""Asking an OpenAI-compatible endpoint, many questions at a time, recording each answer.

Which questions there are is generation.py's business. The API key stays inside the client object:
endpoint.py redacts whatever comes back.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from g3lib.candidates.endpoint import Endpoint, explained, read_reply
from g3lib.candidates.questions import ErrorKind, LmmError, Question
from g3lib.candidates.responses import Answer, Entry, ResponseLog
from g3lib.experiments.profile import LmmSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PATIENCE = 20  # questions in a row that may fail before the rest is not even tried

_FATAL: tuple[ErrorKind, ...] = ("unreachable", "unauthorized", "unknown-model")
_FILTERS = ("content_filter", "content_policy_violation", "moderation_blocked")


def ask_all(
    questions: Iterable[tuple[Question, Callable[[], bytes]]],
    settings: LmmSettings,
    base_url: str,
    api_key: str,
    log: ResponseLog,
    total: int | None = None,
) -> None:
    """Ask what `log` does not hold yet; each question comes with a loader of its JPEG.

    `questions` is read lazily, `settings.concurrency` at a time; `total` is for the progress bar.
    LmmError if any question stays open: at once if the endpoint is down or turns us away, else
    after trying the others. What was answered is recorded, so the next call continues.
    """
    _run(_ask_all(iter(questions), settings, Endpoint(base_url, api_key), log, total))


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


async def _ask_all(
    questions: Iterator[tuple[Question, Callable[[], bytes]]],
    settings: LmmSettings,
    endpoint: Endpoint,
    log: ResponseLog,
    total: int | None,
) -> None:
    with tqdm(total=total, desc="LMM requests", unit="request", disable=None) as progress:
        async with _client(settings, endpoint) as client:
            asker = _Asker(client, endpoint, log, questions, progress)
            # a failure ends the loop of its worker only; the answers in flight are paid for, too
            await asyncio.gather(*(asker.work() for _ in range(settings.concurrency)))
    asker.raise_failure()


def _client(settings: LmmSettings, endpoint: Endpoint) -> "AsyncOpenAI":
    """One keep-alive connection per question in flight; a proxy only to other machines."""
    import httpx2  # what openai speaks HTTP with
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    limits = httpx2.Limits(
        max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency
    )
    http = DefaultAsyncHttpxClient(limits=limits, trust_env=not endpoint.is_local)
    return AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        timeout=settings.timeout_seconds,
        max_retries=settings.max_retries,
        http_client=http,
    )


@dataclass
class _Asker:
    """What the workers share: the questions left, and how many have failed."""

    client: "AsyncOpenAI"
    endpoint: Endpoint
    log: ResponseLog
    questions: Iterator[tuple[Question, Callable[[], bytes]]]
    progress: "tqdm[Any]"
    taken: set[str] = field(default_factory=set)
    failed: int = 0
    failed_in_a_row: int = 0
    first_failure: LmmError | None = None
    stopped: bool = False

    async def work(self) -> None:
        """Take questions until none is left or asking on is pointless."""
        from openai import APIError

        for question, load in self.questions:
            if question.key not in self.log and question.key not in self.taken:
                self.taken.add(question.key)
                try:
                    await self.log.record(await self._ask(question, load()))
                    self.failed_in_a_row = 0
                except APIError as error:
                    self._note(explained(self.endpoint, question, error))
                except LmmError as error:
                    self._note(error)
            self.progress.update()
            if self.stopped:
                return

    def _note(self, error: LmmError) -> None:
        self.first_failure = self.first_failure or error
        self.failed += 1
        self.failed_in_a_row += 1
        self.stopped |= error.kind in _FATAL or self.failed_in_a_row >= PATIENCE
        self.progress.set_postfix(failed=self.failed)

    def raise_failure(self) -> None:
        """Raise the first failure, if there was one, saying how many questions it left open."""
        if self.first_failure is not None:
            rest = ", and the rest was not asked" if self.stopped else ""
            raise LmmError(
                self.first_failure.kind,
                f"{self.first_failure} ({self.failed} questions failed{rest}; "
                f"the answers so far are kept in {self.log.path}: run again to continue)",
            ) from None

    async def _ask(self, question: Question, jpeg: bytes) -> Entry:
        """Ask until there are `n` answers: some endpoints ignore `n` and give one at a time."""
        started = time.perf_counter()
        image = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        texts: list[str] = []
        tokens_in = tokens_out = 0
        refusal = None
        while len(texts) < question.n and refusal is None:
            part = await self._request(question.body(image, answered=len(texts)))
            texts += part.texts
            tokens_in, tokens_out = tokens_in + part.tokens_in, tokens_out + part.tokens_out
            refusal = part.refusal
        return Entry(
            key=question.key,
            model=question.model,
            label=question.label,
            request=question.as_request(),
            answer=Answer(tuple(texts[: question.n]), tokens_in, tokens_out, refusal),
            finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            latency=round(time.perf_counter() - started, 4),
        )

    async def _request(self, body: dict[str, Any]) -> Answer:
        """One request, past openai's typed methods: those cost as much as all the rest."""
        from httpx2 import Response
        from openai import BadRequestError

        try:
            reply = await self.client.post("/chat/completions", cast_to=Response, body=body)
        except BadRequestError as error:
            if error.code not in _FILTERS:
                raise
            return Answer((), 0, 0, f"refused by the endpoint: {error.code}")
        return read_reply(self.endpoint, reply.text)
