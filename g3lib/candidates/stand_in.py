"""The stand-in LMM: a local server of the OpenAI protocol, for running without an endpoint.

`python -m g3lib.candidates.stand_in` prints its URL and lives until its stdin closes. What it
answers is in protocol.py; nothing heavy may be imported here: the server must start at once.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from random import Random
from typing import TYPE_CHECKING, Any

from g3lib.candidates.protocol import MODEL, BadRequest, Chat, completion, error_body

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

FAULTS = ("nonsense", "hang", "unauthorized", "short", *(f"status={n}" for n in range(400, 600)))


def application(fault: str | None = None, rate: float = 1.0) -> "Starlette":
    """The server; `fault` (one of FAULTS) befalls that share of the requests, seeded."""
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    chance = Random(0)

    def reply(body: dict[str, Any], status: int = 200) -> Response:
        return Response(json.dumps(body), status, media_type="application/json")

    async def chat(request: "Request") -> Response:
        befallen = fault is not None and chance.random() < rate
        try:
            body = completion(Chat.read(await request.body()))
        except BadRequest as error:
            return reply(error_body(str(error), error.code), error.status)
        if not befallen or fault is None:
            return reply(body)
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "nonsense":
            return Response("<html>It works!</html>", media_type="text/html")
        if fault == "short":
            return reply(body | {"choices": body["choices"][:1]})
        status = 401 if fault == "unauthorized" else int(fault.partition("=")[2])
        # echoed on purpose: an endpoint that repeats the key must not get it into our logs
        return reply(error_body(f"refused: {request.headers.get('authorization')}"), status)

    async def models(request: "Request") -> Response:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "g3"}
        return reply({"object": "list", "data": [model]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/models", models, methods=["GET"]),
        ]
    )


def _die_with_parent() -> None:
    """A pipe's end closes however its owner dies, kill -9 included."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve on 127.0.0.1 until stdin closes."""
    from argparse import ArgumentParser

    import uvicorn

    parser = ArgumentParser(prog="python -m g3lib.candidates.stand_in", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="status=500, nonsense …")
    parser.add_argument("--rate", type=float, default=1.0, help="share of requests befallen")
    given = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", given.port))
    listener.setblocking(False)
    config = uvicorn.Config(
        application(given.fault, given.rate),
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=300,
    )
    threading.Thread(target=_die_with_parent, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
