"""What several tests of the probe share."""

import pytest

from tests.g3lib.im2city.probing.toy_photos import Photos, drawn


@pytest.fixture
def photos() -> Photos:
    return drawn()
