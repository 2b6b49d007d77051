"""Ctrl-C that cannot get lost.

Dagster's handlers forget a signal that arrives while it opens or closes a run, and Python drops an exception raised
inside a finalizer. The interpreter itself writes every signal's number to a file descriptor, whoever handles it; so
between two runs one can look whether any came. Nor need anybody read where exactly it struck.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POOLS = ("NullPool", "QueuePool", "SingletonThreadPool")  # of Dagster's and MLflow's databases
ENDING = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """A function that raises KeyboardInterrupt if SIGINT or SIGTERM has come since; for the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before, hook = signal.set_wakeup_fd(writer, warn_on_full_buffer=False), sys.unraisablehook
    sys.unraisablehook = lambda lost: None if _is_interrupt(lost.exc_type) else hook(lost)
    pools = [logging.getLogger(f"sqlalchemy.pool.impl.{name}") for name in POOLS]
    for pool in pools:
        pool.addFilter(_of_no_interrupt)

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
        for pool in pools:
            pool.removeFilter(_of_no_interrupt)
        os.close(reader)
        os.close(writer)


def _is_interrupt(kind: type[BaseException] | None) -> bool:
    return kind is not None and issubclass(kind, KeyboardInterrupt)


def _of_no_interrupt(record: logging.LogRecord) -> bool:
    """SQLAlchemy logs an interrupt that strikes while it closes a connection, then lets it pass."""
    return not (record.exc_info and _is_interrupt(record.exc_info[0]))
