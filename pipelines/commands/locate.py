"""`g3 locate`: a person's own photos through the trained workflow; nothing of the home's results is changed."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import polars as pl

from g3lib.experiments import Experiment, Profile, experiment
from g3lib.store import Home, Key
from pipelines.commands.failures import FAILED, WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings

if TYPE_CHECKING:
    from assets.step import Task
    from g3lib.images.given import Given, Sightings
    from g3lib.results.locating import Locations


def locate_photos(
    photos: tuple[Path, ...], profile: str | None, name: str, as_json: bool, map_file: Path | None
) -> None:
    """Locate every photo and say so; CommandFailed for what no photo can be located without.

    Exits with FAILED if some photo could not be located; the others are told all the same.
    """
    from g3lib.images.given import NoPhotos, given

    chosen, home = settings(profile)
    found = _experiment(name, chosen)
    try:
        wanted = given(photos)
    except NoPhotos as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem
    _check_writable(map_file)
    locations = _located(found, chosen, home, wanted)
    if map_file is not None:
        _write_map(locations, map_file, wanted)
    if as_json:
        from g3lib.results.locating import as_json as document

        click.echo(document(locations))
    else:
        _print(locations)
    if locations.located < len(locations.photos):
        sys.exit(FAILED)


def _experiment(name: str, profile: Profile) -> Experiment:
    try:
        found = experiment(name)
        if found.prompts:
            profile.lmm_named(found.lmm)
    except KeyError as problem:
        raise CommandFailed(str(problem.args[0]), WRONG_USAGE) from problem
    return found


def _check_writable(file: Path | None) -> None:
    """Before anything is asked and paid for."""
    if file is not None and not file.absolute().parent.is_dir():
        raise CommandFailed(f"{file}: there is no folder {file.absolute().parent}", WRONG_USAGE)


def _located(found: Experiment, profile: Profile, home: Home, wanted: "Sequence[Given]") -> "Locations":
    import dagster as dg

    from assets import locating
    from assets.plan import Workflow
    from assets.resources import Tracking
    from assets.step import Task
    from assets.steps import STEPS
    from g3lib.gallery.errors import GalleryError
    from g3lib.images.given import Sightings
    from g3lib.results.locating import Locations, answers, sureness

    workflow, sightings = Workflow(profile, home, STEPS), Sightings()
    try:
        inputs = locating.made(workflow, found)
        with TemporaryDirectory() as scratch:  # nothing is made in it, nor tracked
            nowhere = Tracking(uri="", artifacts="")
            task = Task(Key("locate"), profile, home, inputs, Path(scratch), nowhere, "", _report)
            candidates, bill = _weighed(task, found, wanted, sightings)
    except locating.NoAnswer as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem
    except (locating.NotMade, GalleryError) as problem:
        raise CommandFailed(str(problem)) from problem
    except dg.Failure as problem:  # the LMM's words; what it answered before is kept
        raise CommandFailed(str(problem.description)) from problem
    sure = sureness(locating.judged(workflow, found, inputs), found.name)
    told = answers(
        [each.name for each in wanted],
        sightings.seen,
        sightings.rejected,
        candidates,
        sure,
        profile.places.near_km,
    )
    warnings = locating.warnings(profile, found)
    return Locations(profile.name, found, locating.lmm_of(profile, found), warnings, sure, told, bill)


def _weighed(
    task: "Task", found: Experiment, wanted: "Sequence[Given]", sightings: "Sightings"
) -> tuple[pl.DataFrame, Mapping[str, float]]:
    """All candidates of the photos that can be used, each named by its digest; and what asking came to."""
    from assets.locating import embed, locate
    from g3lib.candidates.generation import Query
    from g3lib.candidates.table import SCHEMA
    from g3lib.images.given import distinct

    largest = max((each.size for each in wanted), default=0)
    embedded = embed(task, found, distinct(wanted, sightings), largest)
    once = {each.sha256: each for each in reversed(sightings.seen)}
    if not once:
        return pl.DataFrame(schema={**SCHEMA, "score": pl.Float64, "chosen": pl.Boolean}), {}
    order = list(dict.fromkeys(each.sha256 for each in sightings.seen))
    photos = pl.DataFrame({"photo_id": order, "sha256": order}).with_columns(
        dhash=pl.Series([once[each].dhash for each in order], dtype=pl.UInt64)
    )
    queries = [Query(each, partial(_jpeg_of, once[each].given)) for each in order]
    located = locate(task, found, photos, embedded, queries)
    return located.candidates, located.bill


def _jpeg_of(photo: "Given") -> bytes:
    from g3lib.images import bare_jpeg

    return bare_jpeg(photo.read())


def _report(line: str) -> None:
    click.echo(line, err=True)


def _write_map(locations: "Locations", file: Path, wanted: "Sequence[Given]") -> None:
    from g3lib.results.locating.page import page
    from g3lib.store.files import replacing

    by_name = {each.name: each for each in wanted}
    try:
        with replacing(file) as scratch:
            scratch.write_text(page(locations, lambda name: by_name[name].read()), encoding="utf-8")
    except OSError as problem:
        raise CommandFailed(f"{file} cannot be written: {problem}") from problem
    click.echo(f"{file}: the map; it opens in any browser, without a network.", err=True)


def _print(locations: "Locations") -> None:
    from rich.console import Console

    from g3lib.results.locating.terminal import blocks

    console = Console(highlight=False)
    for block in blocks(locations):
        console.print(block)
