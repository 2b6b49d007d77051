"""The files of the batch API, kept in memory, and the pages in which files and batches are listed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from g3lib.candidates.stand_in.errors import ApiError

PAGE, LARGEST_PAGE = 20, 100


class Listed(Protocol):
    """What has an identifier and a JSON form."""

    @property
    def id(self) -> str:
        """Its identifier, unique among its kind."""
        ...

    def to_json(self) -> dict[str, Any]:
        """As the API gives it."""
        ...


@dataclass(frozen=True)
class File:
    """A file as uploaded or as a batch wrote it."""

    content: bytes
    filename: str
    purpose: str
    # random, so that a client cannot take another server's file for its own
    id: str = field(default_factory=lambda: f"file-{uuid4().hex[:24]}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    def to_json(self) -> dict[str, Any]:
        """The API's file object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "expires_at": None,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class Files:
    """All files by identifier."""

    def __init__(self) -> None:
        self.all: dict[str, File] = {}

    def add(self, file: File) -> File:
        """Keep a file."""
        self.all[file.id] = file
        return file

    def get(self, identifier: str) -> File:
        """The file of that identifier; ApiError if there is none."""
        if identifier not in self.all:
            raise ApiError(f"No such File object: {identifier[:100]}", 404, param="id")
        return self.all[identifier]


def page(items: Sequence[Listed], query: Mapping[str, str]) -> dict[str, Any]:
    """One page of a list, newest first; `limit` and `after` of the query choose it."""
    newest_first = list(reversed(items))
    limit = query.get("limit", str(PAGE))
    if not (limit.isdecimal() and 1 <= int(limit[:9]) <= LARGEST_PAGE):
        message = f"Invalid 'limit': expected 1 to {LARGEST_PAGE}, but got {limit[:20]} instead."
        raise ApiError(message, code="value_out_of_range", param="limit")
    start = _start(newest_first, query.get("after"))
    shown = newest_first[start : start + int(limit)]
    return {
        "object": "list",
        "data": [item.to_json() for item in shown],
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
        "has_more": start + len(shown) < len(newest_first),
    }


def _start(items: Sequence[Listed], after: str | None) -> int:
    if after is None:
        return 0
    for index, item in enumerate(items):
        if item.id == after:
            return index + 1
    raise ApiError(f"No such object to list after: {after[:100]}", param="after")
