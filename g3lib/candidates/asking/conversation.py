"""What asking one endpoint about one benchmark shares, whatever the transport: client, costs, and lines of the log.

The API key stays inside the client object: endpoint.py redacts whatever comes back.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from g3lib.candidates.asking.endpoint import Endpoint
from g3lib.candidates.asking.items import Item
from g3lib.candidates.asking.progress import Progress
from g3lib.candidates.asking.spending import Cost, Purse, cost_of
from g3lib.candidates.costs.prices import Prices
from g3lib.candidates.costs.tokens import request_tokens
from g3lib.candidates.responses import Answer, Entry, ResponseLog
from g3lib.experiments.lmm import LmmSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI


@dataclass(frozen=True)
class Conversation:
    """Everything that asking one endpoint about one benchmark shares."""

    endpoint: Endpoint
    settings: LmmSettings
    prices: Prices
    log: ResponseLog
    purse: Purse
    progress: Progress

    def worst(self, item: Item) -> Cost:
        """What a request may cost at most."""
        tokens = request_tokens(item.question, item.count, self.prices)
        return self.cost(tokens.tokens_in_at_most, tokens.tokens_out_at_most)

    def expected(self, item: Item) -> Cost:
        """What a request costs presumably."""
        tokens = request_tokens(item.question, item.count, self.prices)
        return self.cost(tokens.tokens_in, tokens.tokens_out)

    def cost(self, tokens_in: int, tokens_out: int) -> Cost:
        """What so many tokens cost here."""
        return cost_of(self.prices, tokens_in, tokens_out, self.settings.transport == "batch")


def client_of(endpoint: Endpoint, settings: LmmSettings) -> "AsyncOpenAI":
    """One keep-alive connection per request in flight; a proxy only to other machines; no retries of its own."""
    import httpx2  # what openai speaks HTTP with
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    connections = settings.concurrency + 1
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    http = DefaultAsyncHttpxClient(limits=limits, trust_env=not endpoint.is_local)
    return AsyncOpenAI(
        api_key=endpoint.api_key,
        base_url=endpoint.base_url,
        timeout=settings.timeout_seconds,
        max_retries=0,
        http_client=http,
    )


def at_most(answer: Answer, count: int) -> Answer:
    """The answers without those that nobody asked for."""
    if len(answer.texts) <= count:
        return answer
    return Answer(answer.texts[:count], answer.tokens_in, answer.tokens_out, finishes=answer.finishes[:count])


def entry_of(talk: Conversation, item: Item, body: dict[str, Any], answer: Answer, seconds: float) -> Entry:
    """The line of the log: the request as it was sent, but with the photo's digest for the photo."""
    question = item.question
    asked = question.body(f"sha256:{question.image_sha256}", item.first, item.count)
    return Entry(
        key=question.key,
        first=item.first,
        model=question.model,
        label=question.label,
        endpoint=talk.endpoint.shown,
        request={name: value for name, value in (body | asked).items() if name in body},
        answer=answer,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        latency=round(seconds, 4),
        batched=talk.settings.transport == "batch",
    )
