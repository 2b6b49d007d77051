"""Stand-ins for the whole room, and one per module that can be told to misbehave."""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.stand_in.running import running_stand_in

sys.path.insert(0, str(Path(__file__).parent))  # for small_queries, whatever pytest's import mode

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 not much of a photo").decode()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[str]:
    """Base URL of a running stand-in that behaves."""
    with running_stand_in() as base_url:
        yield base_url


@dataclass
class Steered:
    """A stand-in that a test tells how to behave, over plain HTTP."""

    base_url: str
    http: httpx.Client

    def tell(self, **changes: Any) -> None:
        """Change its behaviour from now on."""
        answer = self.http.post("/stand-in/faults", json=changes)
        assert answer.status_code == 200, answer.text

    def ledger(self) -> dict[str, Any]:
        """What it counted since the test began."""
        return json.loads(self.http.get("/stand-in/ledger").content)

    def body(self, text: str = "Where?", image: str = JPEG, **more: Any) -> dict[str, Any]:
        """A chat request."""
        url = f"data:image/jpeg;base64,{image}"
        image_part = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
        content = [{"type": "text", "text": text}, image_part]
        return {"model": MODEL, "messages": [{"role": "user", "content": content}]} | more

    def post(self, text: str = "Where?", **more: Any) -> httpx.Response:
        """Ask for a chat completion."""
        return self.http.post("/chat/completions", json=self.body(text, **more))

    def said(self, text: str = "Where?", **more: Any) -> list[str]:
        """The texts of a sound completion."""
        answer = self.post(text, **more)
        assert answer.status_code == 200, answer.text
        return [choice["message"]["content"] for choice in answer.json()["choices"]]


@pytest.fixture(scope="module")
def module_stand_in() -> Iterator[str]:
    """Base URL of this module's own stand-in."""
    with running_stand_in() as base_url:
        yield base_url


@pytest.fixture
def steered(module_stand_in: str) -> Iterator[Steered]:
    """This module's stand-in, behaving and with an empty ledger until told otherwise."""
    with httpx.Client(base_url=module_stand_in, trust_env=False, timeout=10) as http:
        steered = Steered(module_stand_in, http)
        steered.tell(
            faults=[], latency=0, capacity=None, per_second=None,
            batch_seconds=0.05, batch_error=0, batch_expire=0, batch_fail=False,
        )  # fmt: skip
        http.delete("/stand-in/ledger")
        yield steered
