"""Refusals as OpenAI's API words them; when to refuse is the other modules' business."""

from collections.abc import Mapping
from typing import Any


class ApiError(ValueError):
    """A reply with an HTTP status of 400 or more; `code` and `param` as OpenAI's API would give them."""

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`message` goes to the client as it is."""
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.headers: Mapping[str, str] = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that goes with the status."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        if self.status == 429:
            kind = "insufficient_quota" if self.code == "insufficient_quota" else "requests"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


def rate_limited(message: str, headers: Mapping[str, str] | None = None) -> ApiError:
    """HTTP 429 for asking too often; what to wait for is in the headers, if anywhere."""
    return ApiError(message, 429, "rate_limit_exceeded", headers=headers)


def no_such_model(model: str) -> ApiError:
    """HTTP 404 for a model that is not served here."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(message, 404, "model_not_found")
