"""`g3 trace`: where a number came from: what it was made of, and the photos one by one. Nothing is written."""

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import polars as pl

from g3lib.experiments.lmm import STAND_IN
from g3lib.store import Home
from pipelines.commands.failures import FAILED, WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings
from pipelines.commands.tables import ask_warehouse, print_frame

ROWS = 20  # of the photos' table in a terminal; --csv prints all
WIDE = 160  # columns of a terminal, from which on there is room for positions

_LINEAGE = """
select depth, asset, partition, left(data_version, 12) as data_version, code_version,
    left(git_commit, 12) as git_commit, left(run_id, 8) as dagster_run, left(mlflow_run_id, 8) as mlflow_run
from lineage.trace('accuracy', {partition})
order by depth, asset, partition
"""
_NUMBER = """
select threshold_km, accuracy, ci_low, ci_high, n, n_failed, lmm
from results.accuracy where benchmark = {benchmark} and experiment = {experiment}
order by threshold_km
"""
_PHOTOS = """
select
    made.photo_id, made.author,
    case when made.error_km < {threshold} then 'hit' else 'miss' end as result,
    made.error_km, made.source, made.score, made.lat, made.lon, made.true_lat, made.true_lon,
    photo.shard, ledger.origin, made.run_id, version.data_version, version.git_commit
from results.prediction as made
left join results.photo as photo on photo.dataset = made.benchmark and photo.photo_id = made.photo_id
left join results.photo_ledger as ledger
    on ledger.dataset = photo.dataset and ledger.shard = photo.shard and ledger.photo_id = photo.photo_id
    and ledger.fate = 'stored'
left join lineage.materialization as version
    on version.asset = 'predictions' and version.partition = {partition} and version.current
where made.benchmark = {benchmark} and made.experiment = {experiment}
order by result desc, made.error_km desc nulls first, made.photo_id
"""  # misses first, failures before all
_SHARDS = "select partition as shard, path from lineage.materialization where asset = 'photos' and current"


def show_trace(
    benchmark: str, experiment: str, profile: str | None, threshold: int | None, csv: bool
) -> None:
    """The lineage of an accuracy row; with a threshold in km, the number and every photo behind it.

    Raises CommandFailed for what was not measured, and if the photos do not add up to the number.
    """
    _, home = settings(profile)
    known = ask_warehouse(home, "select distinct benchmark, experiment from results.accuracy order by all")
    if (benchmark, experiment) not in known.rows():
        there = "; ".join(f"{b} {e}" for b, e in known.rows()) or "nothing yet: g3 run"
        raise CommandFailed(f"no accuracy of {benchmark} {experiment}; there are: {there}", WRONG_USAGE)
    names = _quoted(benchmark=benchmark, experiment=experiment, partition=f"{benchmark}|{experiment}")
    if threshold is None:
        _show_lineage(home, names, csv)
    else:
        _show_photos(home, names, threshold, csv, f"{benchmark} {experiment}")


def _quoted(**names: str) -> dict[str, str]:
    """As SQL's literals."""
    return {field: "'" + name.replace("'", "''") + "'" for field, name in names.items()}


def _show_lineage(home: Home, names: dict[str, str], csv: bool) -> None:
    """Every materialization upstream, and how many shards of photos that is."""
    traced = ask_warehouse(home, _LINEAGE.format(**names))
    if csv:
        sys.stdout.write(traced.write_csv())
        return
    print_frame(traced)
    shards = traced.filter(asset="photos").height
    click.echo(f"{traced.height} materializations, down to {shards} photo shards.")


def _show_photos(home: Home, names: dict[str, str], threshold: int, csv: bool, what: str) -> None:
    number = _number(home, names, threshold, what)
    photos = _photos(home, names, threshold)
    hits = photos.filter(result="hit").height
    if photos.height != number["n"] or abs(hits / max(photos.height, 1) - number["accuracy"]) > 1e-9:
        raise CommandFailed(
            f"{what} within {threshold} km: the table says {number['accuracy']:.4f} of {number['n']} photos, its "
            f"predictions are {hits} hits of {photos.height}; the one was made without the other. `g3 run` makes "
            "both, and `g3 sql` shows either",
            FAILED,
        )
    if csv:
        sys.stdout.write(photos.write_csv())
        return
    click.echo(_sentence(what, number, hits))
    for line in _common(photos):
        click.echo(line)
    print_frame(_shown(photos.head(ROWS)))
    if photos.height > ROWS:
        click.echo(f"… and {photos.height - ROWS} more; --csv prints all, with every column.")


