"""One stand-in for the whole room: it keeps no state between requests."""

from collections.abc import Iterator

import pytest

from g3lib.candidates.running import running_stand_in


@pytest.fixture(scope="session")
def stand_in() -> Iterator[str]:
    """Base URL of a running stand-in."""
    with running_stand_in() as base_url:
        yield base_url
