"""Makes whatever is out of date, wave by wave, in this process: one Dagster run for each partition of a wave.

`g3 run` and the jobs `benchmarks` and `everything` are this. A wave is consecutive steps that are cut alike, so that
a partition's steps share a Dagster run; what a wave needs is looked up when its turn comes, after its inputs are made.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter, time
from typing import Any

import dagster as dg

from assets.freshness import confirmations
from assets.plan import Workflow
from assets.step import Partition
from assets.watching import ACCEPT_TAG
from g3lib.experiments import Profile
from g3lib.store import Home, Key

PARENT_TAG = "g3/conducted_by"
INTERRUPTED = "DagsterExecutionInterruptedError"  # Ctrl-C or SIGTERM while a step ran
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class StageFailed(RuntimeError):
    """A materialization failed; what was finished before it stays."""


@dataclass(frozen=True)
class Made:
    """One Dagster run that went well."""

    keys: tuple[Key, ...]
    run_id: str
    seconds: float  # wall clock
    stage_seconds: float  # the stages' own work


@dataclass(frozen=True)
class Wave:
    """Consecutive steps that share their partitions."""

    steps: tuple[str, ...]
    partitions: tuple[Partition, ...]


def waves(workflow: Workflow, names: Sequence[str]) -> list[Wave]:
    """The steps called `names`, in the order of data, grouped by how they are cut."""
    steps = [step for name, step in workflow.steps.items() if name in names]
    grouped = groupby(steps, key=lambda step: tuple(step.keys(workflow.profile)))
    return [Wave(tuple(step.name for step in group), keys) for keys, group in grouped]


def pending(workflow: Workflow, wave: Wave) -> list[tuple[Partition, list[str]]]:
    """Partitions with work to do, each with the steps to run; what follows a remade step is looked at too."""
    work = []
    for partition in wave.partitions:
        names: list[str] = []
        for name in wave.steps:
            step = workflow.steps[name]
            if set(step.upstream_names) & set(names) or workflow.current(step, partition) is None:
                names.append(name)
        if names:
            work.append((partition, names))
    return work


def conduct(
    workflow: Workflow,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    names: Sequence[str],
    tags: dict[str, str],
    announce: Callable[[Sequence[str], Partition, int, int], None] = lambda *_: None,
) -> Iterator[Made]:
    """Make what is pending among the steps called `names`; StageFailed stops at the first failure."""
    job = definitions.resolve_implicit_global_asset_job_def()
    for wave in waves(workflow, names):
        work = pending(workflow, wave)
        for number, (partition, steps) in enumerate(work):
            announce(steps, partition, number + 1, len(work))
            yield _run(workflow, job, instance, steps, partition, tags)


def publish(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str], reports: bool
) -> float:
    """Rebuild the warehouse, and the reports from it if they are wanted; the seconds of that work itself."""
    job, names = definitions.resolve_implicit_global_asset_job_def(), ["warehouse", *["report"] * reports]
    result = _execute(job, instance, names, None, tags)
    events = [event for name in names for event in result.asset_materializations_for_node(name)]
    return sum(float(str(event.metadata["seconds"].value)) for event in events)


def needs_publishing(home: Home, reports: bool) -> bool:
    """Whether some committed file is newer than the warehouse, or a report is wanted and not of it."""
    from g3lib.results.report import needs_report

    if not home.warehouse.exists():
        return True
    published = home.warehouse.stat().st_mtime_ns
    return any(path.stat().st_mtime_ns > published for path in home.commits()) or (
        reports and needs_report(home)
    )


def _run(
    workflow: Workflow,
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    steps: list[str],
    partition: Partition,
    tags: dict[str, str],
) -> Made:
    started = perf_counter()
    run_id = _execute(job, instance, steps, partition, tags).run_id
    keys = tuple(Key(step, partition) for step in steps)
    records = [record for key in keys if (record := workflow.record(key))]
    own = sum(record.seconds for record in records if record.run_id == run_id)
    return Made(keys, run_id, perf_counter() - started, own)


def _execute(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    steps: list[str],
    partition: Partition,
    tags: dict[str, str],
) -> dg.ExecuteInProcessResult:
    """One Dagster run in this process; StageFailed with the step's own message if it fails."""
    result = job.execute_in_process(
        run_config=QUIET,
        instance=instance,
        partition_key=partition,
        asset_selection=[dg.AssetKey(step) for step in steps],
        tags=tags,
        raise_on_error=False,
    )
    if not result.success:
        if any(error.cls_name == INTERRUPTED for error in _errors(result)):
            raise KeyboardInterrupt
        raise StageFailed(_reason(result, steps, partition))
    return result


def _errors(result: dg.ExecuteInProcessResult) -> list[Any]:
    """The innermost errors of a failed run, as Dagster serialised them."""
    found = []
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None) if event.is_failure else None
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            found.append(error)
    return found


def _reason(result: dg.ExecuteInProcessResult, steps: list[str], partition: Partition) -> str:
    """What went wrong, without stack traces."""
    messages = dict.fromkeys(error.message.strip() for error in _errors(result))
    where = Key(" → ".join(steps), partition)
    return f"{where} failed: " + ("; ".join(messages) or "see the run in `g3 ui`")


def conduct_from_environment(
    instance: dg.DagsterInstance, names: Sequence[str], run: dg.DagsterRun, log: Callable[[str], None]
) -> list[dg.AssetMaterialization]:
    """What the conducting jobs do in a daemon's process: the profile of G3_PROFILE, then the warehouse.

    Returns the results that were found current, for the job to say so: they are as fresh as its run.
    """
    from assets.steps import STEPS
    from pipelines.definitions import defs
    from pipelines.settings import load_home, load_profile

    profile: Profile = load_profile()
    home = load_home(profile)
    tags = {PARENT_TAG: run.run_id}
    tags |= {ACCEPT_TAG: run.tags[ACCEPT_TAG]} if ACCEPT_TAG in run.tags else {}
    workflow, started = Workflow(profile, home, STEPS), time()
    for made in conduct(workflow, defs, instance, names, tags):
        log(f"{', '.join(map(str, made.keys))} in {made.seconds:.1f} s")
    if needs_publishing(home, profile.reports):
        publish(defs, instance, tags, profile.reports)
    return list(confirmations(instance, workflow, since=started))
