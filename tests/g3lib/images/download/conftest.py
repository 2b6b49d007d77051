"""One misbehaving server for the tests of this folder."""

from collections.abc import Iterator

import pytest
from hostile_server import PICTURES, HostileServer, serving

SIZE = (64, 48)  # pixels of the server's pictures


@pytest.fixture(scope="session")
def running() -> Iterator[HostileServer]:
    with serving(size=SIZE, ready=PICTURES) as server:
        yield server


@pytest.fixture
def server(running: HostileServer) -> HostileServer:
    """The server, with its counts at zero."""
    running.counts(forget=True)
    return running
