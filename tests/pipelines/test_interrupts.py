"""A signal whose handler forgets it still counts."""

import logging
import os
import signal
import sys
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


def test_where_an_interrupt_struck_is_nobodys_business() -> None:
    class Struck:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    shown: list[type[BaseException] | None] = []
    pool = logging.getLogger("sqlalchemy.pool.impl.NullPool")
    before, sys.unraisablehook = sys.unraisablehook, lambda lost: shown.append(lost.exc_type)
    try:
        with remembered_interrupts():
            Struck(), Broken()
            heard = [kind for kind in (KeyboardInterrupt, ValueError) if pool.filter(record_of(kind))]
    finally:
        sys.unraisablehook = before
    assert (shown, heard) == ([ValueError], [ValueError])
    assert pool.filter(record_of(KeyboardInterrupt))  # all as it was


def record_of(kind: type[BaseException]) -> logging.LogRecord:
    """Of an exception that struck while a connection was closed."""
    exception = (kind, kind(), None)
    return logging.LogRecord("pool", logging.ERROR, __file__, 1, "closing", (), exception)
