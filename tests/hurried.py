"""Downloads for tests: no politeness, short times, loopback allowed; and in processes that may be killed."""

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from g3lib.experiments.datasets import DownloadSettings
from g3lib.images.download import Request, download

HURRIED = DownloadSettings(
    requests_per_second=10_000,
    burst=10_000,
    concurrency=64,
    concurrency_per_host=64,
    attempts=2,
    timeout_seconds=1.0,
    backoff_seconds=0.01,
    longest_wait_seconds=5,
    tolerated_failures=1,
    maximum_bytes=1_000_000,
    private_networks=True,
)


def hurried(**changes: Any) -> DownloadSettings:
    """The settings above with some changed."""
    return HURRIED.model_copy(update=changes)


def in_a_process(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start `work` in a process of its own, with the libraries loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["g3lib.images.download", "g3lib.images.download.fetching", "uvloop"])
    process = context.Process(target=work, args=arguments)
    process.start()
    return process


def fetch(urls: list[str], spool: Path, changes: dict[str, Any]) -> None:
    """Download; for a process of its own."""
    for _ in download([Request(url, url) for url in urls], hurried(**changes), spool):
        pass


def fetch_with_room(urls: list[str], spool: Path, limit: int, told: Path) -> None:
    """Download with files of at most `limit` bytes; leave the error's words in `told`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        fetch(urls, spool, {})
    except OSError as problem:
        told.write_text(f"{type(problem).__name__}: {problem}")


def fetch_measured(urls: list[str], spool: Path, told: Path) -> None:
    """Download; leave in `told` by how many bytes that raised the process's peak of resident memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fetch(urls, spool, {"timeout_seconds": 30})
    told.write_text(str((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024))
