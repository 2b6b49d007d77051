"""`g3 score`: the metric tables for anybody's predictions, and keeping them in the warehouse beside ours."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import polars as pl

from g3lib.experiments import Profile, experiment
from g3lib.store import Home, Input, Key
from g3lib.store.files import sha256_of
from pipelines.commands.failures import FAILED, WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings
from pipelines.home import IN_PROCESS_TAG, HomeIsBusy, exclusive, prepare
from pipelines.settings import SettingsError, load_profile, profile_names

if TYPE_CHECKING:
    from g3lib.results.outside import Beside, Judged, Making, Scored, Truth

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,79}")


@dataclass(frozen=True)
class _Place:
    """Whose photos and tables."""

    profile: Profile
    home: Home


def score_predictions(
    predictions: Path,
    benchmark: str | None,
    truth: Path | None,
    columns: str | None,
    profile: str | None,
    name: str | None,
    keep: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Score a file, print it, and keep it if asked; CommandFailed names what cannot be used and what to do."""
    if as_json and as_csv:
        raise CommandFailed("--json and --csv are two forms of the same; choose one", WRONG_USAGE)
    from g3lib.results.outside import beside, measure

    started, place = datetime.now(UTC), _Place(*settings(profile))
    called = _name(name, predictions, keep)
    judged = _judged(place, predictions, benchmark, truth, columns)
    if keep:
        _check_names(judged.truth.benchmark, called)
    resamples = place.profile.bootstrap_resamples
    scored = measure(judged, called, resamples, place.profile.places.near_km)
    others = beside(scored, place.home, resamples)
    said = _keep(scored, place, predictions, started) if keep else ""
    _print(scored, others, said, as_json, as_csv)


def _name(name: str | None, predictions: Path, keep: bool) -> str:
    """What tables call it: as asked, else after the file; never as one of ours."""
    called = name or re.sub(r"[^A-Za-z0-9._+@-]+", "-", predictions.stem).strip("-.")[:60] or "predictions"
    try:
        experiment(called)
    except KeyError:
        return called
    if name or keep:
        raise CommandFailed(
            f"{called!r} is an experiment of ours; give the predictions another name with --name", WRONG_USAGE
        )
    return f"{called}-outside"


def _check_names(benchmark: str, name: str) -> None:
    for what, value in (("--benchmark", benchmark), ("--name", name)):
        if not NAME.fullmatch(value):
            raise CommandFailed(
                f"{what} {value!r}: letters, digits and . _ + @ - only, at most 80, as a file's name",
                WRONG_USAGE,
            )


def _judged(
    place: _Place, predictions: Path, benchmark: str | None, truth: Path | None, columns: str | None
) -> "Judged":
    from g3lib.results.outside import BadPredictions, NoTruth, judge, parse_columns

    try:
        asked = parse_columns(columns)
        known = _truth(place, benchmark, truth)
        return judge(predictions, asked, known, benchmark or predictions.stem)
    except NoTruth as problem:
        raise CommandFailed(*_remedy(place, benchmark, str(problem))) from problem
    except BadPredictions as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem


def _truth(place: _Place, benchmark: str | None, file: Path | None) -> "Truth | None":
    """Of a file, else of the home's photos, else none: then the predictions must bring their own."""
    from g3lib.results.outside import truth_of_file, truth_of_photos

    if file is not None:
        return truth_of_file(file, benchmark or file.stem, _publication(place.profile, benchmark))
    if benchmark not in place.profile.benchmarks:
        return None
    found = _photos(place, benchmark)
    if found is None:
        return None
    photos, inputs = found
    return truth_of_photos(benchmark, photos, f"the photos of {benchmark} in {place.home.root}", inputs)


def _publication(profile: Profile, benchmark: str | None) -> str | None:
    """Which published metadata a file offered for this benchmark must be; None if any may."""
    from g3lib.images.metadata.formats import PUBLICATIONS

    if benchmark in profile.benchmarks:
        published = getattr(profile.dataset(benchmark).source, "publication", "any")
        return None if published == "any" else published
    return benchmark if benchmark in PUBLICATIONS and benchmark not in ("any", "place-pulse") else None


