"""An endpoint and what it sends back: replies read, the API key never shown.

Whatever an endpoint says passes through `Endpoint.redacted` before it is shown or recorded. No
request is made here.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from g3lib.candidates.questions import ErrorKind, LmmError
from g3lib.candidates.responses import Answer

SHOWN = 200  # characters of a strange reply that an error shows
SHORTEST_SECRET = 8  # a local endpoint's key may be `x` or `0`, which must not mangle the answers


@dataclass(frozen=True)
class Endpoint:
    """Where to ask; never shown with its key."""

    base_url: str
    api_key: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, where no proxy leads."""
        return urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def shown(self) -> str:
        """The base URL without a user name, password or query."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def redacted(self, text: str) -> str:
        """`text` without the key, should the endpoint have echoed it."""
        if len(self.api_key) < SHORTEST_SECRET:
            return text
        return text.replace(self.api_key, "[G3_LMM_API_KEY]")

    def error(self, kind: ErrorKind, what: str, said: str = "") -> LmmError:
        """An LmmError that names this endpoint and quotes the beginning of what it said."""
        quoted = f" It said: {self.redacted(said)[:SHOWN]!r}" if said else ""
        return LmmError(kind, self.redacted(f"LMM endpoint {self.shown}: {what}{quoted}"))


def read_reply(endpoint: Endpoint, reply: str) -> Answer:
    """The answers in a reply of the protocol; LmmError `nonsense` if it is none."""
    try:
        body = json.loads(reply)
        said = [_said(choice) for choice in body["choices"]]
        usage = body.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = []
    if not said:
        what = "the reply is no chat completion; check that G3_LMM_BASE_URL is an OpenAI-style API."
        raise endpoint.error("nonsense", what, reply) from None
    texts = tuple(endpoint.redacted(text) for text, _ in said)
    return Answer(texts, *tokens, finishes=tuple(endpoint.redacted(finish) for _, finish in said))


def _said(choice: Any) -> tuple[str, str]:
    """Text of a choice and why it ended; TypeError if it is no text."""
    message, finish = choice["message"], choice.get("finish_reason") or "stop"
    refusal = message.get("refusal")
    text = message.get("content") or refusal or ""
    if not isinstance(text, str) or not isinstance(finish, str):
        raise TypeError
    if not text and finish == "stop" and "content" not in message:
        raise TypeError
    return text, "refusal" if refusal else finish
