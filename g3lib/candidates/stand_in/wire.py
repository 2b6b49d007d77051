"""Replies on their way: whether one got away whole, and the faults of kind `wire` that hinder it."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.faults import Fault

_FOREVER = 10 * 365 * 24 * 3600.0
_NO_LINGER = struct.pack("ii", 1, 0)  # close() sends RST, not FIN


def encoded(body: Mapping[str, Any]) -> bytes:
    """A body of JSON."""
    return json.dumps(body).encode()


def reply(body: Mapping[str, Any]) -> web.Response:
    """A reply of JSON."""
    return web.Response(body=encoded(body), content_type="application/json")


def error_reply(error: ApiError) -> web.Response:
    """A refusal as a reply."""
    response = reply(error.body)
    response.set_status(error.status)
    response.headers.update(error.headers)
    return response


async def handed_over(request: web.Request, response: web.Response) -> bool:
    """Send a response; whether all of it was given to the connection while the client was there."""
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return False
    return not is_gone(request)


def is_gone(request: web.Request) -> bool:
    """Whether the connection is closed or closing."""
    return request.transport is None or request.transport.is_closing()


async def misdelivered(request: web.Request, body: bytes, fault: Fault) -> web.StreamResponse:
    """What a fault of kind `wire` makes of the body of a completion."""
    if fault.name == "hang":
        await asyncio.sleep(_FOREVER)  # cancelled when the client leaves
    if fault.name == "reset":
        _reset(request)
    if fault.name == "drop":
        return await _dropped(request, body)
    if fault.name == "nonsense":
        return web.Response(text="<html>It works!</html>", content_type="text/html")
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


def _reset(request: web.Request) -> None:
    """Close the connection without a word."""
    transport: Any = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()


async def _dropped(request: web.Request, body: bytes) -> web.StreamResponse:
    """The headers of the whole and half of the body, then the end of the connection."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # after what is written has been sent
    return response
