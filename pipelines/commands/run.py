"""`g3 run`: conduct the workflow of a profile in this process, with progress, and print the tables."""

import os
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import click

from g3lib.experiments import Profile
from g3lib.store import Home
from pipelines.commands.failures import BUSY, WRONG_USAGE, CommandFailed
from pipelines.commands.showing import show_leaderboard
from pipelines.home import IN_PROCESS_TAG, HomeIsBusy, Preparation, exclusive, prepare, tidy
from pipelines.settings import SettingsError, load_home, load_profile, profile_argument

if TYPE_CHECKING:
    from assets.plan import Workflow
    from pipelines.conductor import Made

UNTRACKED = {  # steps that need no MLflow
    *("metadata", "photos", "captions", "colour_histograms", "published"),
    *("photo_census", "photo_duplicates", "leaked_queries", "author_overlap", "references"),
}
# the system's, SQLite's, and those of quotas and limits
SIGNS_OF_A_FULL_DISK = ("No space left", "disk is full", "quota exceeded", "File too large")
SPACE_REMEDY = (
    "The disk is full, or a quota used up: free some space, or set G3_HOME to another disk, and run again."
)


def run_profile(
    name: str | None,
    experiments: Sequence[str],
    plan: bool,
    estimate: bool = False,
    accept: bool = False,
) -> None:
    """Make what is out of date in the profile's home; raises CommandFailed with the remedy."""
    started = perf_counter()
    profile, home = settings(name, experiments)
    if estimate:
        from pipelines.commands.estimate import show_estimate

        show_estimate(profile, home)
        return
    _check_writable(home)
    try:
        with exclusive(home):
            if plan:
                _show_plan(profile, home)
            else:
                _conduct(profile, home, started, accept)
    except HomeIsBusy as busy:
        raise CommandFailed(str(busy), BUSY) from busy


def settings(name: str | None, experiments: Sequence[str] = ()) -> tuple[Profile, Home]:
    """The profile and its home, told to every process started from here."""
    if experiments:
        os.environ["G3_EXPERIMENTS"] = f"[{', '.join(experiments)}]"
    try:
        profile = load_profile(name)
    except SettingsError as problem:
        raise CommandFailed(str(problem), WRONG_USAGE) from problem
    os.environ["G3_PROFILE"] = profile_argument(name)
    return profile, load_home(profile)


def _check_writable(home: Home) -> None:
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CommandFailed(f"G3_HOME {home.root} cannot be made: {problem}", WRONG_USAGE) from problem
    if not os.access(home.root, os.W_OK):
        raise CommandFailed(f"G3_HOME {home.root} is not writable; set G3_HOME", WRONG_USAGE)


def _show_plan(profile: Profile, home: Home) -> None:
    from assets.plan import Workflow
    from assets.steps import STEPS

    workflow = Workflow(profile, home, STEPS)
    for step in STEPS.values():
        pending = workflow.pending(step)
        click.echo(f"{step.name:<20} {len(pending):>4} of {len(step.keys(profile))} to make")


def _conduct(profile: Profile, home: Home, started: float, accept: bool) -> None:
    import dagster as dg

    preparation = prepare(home)
    from assets.plan import Workflow
    from assets.steps import STEPS
    from assets.watching import ACCEPT_TAG
    from pipelines.conductor import StageFailed, conduct, needs_publishing, publish
    from pipelines.interrupts import remembered_interrupts

    workflow = Workflow(profile, home, STEPS)
    if not any(workflow.pending(step) for step in STEPS.values()) and not needs_publishing(
        home, profile.reports
    ):
        preparation.wait()
        click.echo("Everything is current: inputs, code and configuration are unchanged.")
    else:
        from pipelines.definitions import build_definitions

        definitions, tags = build_definitions(profile, home), {IN_PROCESS_TAG: str(os.getpid())}
        tags |= {ACCEPT_TAG: "true"} if accept else {}
        own = 0.0
        with dg.DagsterInstance.get() as instance, remembered_interrupts() as check:
            if closed := tidy(home, instance):
                click.echo(f"Closed {closed} runs of a process that had ended before them.")
            try:
                announce = announcer(preparation)
                for made in conduct(workflow, definitions, instance, list(STEPS), tags, announce):
                    own += made.stage_seconds
                    click.echo(f"  done in {made.seconds:.1f} s")
                    _show_accepted(workflow, made)
                    check()
                click.echo("warehouse, report" if profile.reports else "warehouse")
                preparation.wait()
                own += publish(definitions, instance, tags, profile.reports)
            except StageFailed as failure:
                raise CommandFailed(_with_remedy(str(failure))) from failure
            except dg.DagsterExecutionInterruptedError as interrupt:
                raise KeyboardInterrupt from interrupt
        _show_time(perf_counter() - started, own)
    show_leaderboard(home)


def announcer(preparation: Preparation) -> Callable[[Sequence[str], str | None, int, int], None]:
    """A line for each Dagster run before it starts; the first tracked one waits for MLflow's database."""

    def announce(steps: Sequence[str], partition: str | None, number: int, count: int) -> None:
        if not set(steps) <= UNTRACKED:
            preparation.wait()
        place = f" [{partition}]" if partition else ""
        counted = f" ({number}/{count})" if count > 1 else ""
        click.echo(f"{', '.join(steps)}{place}{counted}")

    return announce


def _show_accepted(workflow: "Workflow", made: "Made") -> None:
    """What is worse than before and was kept because of --accept."""
    for key in made.keys:
        record = workflow.record(key)
        for check in record.checks if record and record.run_id == made.run_id else ():
            if "accepted" in check.metadata:
                click.echo(f"  accepted: {check.metadata['accepted']}")


def _with_remedy(message: str) -> str:
    if "--accept" in message:
        return message  # to run again as it is would end the same way
    full = any(sign in message for sign in SIGNS_OF_A_FULL_DISK)
    return f"{message}\n{SPACE_REMEDY if full else 'What was finished is kept; run again to go on.'}"


def _show_time(total: float, own: float) -> None:
    outside = total - own
    click.echo(
        f"{total:.0f} s, of them {own:.0f} s the stages' own work and {outside:.0f} s "
        f"({outside / total:.1%}) Dagster, processes and imports"
    )
