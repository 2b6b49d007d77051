"""The stand-in's HTTP side: its routes, the key they want, errors as replies.

What is answered is protocol.py's business, by which routes chats.py's, batch_routes.py's, controls.py's.
"""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from g3lib.candidates.stand_in import chats, controls
from g3lib.candidates.stand_in.batch_routes import BatchRoutes
from g3lib.candidates.stand_in.behaviour import Behaviour
from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.service import Service
from g3lib.candidates.stand_in.wire import error_reply, reply

LARGEST_BODY = 201 * 2**20  # a batch's input file is 200 MB at most


def application(behaviour: Behaviour) -> web.Application:
    """The server."""
    service = Service(behaviour)
    chat = chats.Chats(service)
    middlewares = [_accounting(chat), _explaining, _locking(behaviour.key)]
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=middlewares)
    app.router.add_post(chats.PATH, chat.answer)
    app.router.add_get("/v1/models", _models)
    app[_MODELS] = behaviour.dialect.models
    app.add_routes(controls.Controls(service).routes())
    if "batches" not in behaviour.dialect.without:
        app.add_routes(BatchRoutes(service).routes())
    return app


_MODELS: web.AppKey[tuple[str, ...]] = web.AppKey("models")


async def _models(request: web.Request) -> web.StreamResponse:
    names = request.app[_MODELS]
    served = [{"id": name, "object": "model", "created": 0, "owned_by": "g3"} for name in names]
    return reply({"object": "list", "data": served})


def _accounting(chat: chats.Chats) -> Middleware:
    """Chat requests are counted whatever becomes of them, so this one is the outermost."""

    @web.middleware
    async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == chats.PATH:
            return await chat.account(request, handler)
        return await handler(request)

    return account


@web.middleware
async def _explaining(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors in OpenAI's form, those of the routing as well."""
    try:
        return await handler(request)
    except ApiError as error:
        return error_reply(error)
    except web.HTTPException as error:
        message = f"{error.reason} ({request.method} {request.path[:200]})"
        return error_reply(ApiError(message, error.status))


def _locking(key: str | None) -> Middleware:
    """The key is wanted everywhere but by the controls."""

    @web.middleware
    async def unlock(request: web.Request, handler: Handler) -> web.StreamResponse:
        if key is not None and not request.path.startswith(controls.PATH):
            _check_key(request.headers.get("Authorization", "").removeprefix("Bearer "), key)
        return await handler(request)

    return unlock


def _check_key(given: str, key: str) -> None:
    if not given:
        raise ApiError("You didn't provide an API key.", 401)
    if not hmac.compare_digest(given.encode(errors="replace"), key.encode()):
        message = f"Incorrect API key provided: {given[:7]}*****{given[-4:]}."
        raise ApiError(message, 401, "invalid_api_key")