def _number(home: Home, names: dict[str, str], threshold: int, what: str) -> dict[str, Any]:
    """The row of results.accuracy."""
    rows = ask_warehouse(home, _NUMBER.format(**names))
    found = rows.filter(threshold_km=threshold)
    if found.is_empty():
        there = ", ".join(map(str, rows["threshold_km"].to_list()))
        raise CommandFailed(f"{what}: no accuracy within {threshold} km; there are: {there}", WRONG_USAGE)
    return found.row(0, named=True)


def _photos(home: Home, names: dict[str, str], threshold: int) -> pl.DataFrame:
    """One row for each photo of the benchmark, with where it lies in which tar."""
    photos = ask_warehouse(home, _PHOTOS.format(threshold=int(threshold), **names))
    shards = photos["shard"].unique().drop_nulls().to_list()
    paths = ask_warehouse(home, _SHARDS).filter(pl.col("shard").is_in(shards))
    where = _members(home, paths.rows())
    return photos.join(where, on=["shard", "photo_id"], how="left", maintain_order="left").select(
        *photos.columns[: photos.columns.index("shard")],
        *("shard", "tar", "member", "offset", "origin", "run_id", "data_version", "git_commit"),
    )


def _members(home: Home, shards: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """shard, photo_id, tar, member, offset, of those shards whose manifest is still there."""
    nothing = {
        "shard": pl.String,
        "photo_id": pl.String,
        "tar": pl.String,
        "member": pl.String,
        "offset": pl.Int64,
    }
    found = [pl.DataFrame(schema=nothing)]
    for shard, path in shards:
        manifest = home.root / path
        if manifest.is_file():
            rows = pl.read_parquet(manifest, columns=["photo_id", "member", "offset"])
            tar = home.relative(manifest.with_suffix(".tar"))
            found.append(rows.with_columns(shard=pl.lit(shard), tar=pl.lit(tar)).select(*nothing))
    return pl.concat(found)


def _sentence(what: str, number: dict[str, Any], hits: int) -> str:
    """The number in words: `402 of 600 = 67.0 %`."""
    accuracy, low, high = (100 * number[name] for name in ("accuracy", "ci_low", "ci_high"))
    return (
        f"{what}, within {number['threshold_km']} km: {hits} of {number['n']} = {accuracy:.1f} %, "
        f"95 % interval {low:.1f} to {high:.1f} %; {number['n_failed']} without a prediction, counted as misses."
        + said_of_lmm(number["lmm"])
    )


def said_of_lmm(label: str | None) -> str:
    """A sentence, or none where no LMM was asked."""
    if label is None:
        return ""
    what = ", the demo's own and no language model" if label == STAND_IN else ""
    return f" LMM: {label}{what}."


def _common(photos: pl.DataFrame) -> list[str]:
    """What all rows share: who made them, from which files."""
    run, version, commit = (
        photos[name].drop_nulls().unique().sort() for name in ("run_id", "data_version", "git_commit")
    )
    tars = photos["tar"].drop_nulls().unique().sort().to_list()
    return [
        f"Predictions {', '.join(version) or 'of unknown version'}",
        f"made by Dagster run {', '.join(run) or 'unknown'} with code at {', '.join(commit) or 'unknown commit'}",
        f"from photos in {', '.join(tars) or 'files that are not there'}",
    ]


def _shown(photos: pl.DataFrame) -> pl.DataFrame:
    """The columns for a terminal."""
    wide = not sys.stdout.isatty() or shutil.get_terminal_size().columns >= WIDE
    return photos.select(
        "photo_id",
        "author",
        "result",
        pl.col("error_km").round(1),
        "source",
        pl.col("score").round(3),
        **(_where() if wide else {}),
    )


def _where() -> dict[str, pl.Expr]:
    """Where it was placed, where it was taken, and where its bytes are."""
    positions = {"predicted": _position("lat", "lon"), "truth": _position("true_lat", "true_lon")}
    return positions | {"member": pl.col("member"), "origin": pl.col("origin")}


def _position(lat: str, lon: str) -> pl.Expr:
    """Degrees as text; null where there is no position."""
    return pl.format("{}, {}", pl.col(lat).round(4), pl.col(lon).round(4))
