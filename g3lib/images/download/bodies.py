"""A response's body: read within limits of size and memory, and recognised by its first bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from g3lib.images.exif.containers import kind_of
from g3lib.images.photo import FORMATS

if TYPE_CHECKING:
    from aiohttp import ClientResponse

BYTES_IN_FLIGHT = 256 * 1024 * 1024  # of all bodies being read, before they wait for each other


class TooLarge(Exception):
    """A body beyond the limit; the message says what was found."""


@dataclass
class Room:
    """Memory for bodies under way: at most `capacity` bytes, and one body more so that somebody always goes on.

    Waiting for room counts against a request's deadline; it takes hundreds of megabytes under way to wait at all.
    """

    capacity: int = BYTES_IN_FLIGHT
    taken: int = 0
    _beyond: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def share(self) -> AsyncIterator["Share"]:
        """Room for one body; given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            share.give_back()


@dataclass
class Share:
    """What one body takes of a room, in bytes."""

    room: Room
    held: int = 0
    beyond: bool = False

    async def grow(self, size: int) -> None:
        """Take `size` bytes more; waits while the room is full and another body is beyond it."""
        room = self.room
        if room.taken + size > room.capacity and not self.beyond:
            await room._beyond.acquire()
            self.beyond = True
        room.taken += size
        self.held += size

    def give_back(self) -> None:
        """All of it."""
        self.room.taken -= self.held
        if self.beyond:
            self.room._beyond.release()


async def read_body(response: "ClientResponse", limit: int, room: Room) -> bytes:
    """The whole body; TooLarge as soon as it is announced or grows beyond `limit` bytes."""
    announced = response.content_length
    if announced is not None and announced > limit:
        raise TooLarge(f"announces {announced:,} bytes, more than {limit:,}")
    pieces, size = list[bytes](), 0
    async with room.share() as share:
        while piece := await response.content.readany():
            size += len(piece)
            if size > limit:
                raise TooLarge(f"goes on after {limit:,} bytes")
            await share.grow(len(piece))
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def is_image(data: bytes) -> bool:
    """Whether bytes begin as a photo's formats do; a server's Content-Type proves nothing."""
    return kind_of(data) in FORMATS


def beginning(data: bytes) -> str:
    """The first bytes of what is no image, in words for a ledger."""
    return f"{len(data):,} bytes that begin {data[:24]!r}"
