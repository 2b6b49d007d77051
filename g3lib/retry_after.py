"""HTTP's Retry-After header, which photo hosts and LMM endpoints send alike."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or an HTTP date; None if it says neither."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    when = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
