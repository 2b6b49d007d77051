"""The stand-in's process: it prints its URL, and lives until its stdin closes.

Nothing heavy may be imported here: the server must start at once.
"""

import asyncio
import os
import socket
import sys
import threading
from contextlib import suppress

from aiohttp import web

from g3lib.candidates.stand_in.application import application
from g3lib.candidates.stand_in.behaviour import Behaviour
from g3lib.candidates.stand_in.options import behaviour_and_port

BACKLOG = 4096  # thousands may connect at once
KEEP_ALIVE = 300.0


def main() -> None:
    """Serve what the command line asks for."""
    behaviour, port = behaviour_and_port()
    _allow_many_connections()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(behaviour, port))


async def _serve(behaviour: Behaviour, port: int) -> None:
    runner = web.AppRunner(
        application(behaviour),
        access_log=None,
        keepalive_timeout=KEEP_ALIVE,
        handler_cancellation=True,  # a client that leaves is not answered
    )
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    await asyncio.Event().wait()


def _allow_many_connections() -> None:
    """Up to the hard limit of open files; Windows has no such limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _die_with_parent() -> None:
    """A pipe's end closes however its owner dies, kill -9 included."""
    while os.read(sys.stdin.fileno(), 4096):  # unbuffered: a buffer's lock would hold up Ctrl-C
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
