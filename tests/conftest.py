"""The whole workflow, run once for all tests that look at its results or go on from them."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import perf_counter

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for pages and tiny, whatever pytest's import mode

from richer import enriched
from tiny import Finished, TinyHome

MEMORY = Path("/dev/shm")
ENOUGH = 2e9  # bytes for some twenty small homes


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Processes share the work by file; the files that look at the workflow's one whole run stay together.

    Those that take longest are marked `more whole runs` by themselves: a second process makes the run, too.
    """
    whole = {
        each.path
        for each in items
        if {"finished", "new_copy", "richer"} & set(getattr(each, "fixturenames", ()))
    }
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            group = "whole runs" if item.path in whole else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for homes; in memory where it can be, since two databases sync half a small run away."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
        with tempfile.TemporaryDirectory(prefix="g3-tests-", dir=MEMORY) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="session")
def finished(homes: Path) -> Finished:
    """The one run from nothing; a failure here is told with the command's own words."""
    tiny, started = TinyHome(homes / "finished"), perf_counter()
    run = tiny.g3("run", "demo")
    assert run.returncode == 0, run.stdout + run.stderr
    return Finished(tiny, run, perf_counter() - started)


@pytest.fixture(scope="session")
def new_copy(homes: Path, finished: Finished) -> Callable[..., TinyHome]:
    """Makes copies of the finished home, each to change at will, with further settings."""
    numbers = count()
    return lambda **more: finished.tiny.copy_to(homes / f"copy-{next(numbers)}", **more)


@pytest.fixture(scope="session")
def richer(homes: Path, finished: Finished) -> TinyHome:
    """The finished home with more experiments; its files stay as they are."""
    return enriched(finished.tiny, homes / "richer")
