"""A question to an LMM as data, and what can go wrong in getting it answered; no network here."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

DETAIL = "low"  # source: official code; what OpenAI bills as one tile

ErrorKind = Literal[
    "no-key", "unreachable", "unauthorized", "unknown-model", "nonsense", "unavailable", "rejected"
]


class LmmError(RuntimeError):
    """The LMM cannot be asked, or does not answer; `kind` says in which way."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        """`message` names the endpoint, what happened and the remedy; it never holds the key."""
        super().__init__(message)
        self.kind: ErrorKind = kind


@dataclass(frozen=True)
class Question:
    """One request for `n` answers: a prompt about one photo. `label` is the LMM in tables."""

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

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that determines the answer; photos of equal bytes share it."""
        canonical = json.dumps([self.label, self.as_request()], sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def as_request(self) -> dict[str, Any]:
        """The request for the log: as it is sent, but with the image's digest for the image."""
        return self.body(f"sha256:{self.image_sha256}")

    def body(self, image_url: str, answered: int = 0) -> dict[str, Any]:
        """The JSON body of the request for what is left after `answered` answers.

        One user message, text before image (source: official code). The seed moves along, or an
        endpoint that honours it would repeat itself.
        """
        image = {"type": "image_url", "image_url": {"url": image_url, "detail": DETAIL}}
        content = [{"type": "text", "text": self.text}, image]
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "n": self.n - answered,
            "temperature": self.temperature,
            "seed": self.seed + answered,
            "max_tokens": self.max_tokens,
        }
