"""`g3 rerun`: a recorded number made again from its configuration, commit and seed, and the two compared.

Nothing is written into the home of the number; nobody is asked.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from g3lib.store import Home
from pipelines.commands.failures import FAILED, WRONG_USAGE, CommandFailed
from pipelines.commands.run import settings
from pipelines.commands.showing import show
from pipelines.commands.tracing import said_of_lmm

if TYPE_CHECKING:
    from g3lib.experiments import Profile
    from pipelines.repeating.checkout import Code
    from pipelines.repeating.comparing import Artefact, Comparison
    from pipelines.repeating.fresh_home import Laid
    from pipelines.repeating.recorded import Recorded, Split


def rerun_experiment(
    benchmark: str, experiment: str, profile: str | None, beginning: str, into: Path | None
) -> None:
    """Repeat one experiment on one benchmark from the step `beginning` on, and print both beside each other.

    into: an empty folder in which the repetition stays, a home like any other; else it goes when it is compared.
    CommandFailed with exit code 1 if the numbers differ, or if they cannot be made again, with the remedy.
    """
    from pipelines.repeating import NotRepeatable

    present, home = settings(profile)
    try:
        with _tidy_ending():
            compared, code = _repeat(present, home, (benchmark, experiment), beginning, into)
    except NotRepeatable as problem:
        raise CommandFailed(str(problem), _code_of(problem)) from problem
    _show(compared)
    by = "" if code.exact else " This was the code at hand: the recorded one cannot be had."
    if not compared.same:
        raise CommandFailed(_what_differs(compared) + by, FAILED)
    click.echo(_verdict(compared) + by)


@contextmanager
def _tidy_ending() -> Iterator[None]:
    """A SIGTERM ends it as Ctrl-C does: what is temporary goes."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _code_of(problem: Exception) -> int:
    from pipelines.repeating import NotNamed

    return WRONG_USAGE if isinstance(problem, NotNamed) else FAILED


def _repeat(
    present: "Profile", home: Home, what: tuple[str, str], beginning: str, into: Path | None
) -> "tuple[Comparison, Code]":
    """Find what was recorded, lay out a fresh home, make the rest there, compare."""
    from assets.factory import git_commit
    from assets.plan import Workflow
    from assets.steps import STEPS
    from pipelines.repeating.checkout import code_of
    from pipelines.repeating.comparing import compare
    from pipelines.repeating.configuration import configuration_of
    from pipelines.repeating.fresh_home import fresh_home, lay_out
    from pipelines.repeating.recorded import find, split
    from pipelines.repeating.starting import carry_out_in

    recorded = find(home, *what)
    parts = split(recorded, beginning, STEPS)
    configuration = configuration_of(recorded, parts, Workflow(present, home, STEPS))
    with code_of(recorded.record.git_commit, git_commit()) as code, fresh_home(home, into) as fresh:
        laid = lay_out(recorded, parts, fresh)
        _announce(recorded, parts, code, configuration.said, laid, fresh)
        carry_out_in(code, fresh, configuration.plain, parts.again, publish=into is not None)
        return compare(recorded, fresh, parts.again), code


def _announce(
    recorded: "Recorded", parts: "Split", code: "Code", configuration: str, laid: "Laid", fresh: Home
) -> None:
    """What is about to be done, with which code and settings."""
    number = recorded.record
    click.echo(f"{str(number.partition).replace('|', ' ')}, measured {number.finished_at[:19]} UTC")
    click.echo(f"code:     {code.said}")
    if others := _other_commits(recorded, parts):
        click.echo(f"          (made by other commits: {others})")
    click.echo(f"settings: {configuration}; LMMs replay what is recorded, nobody is asked")
    copied = f", {laid.copied / 1e6:,.0f} MB of them copied" if laid.copied else ""
    click.echo(f"home:     {fresh.root}, with {laid.artefacts} artefacts as they are{copied}")
    counts = Counter(key.asset for key in parts.again)
    again = (name if count == 1 else f"{name} ({count})" for name, count in counts.items())
    click.echo(f"again:    {', '.join(again)}")


def _other_commits(recorded: "Recorded", parts: "Split") -> str:
    """Steps to be repeated that were recorded at another commit than the number itself."""
    records = (recorded.made[key].record for key in parts.again)
    others = [each for each in records if each.git_commit != recorded.record.git_commit]
    return ", ".join(dict.fromkeys(f"{each.asset} {each.git_commit[:12]}" for each in others))


def _show(compared: "Comparison") -> None:
    """The numbers of both, then the artefacts."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for name in ("within", "recorded", "again", "difference", "n", "failed"):
        table.add_column(name, justify="right")
    for row in compared.numbers.to_dicts():
        before, after = row["accuracy"], row["accuracy_again"]
        difference = None if before is None or after is None else after - before
        table.add_row(
            f"{row['threshold_km']} km",
            *(_percent(each) for each in (before, after)),
            "0" if difference == 0 else _percent(difference, "+"),
            *(_pair(row[name], row[f"{name}_again"]) for name in ("n", "n_failed")),
        )
    show(table, None)
    click.echo(f"Shares of all queries, failures counted as misses.{said_of_lmm(compared.lmm)}")
    artefacts = Table(box=box.SIMPLE_HEAD)
    for name in ("made again", "recorded", "again", ""):
        artefacts.add_column(name, overflow="fold")
    for asset, group in groupby(compared.artefacts, key=lambda each: each.key.asset):
        artefacts.add_row(asset, *_cells(list(group)))
    show(artefacts, None)


def _cells(partitions: "list[Artefact]") -> list[str]:
    """Data versions, and whether they are the same; of an asset in many parts, how many are."""
    different = [each for each in partitions if not each.identical]
    if len(partitions) > 1:
        same = f"{len(partitions) - len(different)} identical"
        first = f"{different[0].key.partition}: {different[0].reason}" if different else ""
        return [f"{len(partitions)} parts", same, first]
    (only,) = partitions
    versions = (record.data_version[:12] for record in (only.recorded, only.again))
    return [*versions, only.reason if different else "identical"]


def _percent(value: float | None, sign: str = "") -> str:
    """A fraction in percent, fine enough to show one photo in a million."""
    return "–" if value is None else f"{100 * value:{sign}.4f} %"


def _pair(before: int | None, after: int | None) -> str:
    return str(before) if before == after else f"{before} → {after}"


def _verdict(compared: "Comparison") -> str:
    """The numbers are equal; are the data, too?"""
    same = sum(each.identical for each in compared.artefacts)
    bits = f"{same} of {len(compared.artefacts)} artefacts are identical to the last bit"
    first = compared.first_different
    if first is None:
        return f"Identical: five accuracies, n and failures; {bits}."
    return (
        f"Identical: five accuracies, n and failures. But only {bits}; first to differ is {first.key}: {first.reason}."
        + _moved(compared)
    )


def _what_differs(compared: "Comparison") -> str:
    """The numbers are not equal; what differs first?"""
    first = compared.first_different
    if first is None:  # nothing but the numbers, which then were altered in both
        return "The numbers differ, though every artefact is identical."
    what = f"{first.key}: {first.reason}"
    return f"The numbers differ. First to differ, in the order of data, is {what}.{_moved(compared)}"


def _moved(compared: "Comparison") -> str:
    shift = compared.shift
    if shift is None:
        return ""
    if not shift.photos:
        return " No prediction moved."
    one_sided = f", {shift.one_sided} of them have a prediction on one side only" if shift.one_sided else ""
    photos = f"{shift.photos} of {shift.of} photos"
    return f" Predictions of {photos} moved, by up to {shift.farthest_km:,.3f} km{one_sided}."
