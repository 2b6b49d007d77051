"""The routes by which a test reads the ledger and changes the misbehaviour; OpenAI's API has none of them."""

from aiohttp import web

from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.protocol import parsed
from g3lib.candidates.stand_in.service import Service
from g3lib.candidates.stand_in.wire import reply

PATH = "/v1/stand-in"  # it wants no key


class Controls:
    """The ledger and the behaviour of a service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def routes(self) -> list[web.RouteDef]:
        """What an application serves."""
        return [
            web.get(f"{PATH}/ledger", self.ledger),
            web.delete(f"{PATH}/ledger", self.reset),
            web.get(f"{PATH}/faults", self.faults),
            web.post(f"{PATH}/faults", self.change),
        ]

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """The counts; `?bodies=no` leaves out the single request bodies."""
        return reply(self.service.ledger.to_json(bodies=request.query.get("bodies") != "no"))

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Count anew, which lets the draws of faults begin anew as well."""
        self.service.ledger.reset()
        return await self.ledger(request)

    async def faults(self, request: web.Request) -> web.StreamResponse:
        """The behaviour in force."""
        return reply(self.service.behaviour.to_json())

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change what the body names, from the next request on."""
        try:
            self.service.change(parsed(await request.read()))
        except ApiError:
            raise
        except ValueError as error:
            raise ApiError(str(error)) from None
        return await self.faults(request)
