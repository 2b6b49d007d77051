"""A question to an LMM as data, and what can go wrong in getting it answered; no network here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Expected = Literal["coordinates", "place"]

ErrorKind = Literal[
    "no-key",
    "unreachable",
    "unauthorized",
    "unknown-model",
    "nonsense",
    "unavailable",
    "rejected",
    "budget",
    "not-recorded",
]

# what JSON schema output is held to; strict mode wants every property required and no other
_PROPERTIES: Mapping[Expected, Mapping[str, Any]] = {
    "coordinates": {"latitude": {"type": "number"}, "longitude": {"type": "number"}},
    "place": {name: {"type": "string"} for name in ("city", "state", "country")},
}


class LmmError(RuntimeError):
    """The LMM cannot be asked, or does not answer; `kind` says in which way."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        """`message` names the endpoint, what happened and the remedy; it never holds the key."""
        super().__init__(message)
        self.kind: ErrorKind = kind


@dataclass(frozen=True)
class Question:
    """A prompt about one photo, to be answered `n` times.

    photo_id, source: whose question it is; label: the LMM in tables. expected: what an answer names, held to a JSON
    schema if `structured`. detail, longest_side: how the photo is shown (longest_side in pixels, None as it is).
    """

    photo_id: str
    source: str
    text: str
    image_sha256: str
    model: str
    label: str
    n: int
    temperature: float
    seed: int
    max_tokens: int
    expected: Expected = "coordinates"
    structured: bool = True
    detail: str = "low"
    longest_side: int | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that determines the answers; `n` is not in it.

        The answers to one question are a sequence, of which a request fetches the next few: who wants more than is
        recorded pays for the difference. Photos of equal bytes share their questions.
        """
        determining = [self.label, self.longest_side, self.as_request()]
        return hashlib.sha256(json.dumps(determining, sort_keys=True).encode()).hexdigest()

    def as_request(self) -> dict[str, Any]:
        """The request for the log: the image is named by its digest, the number of answers is left out."""
        request = self.body(f"sha256:{self.image_sha256}", 0, 1)
        del request["n"]
        return request

    def body(self, image_url: str, first: int, count: int) -> dict[str, Any]:
        """The JSON body of the request for answers `first` to `first + count - 1`.

        One user message, text before image (source: official code). The seed moves along, or an
        endpoint that honours it would repeat itself.
        """
        image = {"type": "image_url", "image_url": {"url": image_url, "detail": self.detail}}
        content = [{"type": "text", "text": self.text}, image]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "n": count,
            "temperature": self.temperature,
            "seed": self.seed + first,
            "max_tokens": self.max_tokens,
        }
        return body | ({"response_format": _schema(self.expected)} if self.structured else {})


def _schema(expected: Expected) -> dict[str, Any]:
    properties = _PROPERTIES[expected]
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": expected, "strict": True, "schema": schema}}
