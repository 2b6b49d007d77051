"""Whether reports show what is published: each names the warehouse that it was built from."""

from pathlib import Path

from g3lib.results.report.reading import benchmarks, opened
from g3lib.store.artifacts import Home, file_name

VERSION = "1"  # of the page and of what is in it; a change makes every report out of date
_HEAD = 2048  # characters within which the stamp stands


def report_path(home: Home, benchmark: str) -> Path:
    """Where a benchmark's report lies."""
    return home.root / "reports" / f"{file_name(benchmark)}.html"


def stamp(warehouse_ns: int) -> str:
    """What a report says it was built from."""
    return f"g3-report/{VERSION}/{warehouse_ns}"


def needs_report(home: Home) -> bool:
    """Whether some benchmark of the published warehouse has no report, or one of another warehouse or version."""
    if not home.warehouse.is_file():
        return False
    with opened(home) as source:
        wanted = stamp(source.published_ns)
        return any(wanted not in _head(report_path(home, name)) for name in benchmarks(source))


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as handle:
            return handle.read(_HEAD)
    except FileNotFoundError:
        return ""
