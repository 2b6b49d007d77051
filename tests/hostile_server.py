"""A web server on loopback addresses that misbehaves as the path asks, and counts what was asked of it.

It stands in for Flickr and the rest of the web: `/good/17.jpg` answers with picture 17, `/gone/17.jpg` with 410, and so
on down FAULTS. It speaks just enough HTTP/1.1 to be no bottleneck: pictures lie in memory, one process, no framework.
"""

import asyncio
import contextlib
import io
import json
import re
import socket
import struct
import subprocess
import sys
import urllib.request
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from functools import cache
from time import time
from typing import ClassVar

HOSTS = tuple(
    f"127.0.0.{number}" for number in range(1, 65)
)  # as many hosts as a client sees; Linux has them all
PICTURES = 200
ENDLESS = 64 * 1024 * 1024  # bytes after which even the endless body ends
PADDING = 300_000  # bytes behind a padded picture
DRIP = 0.05  # seconds between two bytes


def jpeg(number: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """Picture `number` as the server sends it: one of PICTURES, and bytes unlike any other number's."""
    base, remark = _picture(number % PICTURES, size), str(number).encode()
    return base[:2] + b"\xff\xfe" + struct.pack(">H", len(remark) + 2) + remark + base[2:]


@cache
def _picture(number: int, size: tuple[int, int]) -> bytes:
    """A JPEG with the detail of a photograph: noise, at several scales."""
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(number)
    pixels = np.zeros((size[1], size[0], 3), np.float32)
    for cells in (3, 12, 48):
        coarse = generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        pixels += np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.float32) / 3
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def bomb(edge: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that claims `edge` x `edge` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def answer(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A whole response; `length` lies about the body's."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One client's connection; requests come one after the other on it."""

    asked: ClassVar[Counter[str]] = Counter()  # by path
    completed: ClassVar[Counter[str]] = Counter()  # responses written to their end
    size = (320, 240)
    port = 0

    def __init__(self) -> None:
        self.buffer, self.drip = b"", None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        if self.drip is not None:
            self.drip.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            line, self.buffer = self.buffer[: self.buffer.find(b"\r\n")], self.buffer[end + 4 :]
            self.respond(line.split(b" ")[1].decode())

    def respond(self, path: str) -> None:
        _, kind, *_ = path.split("/")
        if kind == "control":
            self.transport.write(self.control(path))
            return
        self.asked[path] += 1
        if kind == "good":
            self.good(path)
        elif kind in ANSWERS:
            self.transport.write(ANSWERS[kind](self, path))
            self.completed[path] += 1
        else:
            FAULTS[kind](self, path)

    def control(self, path: str) -> bytes:
        counts = {"asked": dict(self.asked), "completed": dict(self.completed)}
        if path.endswith("forget"):
            self.asked.clear()
            self.completed.clear()
        return answer("200 OK", json.dumps(counts).encode())

    def good(self, path: str) -> None:
        data = jpeg(number_in(path), self.size)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
        self.transport.write(head + data)
        self.completed[path] += 1

    def cut(self, path: str) -> None:
        data = jpeg(number_in(path), self.size)
        self.transport.write(answer("200 OK", data[: len(data) // 2], length=len(data)))
        self.transport.close()

    def reset(self, _: str) -> None:
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def dripping(self, path: str) -> None:
        data = jpeg(number_in(path), self.size)

        async def write() -> None:
            self.transport.write(answer("200 OK", length=len(data)))
            for byte in data:
                self.transport.write(bytes([byte]))
                await asyncio.sleep(DRIP)

        self.drip = asyncio.ensure_future(write())

    def endless(self, path: str) -> None:
        data = jpeg(number_in(path), self.size)

        async def write() -> None:
            self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(ENDLESS // len(data)):
                self.transport.write(b"%x\r\n%s\r\n" % (len(data), data))
                await asyncio.sleep(0)
                while self.transport.get_write_buffer_size() > 1_000_000:
                    await asyncio.sleep(0.01)
            self.transport.close()

        self.drip = asyncio.ensure_future(write())

    def once(self, path: str, first: bytes) -> bytes:
        """`first` for the first request of a path, then its picture."""
        return first if self.asked[path] == 1 else answer("200 OK", jpeg(number_in(path), self.size))

    def hang(self, _: str) -> None:
        """Never answer."""


def number_in(path: str) -> int:
    """The number at the end of a path."""
    found = re.search(r"(\d+)(?:_[a-z])?\.\w+$", path)
    return int(found[1]) if found else 0


def in_one_second() -> str:
    """An HTTP date at least one second from now."""
    return formatdate(time() + 2, usegmt=True)


# faults that are whole answers, by the first part of the path
ANSWERS: dict[str, Callable[[Connection, str], bytes]] = {
    "missing": lambda c, p: answer("404 Not Found", b"<html>no such photo</html>"),
    "gone": lambda c, p: answer("410 Gone"),
    "forbidden": lambda c, p: answer("403 Forbidden"),
    "teapot": lambda c, p: answer("418 I'm a teapot"),
    "limited": lambda c, p: answer("429 Too Many Requests"),
    "limited-once": lambda c, p: c.once(p, answer("429 Too Many Requests", b"", "Retry-After: 1")),
    "limited-day": lambda c, p: answer("429 Too Many Requests", b"", "Retry-After: 86400"),
    "failing": lambda c, p: answer("500 Internal Server Error"),
    "failing-once": lambda c, p: c.once(p, answer("500 Internal Server Error")),
    "unavailable-once": lambda c, p: c.once(p, answer("503 Service Unavailable", b"", "Retry-After: 1")),
    "unavailable-day": lambda c, p: answer("503 Service Unavailable", b"", "Retry-After: 86400"),
    "date-once": lambda c, p: c.once(p, answer("503 Unavailable", b"", f"Retry-After: {in_one_second()}")),
    "moved": lambda c, p: answer("302 Found", b"", f"Location: {p.replace('moved', 'good')}"),
    "outside": lambda c, p: answer("302 Found", b"", "Location: file:///etc/passwd"),
    "placeholder": lambda c, p: answer("302 Found", b"", "Location: /same/photo_unavailable.png"),
    "sideways": lambda c, p: answer("302 Found", b"", f"Location: http://{HOSTS[1]}:{c.port}/good/1.jpg"),
    "loop": lambda c, p: answer("302 Found", b"", f"Location: {p}"),
    "page": lambda c, p: answer("200 OK", b"<!DOCTYPE html><p>Sorry", "Content-Type: image/jpeg"),
    "untyped": lambda c, p: answer("200 OK", jpeg(number_in(p), c.size), "Content-Type: text/html"),
    "long": lambda c, p: answer("200 OK", b"", length=10**12),
    "bomb": lambda c, p: answer("200 OK", bomb() + p.encode()),
    "empty": lambda c, p: answer("200 OK"),
    "same": lambda c, p: answer("200 OK", jpeg(10**9, c.size)),
    "noai": lambda c, p: answer("200 OK", jpeg(number_in(p), c.size), "X-Robots-Tag: noindex, noai"),
    "padded": lambda c, p: answer("200 OK", jpeg(number_in(p), c.size) + bytes(PADDING)),
    "torn": lambda c, p: answer("200 OK", jpeg(number_in(p), c.size)[:-500]),
}
# faults of the connection itself
FAULTS: dict[str, Callable[[Connection, str], None]] = {
    "cut": Connection.cut,
    "reset": Connection.reset,
    "drip": Connection.dripping,
    "endless": Connection.endless,
    "hang": Connection.hang,
}


class HostileServer:
    """A running server, as its tests see it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def url(self, kind: str, number: int, host: str = HOSTS[0], suffix: str = ".jpg") -> str:
        """The address of one photo."""
        return f"http://{host}:{self.port}/{kind}/{number}{suffix}"

    def counts(self, forget: bool = False) -> dict[str, Counter[str]]:
        """How often each path was `asked`, and its response `completed`, since the start or the last `forget`."""
        query = "forget" if forget else "counts"
        with urllib.request.urlopen(f"http://{HOSTS[0]}:{self.port}/control/{query}") as response:
            return {name: Counter(counts) for name, counts in json.load(response).items()}


@contextlib.contextmanager
def serving(size: tuple[int, int] = (320, 240), ready: int = 0) -> Iterator[HostileServer]:
    """A server in a process of its own, ended with the block; its pictures have `size` pixels.

    The first `ready` pictures are made before the block begins, the others when they are asked for.
    """
    command = [sys.executable, __file__, *map(str, size), str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield HostileServer(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


async def serve(size: tuple[int, int], ready: int) -> None:
    """Serve until told to end; the first line of output is the port."""
    loop, port = asyncio.get_running_loop(), 0
    Connection.size = size
    for host in HOSTS:
        server = await loop.create_server(Connection, host, port, backlog=4096)
        port = Connection.port = server.sockets[0].getsockname()[1]
    for number in range(ready):
        _picture(number, size)
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    width, height, ready_pictures = map(int, sys.argv[1:])
    asyncio.run(serve((width, height), ready_pictures))
