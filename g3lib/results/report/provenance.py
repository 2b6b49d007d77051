"""Where each table of a report came from: assets, runs, commits and versions of the data, as lineage has them."""

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from g3lib.results.report.reading import Source

# what a reader sees: the assets that made it
MADE_OF = {
    "Leaderboard, curves, continents, places": ("accuracy", "predictions"),
    "Cost, parse failures": ("scored_candidates", "candidates"),
    "Differences": ("comparisons",),
    "Misses, oracle, calibration, coverage": ("diagnoses",),
    "Published numbers": ("published",),
    "Photos, places and scenes of the queries": ("queries", "photos"),
    "References": ("references",),
}
PACKAGES = (
    *("duckdb", "polars", "numpy", "pyproj", "torch", "open-clip-torch", "faiss-cpu", "openai"),
    *("dagster", "mlflow", "altair", "vl-convert-python", "pillow"),
)

_MADE = r"""
select
    asset, partition, left(data_version, 16) as data_version, code_version, git_commit, run_id,
    strftime(finished_at, '%Y-%m-%d %H:%M:%S') as finished, finished_at
from lineage.materialization
where current and asset = any($assets)
    and (partition is null or partition = $benchmark
        or starts_with(partition, $benchmark || '|')
        or regexp_full_match(partition, regexp_escape($benchmark) || '-\d{6}'))
order by asset, partition
"""
_PHOTOS = r"""
select config->>'$.source.kind' as kind
from lineage.materialization
where current and asset = 'photos' and regexp_full_match(partition, regexp_escape($benchmark) || '-\d{6}')
limit 1
"""
KINDS = {"blue-marble": "tiles of NASA's Blue Marble, rendered for the demonstration; no photographs"}


def provenance(source: Source, benchmark: str) -> list[dict[str, Any]]:
    """A dictionary per table of the report: what it shows, from which assets, and every materialization behind it."""
    assets = [asset for made_of in MADE_OF.values() for asset in made_of]
    rows = source.rows(_MADE, assets=assets, benchmark=benchmark).to_dicts()
    return [
        _of_table(shows, [row for row in rows if row["asset"] in made_of])
        for shows, made_of in MADE_OF.items()
    ]


def _of_table(shows: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "shows": shows,
        "rows": rows,
        "assets": sorted({row["asset"] for row in rows}),
        "runs": sorted({row["run_id"] for row in rows}),
        "commits": sorted({row["git_commit"] for row in rows}),
        "finished": max((row["finished"] for row in rows if row["finished"]), default=None),
    }


def photos_are(source: Source, benchmark: str) -> str | None:
    """What the benchmark's pictures are, where they are no photographs."""
    found = source.rows(_PHOTOS, benchmark=benchmark)
    return KINDS.get(found["kind"][0] or "") if found.height else None


def published_at(source: Source) -> str:
    """When the warehouse was published, in words."""
    return datetime.fromtimestamp(source.published_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")


def packages() -> dict[str, str]:
    """Versions of what is installed where the report is built; lineage records the commit, which pins them."""
    return {name: found for name in PACKAGES if (found := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
