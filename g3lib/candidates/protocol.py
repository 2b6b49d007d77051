"""The stand-in's side of OpenAI's chat completions: requests checked, responses composed.

HTTP is stand_in.py's business, what is answered guessing.py's.
"""

import base64
import binascii
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

from g3lib.candidates.guessing import answers

MODEL = "g3-stand-in"

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF")
_IMAGE_TOKENS = 85  # what OpenAI bills for one image at low detail
_CHARACTERS_PER_TOKEN = 4


class BadRequest(ValueError):
    """What is wrong with a request; `status` and `code` as OpenAI's API would give them."""

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        """`message` goes to the client as it is."""
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Chat:
    """What the stand-in understands of a request body."""

    text: str
    image_digest: str
    n: int
    temperature: float
    seed: int

    @classmethod
    def read(cls, body: bytes) -> "Chat":
        """Check a request body; BadRequest says what is wrong with it."""
        try:
            request = json.loads(body)
            if request["model"] != MODEL:
                message = f"no model {request['model']!r} here; there is {MODEL!r}"
                raise BadRequest(message, 404, "model_not_found")
            text, image = _parts(request["messages"])
            n, temperature = int(request.get("n") or 1), float(request.get("temperature", 1.0))
            seed = int(request.get("seed") or 0)
        except BadRequest:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRequest(f"not a chat completion request: {error!r}") from error
        if not (1 <= n <= 128 and 0 <= temperature <= 2):
            raise BadRequest(f"n={n} must be 1 to 128 and temperature={temperature} 0 to 2")
        return cls(text, _digest(image), n, temperature, seed)


def _parts(messages: Any) -> tuple[str, str]:
    """All text of the messages and the URL of the last image, empty if there is none."""
    texts: list[str] = []
    image = ""
    for message in messages:
        content = message["content"]
        parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "text":
                texts.append(str(part["text"]))
            else:
                image = str(part["image_url"]["url"])
    return "\n".join(texts), image


def _digest(url: str) -> str:
    """SHA-256 of the image in a data URL; looking for a magic number is all the looking it does."""
    if not url:
        return ""
    head, _, payload = url.partition(";base64,")
    try:
        content = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"the image is not a base64 data URL: {error}") from error
    if not head.startswith("data:image/") or not content.startswith(_MAGIC):
        raise BadRequest("the image_url is no data URL of a JPEG, PNG, GIF or WebP image")
    return hashlib.sha256(content).hexdigest()


def _tokens(text: str) -> int:
    """Roughly what a tokenizer would count."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def completion(chat: Chat) -> dict[str, Any]:
    """The response body for a request."""
    texts = answers(chat.text, chat.image_digest, chat.seed, chat.temperature, chat.n)
    tokens_in = _tokens(chat.text) + (_IMAGE_TOKENS if chat.image_digest else 0)
    tokens_out = sum(map(_tokens, texts))
    return {
        "id": f"chatcmpl-{hashlib.sha256(repr(chat).encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
            for index, text in enumerate(texts)
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


def error_body(message: str, code: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's API words it."""
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return {"error": body}