def _photos(place: _Place, benchmark: str) -> tuple[pl.DataFrame, list[Input]] | None:
    """The benchmark's photos and what made them; None unless every shard is there."""
    from assets.plan import Workflow
    from assets.steps import STEPS

    workflow = Workflow(place.profile, place.home, STEPS)
    shards = place.profile.dataset(benchmark).partitions
    records = [record for each in shards if (record := workflow.record(Key("photos", each)))]
    if len(records) < len(shards):
        return None
    columns = ["photo_id", "author", "lat", "lon"]
    photos = pl.concat([pl.read_parquet(place.home.root / each.path, columns=columns) for each in records])
    return photos, [Input(each.asset, each.partition, each.data_version) for each in records]


def _remedy(place: _Place, benchmark: str | None, problem: str) -> tuple[str, int]:
    """Why there is no truth, and what to do; and the exit code."""
    profile = place.profile
    if benchmark in profile.benchmarks:
        lacks = f"the photos of {benchmark} are not (all) in {place.home.root}: `g3 run {profile.name}` makes them"
        return f"{lacks}; or give its metadata file with --truth", FAILED
    if benchmark is None:
        return (
            f"{problem}. Benchmarks of profile {profile.name}: {', '.join(profile.benchmarks)}",
            WRONG_USAGE,
        )
    there = [each for each in profile_names() if benchmark in _benchmarks(each)]
    hint = (
        f"it is in profile {there[0]}: add --profile {there[0]}"
        if there
        else "give its metadata with --truth"
    )
    known = ", ".join(profile.benchmarks)
    return f"no benchmark {benchmark!r} in profile {profile.name}, which has: {known}; {hint}", WRONG_USAGE


def _benchmarks(profile: str) -> list[str]:
    with suppress(SettingsError):
        return load_profile(profile).benchmarks
    return []


def _keep(scored: "Scored", place: _Place, predictions: Path, started: datetime) -> str:
    """Commit, and publish if there is a warehouse and nobody is at work; what the user should know of it."""
    from assets.factory import git_commit
    from g3lib.results.outside import Making, config_of, is_kept

    places = place.profile.places
    config = config_of(
        scored,
        sha256_of(predictions),
        bootstrap_resamples=place.profile.bootstrap_resamples,
        near_km=places.near_km,
    )
    making = Making(started, git_commit(), config)
    again = " (in place of the former)" if is_kept(place.home, scored.benchmark, scored.name) else ""
    kept = f"Kept as {scored.name} of {scored.benchmark}{again}"
    try:
        with exclusive(place.home):
            _commit(scored, place, making)
            if not place.home.warehouse.exists():
                return f"{kept}; `g3 run` makes the tables it will be in."
            _publish(place)
            return f"{kept}, and in the tables: g3 results accuracy"
    except HomeIsBusy:
        _commit(scored, place, making)
        return f"{kept}; another `g3 run` is at work, after which it will be in the tables (else: g3 run)."
    except OSError as problem:
        raise CommandFailed(f"{place.home.root} cannot be written: {problem}") from problem


def _commit(scored: "Scored", place: _Place, making: "Making") -> None:
    """A `g3 run` that begins meanwhile sweeps unfinished files, perhaps ours: once more, then."""
    from g3lib.results.outside import keep

    try:
        keep(scored, place.home, making)
    except FileNotFoundError:
        keep(scored, place.home, making)


def _publish(place: _Place) -> None:
    import dagster as dg

    preparation = prepare(place.home)
    from pipelines.conductor import StageFailed, publish
    from pipelines.definitions import build_definitions

    definitions = build_definitions(place.profile, place.home)
    try:
        with dg.DagsterInstance.get() as instance:
            publish(definitions, instance, {IN_PROCESS_TAG: str(os.getpid())}, place.profile.reports)
    except StageFailed as failure:
        raise CommandFailed(f"kept, but not in the tables: {failure}") from failure
    finally:
        preparation.wait()


def _print(scored: "Scored", others: "Beside", said: str, as_json: bool, as_csv: bool) -> None:
    from rich.console import Console

    from g3lib.results.outside import display

    if as_json:
        found: Mapping[str, Any] = {**display.as_json(scored, others), "kept": said or None}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False))
        return
    if as_csv:
        click.echo(display.as_long(scored).write_csv(), nl=False)
    parts = display.told(scored) if as_csv else display.report(scored, others)
    console = Console(stderr=as_csv)
    for part in parts:
        console.print(part)
    if said:
        click.echo(said, err=as_csv)
