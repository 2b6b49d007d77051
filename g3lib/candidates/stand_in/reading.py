"""The values of a request's parameters, checked; errors as OpenAI's API words them.

ApiError for a value out of range; for a request of another shape whatever Python raises, which
protocol.py explains.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from g3lib.candidates.stand_in.dialect import Dialect
from g3lib.candidates.stand_in.errors import ApiError

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF")


def integer(request: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    """An integer parameter from `low` to `high`; null is the default, as in OpenAI's API."""
    value = request.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        message = f"Invalid type for '{name}': expected an integer, but got {str(value)[:20]} instead."
        raise ApiError(message, code="invalid_type", param=name)
    return int(_within(name, value, low, high))


def number(request: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    """A number parameter from `low` to `high`."""
    value = request.get(name)
    if value is None:
        return default
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        message = f"Invalid type for '{name}': expected a number, but got {str(value)[:20]} instead."
        raise ApiError(message, code="invalid_type", param=name)
    return float(_within(name, value, low, high))


def _within(name: str, value: float, low: float, high: float) -> float:
    if low <= value <= high:  # false for NaN
        return value
    message = f"Invalid '{name}': expected a value from {low} to {high}, but got {str(value)[:20]} instead."
    raise ApiError(message, code="value_out_of_range", param=name)


def messages(request: Mapping[str, Any], dialect: Dialect) -> tuple[str, str]:
    """All text of the messages and the digest of the last image, empty if there is none.

    Each image's URL is replaced in `request` by `sha256:<digest>`, as our logs name images: what is
    left is small, and determines the answer as well.
    """
    texts: list[str] = []
    digest = ""
    for m, message in enumerate(request["messages"]):
        content = message["content"]
        parts: Any = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for p, part in enumerate(parts):
            if part["type"] == "text":
                texts.append(str(part["text"]))
            else:
                image = part["image_url"]
                dialect.check_image(image, f"messages[{m}].content[{p}].image_url")
                digest = _digest(str(image["url"]))
                image["url"] = f"sha256:{digest}"
    text = "\n".join(texts)
    text.encode()  # half a surrogate pair cannot be hashed; the error is a ValueError
    return text, digest


def _digest(url: str) -> str:
    """SHA-256 of the image in a data URL; looking for a magic number is all the looking it does."""
    head, _, payload = url.partition(";base64,")
    try:
        content = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError(f"the image is not a base64 data URL: {error}", param="messages") from error
    if not head.startswith("data:image/") or not content.startswith(_MAGIC):
        message = "the image_url is no data URL of a JPEG, PNG, GIF or WebP image"
        raise ApiError(message, code="invalid_image_format", param="messages")
    return hashlib.sha256(content).hexdigest()
