"""A local web server that sends parts of files, and misbehaves as it is told."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Request:
    """One request as it came; `number` counts those for its path, from 0."""

    path: str
    start: int
    stop: int
    number: int
    authorization: str | None


@dataclass
class Answer:
    """What the server sends; a fault changes it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None  # bytes of the body after which the line is cut


Fault = Callable[[Request, Answer], Answer]


class RangedServer:
    """Files by path; `faults` are asked in turn what to make of each answer."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.lock, self.counts = threading.Lock(), Counter[str]()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, path: str, data: bytes) -> str:
        """Serve a file; its address."""
        self.files[path] = data
        return self.url + path

    def answer(self, request: Request) -> Answer:
        if request.path not in self.files:
            return Answer(404, b"")
        data = self.files[request.path]
        etag = {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}
        if request.start >= len(data):
            return Answer(416, b"", etag | {"Content-Range": f"bytes */{len(data)}"})
        stop = min(request.stop, len(data))
        span = {"Content-Range": f"bytes {request.start}-{stop - 1}/{len(data)}"}
        return Answer(206, data[request.start : stop], etag | span)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                start, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
                with server.lock:
                    number = server.counts[self.path]
                    server.counts[self.path] += 1
                    token = self.headers.get("Authorization")
                    request = Request(self.path, int(start), int(last) + 1, number, token)
                    server.requests.append(request)
                answer = server.answer(request)
                for fault in server.faults:
                    answer = fault(request, answer)
                self.send_response(answer.status)
                for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body[: answer.sent])
                self.close_connection = answer.sent is not None

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def first(times: int, change: Fault) -> Fault:
    """A fault of the first requests for each path only."""
    return lambda request, answer: change(request, answer) if request.number < times else answer


def status(code: int, **headers: str) -> Fault:
    """Answer with this status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, answer: Answer(code, b"", named)


def cut(after: int) -> Fault:
    """Cut the line after so many bytes of the body."""
    return lambda request, answer: Answer(answer.status, answer.body, answer.headers, after)
