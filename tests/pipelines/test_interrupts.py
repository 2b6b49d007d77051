"""A signal whose handler forgets it still counts."""

import os
import signal
from collections.abc import Iterator

import pytest
from dagster._utils.interrupts import capture_interrupts

from pipelines.interrupts import remembered_interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Dagster maps SIGTERM for good; the test runner gets back its own."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_dagster_forgets(which: signal.Signals) -> None:
    with remembered_interrupts() as check:
        with capture_interrupts():
            os.kill(os.getpid(), which)
        with pytest.raises(KeyboardInterrupt):
            check()
        check()  # told once


def test_no_signal_and_others() -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    with remembered_interrupts() as check:
        check()
        os.kill(os.getpid(), signal.SIGUSR1)
        check()
    assert signal.set_wakeup_fd(-1) == -1
