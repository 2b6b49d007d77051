"""Chat requests over HTTP: each is admitted, understood, befallen or answered, and counted.

Middlewares and the other routes are application.py's business.
"""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from g3lib.candidates.stand_in.faults import Fault
from g3lib.candidates.stand_in.protocol import parsed
from g3lib.candidates.stand_in.service import Service
from g3lib.candidates.stand_in.spoiling import refused
from g3lib.candidates.stand_in.wire import encoded, handed_over, is_gone, misdelivered, reply

PATH = "/v1/chat/completions"
SLOWER = 5


class Chats:
    """The chat completions of a service."""

    def __init__(self, service: Service) -> None:
        self.service, self.ledger = service, service.ledger

    async def account(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around all that is done about a chat request: note that it came, and what became of it."""
        self.ledger.received += 1
        with self.ledger.working():
            try:
                response = await handler(request)
            except asyncio.CancelledError:  # by aiohttp, when the client leaves
                self.ledger.abandoned += 1
                raise
        if not is_gone(request):
            self.ledger.statuses[str(response.status)] += 1
        return response

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The reply to a chat request; ApiError if it is refused."""
        raw = await request.read()
        self.service.limits.admit(self.ledger.at_work)
        chat, attempt = self.service.read(parsed(raw))
        fault = self.service.befalling(chat, attempt)
        await self._wait(fault)
        if fault is not None and fault.kind == "refusal":
            raise refused(fault, chat, request.headers.get("Authorization"))
        body = await self.service.completed(chat, fault)
        if fault is not None and fault.kind == "wire":
            return await misdelivered(request, encoded(body), fault)
        response = reply(body)
        if await handed_over(request, response):
            self.ledger.answer(chat.digest, len(body["choices"]))
        else:
            self.ledger.abandoned += 1
        return response

    async def _wait(self, fault: Fault | None) -> None:
        """As long as an answer takes, whatever it will be."""
        latency = self.service.behaviour.latency
        if fault is not None:
            self.ledger.faults[fault.title] += 1
            latency *= SLOWER if fault.name == "slow" else 1
        await asyncio.sleep(latency)
