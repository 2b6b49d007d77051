"""The stand-in's side of OpenAI's chat completions: requests understood, responses composed.

HTTP is application.py's business, what is answered answering.py's.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from g3lib.candidates.stand_in import reading
from g3lib.candidates.stand_in.answering import answers
from g3lib.candidates.stand_in.dialect import MODEL, Dialect
from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.forms import Form

__all__ = ["MODEL", "Chat", "completion", "digest_of", "parsed"]

MOST_ANSWERS = 128
_IMAGE_TOKENS = 85  # what OpenAI bills for one image at low detail
_CHARACTERS_PER_TOKEN = 4
_NO_REQUEST = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Chat:
    """What the stand-in understands of a request body; `digest` is `digest_of` the body."""

    model: str
    text: str
    image_digest: str
    n: int
    temperature: float
    seed: int
    form: Form
    digest: str

    @classmethod
    def read(cls, request: dict[str, Any], dialect: Dialect) -> "Chat":
        """Check a parsed request body, which is changed by it; ApiError says what is wrong."""
        try:
            dialect.check(request)
            text, image_digest = reading.messages(request, dialect)
            form = Form.of(request.get("response_format"), text)
            digest = digest_of(request)
        except ApiError:
            raise
        except _NO_REQUEST as error:
            raise ApiError(f"not a chat completion request: {error!r}"[:300]) from None
        if request.get("stream"):
            raise ApiError("the stand-in does not stream", code="unsupported_value", param="stream")
        for name in ("max_tokens", "max_completion_tokens"):
            reading.integer(request, name, 1, 2**31, 1)
        n = reading.integer(request, "n", 1, MOST_ANSWERS, 1)
        return cls(
            model=request["model"],
            text=text,
            image_digest=image_digest,
            n=1 if "n" in dialect.without else n,
            temperature=reading.number(request, "temperature", 0, 2, 1.0),
            seed=reading.integer(request, "seed", -(2**63), 2**63 - 1, 0),
            form=form,
            digest=digest,
        )


def parsed(body: bytes | bytearray) -> dict[str, Any]:
    """The JSON object of a request's body."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"not a chat completion request: the body is no JSON: {error}"
        raise ApiError(message[:300]) from None
    if not isinstance(request, dict):
        raise ApiError(f"not a chat completion request: the body is a {type(request).__name__}")
    return request


def digest_of(request: Mapping[str, Any]) -> str:
    """What the ledger calls a request body: SHA-256 of its canonical JSON, of which nothing is left out.

    Its images stand in it as `sha256:<digest of the image>`, as in our logs of responses.
    """
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def completion(chat: Chat) -> dict[str, Any]:
    """The response body for a request."""
    texts = answers(chat.text, chat.image_digest, chat.seed, chat.temperature, chat.n, chat.form)
    tokens_in = _tokens(chat.text) + (_IMAGE_TOKENS if chat.image_digest else 0)
    tokens_out = sum(map(_tokens, texts))
    return {
        "id": f"chatcmpl-{chat.digest[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": chat.model,
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


def _tokens(text: str) -> int:
    """Roughly what a tokenizer would count."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
