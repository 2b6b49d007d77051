"""Retry-After as servers send it."""

import pytest

from g3lib.retry_after import retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("12", 12), ("0", 0), ("soon", None), ("-5", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds
