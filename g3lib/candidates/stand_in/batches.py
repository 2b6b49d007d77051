"""A batch as the API shows it: its status, its times, its counts. The work is batch_work.py's business."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from g3lib.candidates.stand_in.errors import ApiError

ENDPOINT, WINDOW = "/v1/chat/completions", "24h"
OPEN = ("validating", "in_progress", "finalizing")
_STAMPED = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
_DAY = 24 * 3600


@dataclass
class Batch:
    """One batch; `errors` are those of its validation, `usage` counts tokens."""

    input_file_id: str
    metadata: Mapping[str, str] | None
    id: str = field(default_factory=lambda: f"batch_{uuid4().hex[:24]}")
    created_at: int = field(default_factory=lambda: int(time.time()))
    status: str = "validating"
    stamps: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def is_cancelling(self) -> bool:
        """Whether it was cancelled before its end."""
        return self.status == "cancelling"

    def become(self, status: str) -> None:
        """Pass into another status, now; a cancelled batch only ends."""
        if not (self.is_cancelling and status in OPEN):
            self.status = status
            self.stamps[status] = int(time.time())

    def cancel(self) -> None:
        """Ask for its end; ApiError if it has ended."""
        if self.status in OPEN:
            self.become("cancelling")
        elif not self.is_cancelling:
            raise ApiError(f"Cannot cancel a batch with status '{self.status}'.", 409)

    def to_json(self) -> dict[str, Any]:
        """The API's batch object."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "model": self.model,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": WINDOW,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + _DAY,
            **{f"{status}_at": self.stamps.get(status) for status in _STAMPED},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": self._usage(),
            "metadata": self.metadata,
        }

    def _usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self.tokens_in,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": self.tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.tokens_in + self.tokens_out,
        }


def created(request: Mapping[str, Any]) -> Batch:
    """The batch that a parsed request asks for; whether its input file exists is not checked."""
    for name, only in (("endpoint", ENDPOINT), ("completion_window", WINDOW)):
        if request.get(name) != only:
            message = f"Invalid value: {str(request.get(name))[:60]!r}. Supported here: {only!r}."
            raise ApiError(message, code="invalid_value", param=name)
    file_id, metadata = request.get("input_file_id"), request.get("metadata")
    if not isinstance(file_id, str):
        message = "Missing required parameter: 'input_file_id'."
        raise ApiError(message, code="missing_required_parameter", param="input_file_id")
    if metadata is not None and not _is_metadata(metadata):
        message = "Invalid 'metadata': at most 16 strings of 512 characters, with keys of at most 64."
        raise ApiError(message, code="invalid_type", param="metadata")
    return Batch(file_id, metadata)


def _is_metadata(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and len(given) <= 16
        and all(isinstance(value, str) and len(value) <= 512 for value in given.values())
        and all(len(key) <= 64 for key in given)
    )
