"""An endpoint and what it sends back: replies read, errors explained, the API key in neither.

Whatever an endpoint says passes through `Endpoint.redacted` before it is shown or recorded. No
request is made here.
"""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from g3lib.candidates.questions import ErrorKind, LmmError, Question
from g3lib.candidates.responses import Answer

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

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
        messages = [choice["message"] for choice in body["choices"]]
        said = [message.get("content") or message.get("refusal") or "" for message in messages]
        usage = body.get("usage") or {}
        tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        said = []
    if not said or not all(isinstance(text, str) for text in said):
        what = "the reply is no chat completion; check that G3_LMM_BASE_URL is an OpenAI-style API."
        raise endpoint.error("nonsense", what, reply) from None
    return Answer(tuple(endpoint.redacted(text) for text in said), *tokens)


def explained(endpoint: Endpoint, question: Question, error: "APIError") -> LmmError:
    """What an error of openai's client means here, and the remedy."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        what = "no answer in time, retries included; raise timeout_seconds or lower concurrency."
        return endpoint.error("unavailable", what)
    if isinstance(error, APIConnectionError):
        what = "no connection; start the endpoint or check G3_LMM_BASE_URL."
        return endpoint.error("unreachable", what, str(error.__cause__ or ""))
    if isinstance(error, APIStatusError):
        return _explained_status(endpoint, question, error)
    return endpoint.error("nonsense", "openai's client cannot read the reply.", str(error))


def _explained_status(endpoint: Endpoint, question: Question, error: "APIStatusError") -> LmmError:
    status, said = error.status_code, error.response.text
    if status in (401, 403):
        what = f"HTTP {status}: it does not accept the key; check G3_LMM_API_KEY."
        return endpoint.error("unauthorized", what, said)
    if status == 404:
        what = f"HTTP 404 for model {question.model!r}; check G3_LMM_MODEL and G3_LMM_BASE_URL."
        return endpoint.error("unknown-model", what, said)
    if status in (408, 409, 429) or status >= 500:
        what = f"HTTP {status}, retries included; wait or lower concurrency."
        return endpoint.error("unavailable", what, said)
    what = f"HTTP {status} for {question.source} of photo {question.photo_id!r}."
    return endpoint.error("rejected", what, said)
