"""Ctrl-C that cannot get lost.

Dagster's handlers forget a signal that arrives while it opens or closes a run, and Python drops an exception raised
inside a finalizer. The interpreter itself writes every signal's number to a file descriptor, whoever handles it; so
between two runs one can look whether any came.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """A function that raises KeyboardInterrupt if SIGINT or SIGTERM has come since; for the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before, hook = signal.set_wakeup_fd(writer, warn_on_full_buffer=False), sys.unraisablehook
    # such an interrupt is remembered here, so nobody need read of it
    sys.unraisablehook = lambda lost: None if _is_interrupt(lost) else hook(lost)

    def check() -> None:
        try:
            arrived = os.read(reader, 4096)
        except BlockingIOError:
            return
        if ENDING & set(arrived):
            raise KeyboardInterrupt

    try:
        yield check
    finally:
        signal.set_wakeup_fd(before)
        sys.unraisablehook = hook
        os.close(reader)
        os.close(writer)


def _is_interrupt(lost: "sys.UnraisableHookArgs") -> bool:
    return lost.exc_type is not None and issubclass(lost.exc_type, KeyboardInterrupt)
