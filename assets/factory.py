"""From a Step to a Dagster asset: inputs, fingerprint, reuse, build, checks, commit, metadata.

The one place where Dagster meets the store; stages only declare and build.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg

from assets.freshness import freshness
from assets.plan import MissingInput, Workflow, versions
from assets.resources import Store, Tracking
from assets.step import Outcome, Partition, Step, Task, checks_of
from assets.watching import ACCEPT_TAG, WHY
from g3lib.experiments import Profile
from g3lib.store import Check, Home, Key, Record
from g3lib.store import artifacts as files
from g3lib.store.files import install, scratch_folder
from g3lib.store.snapshots import keep_profile

OWNERS = ["team:g3"]
REFRESH_TAG = "g3/refresh"  # set to `true` on a run to make anew what is current

Events = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]


def define(step: Step, profile: Profile, steps: dict[str, Step]) -> dg.AssetsDefinition:
    """The Dagster asset of a step in a profile."""

    @dg.asset(
        name=step.name,
        group_name=step.group,
        description=step.description,
        code_version=step.code_version,
        deps=[_dependency(each.asset, each.mapping, profile) for each in step.upstream],
        partitions_def=step.partitions(profile) if step.partitions else None,
        kinds=set(step.kinds),
        owners=OWNERS,
        pool=step.pool,
        retry_policy=step.retry,
        freshness_policy=freshness(profile, step.group),
        check_specs=[
            dg.AssetCheckSpec(r.name, asset=step.name, description=r.description, blocking=True)
            for r in step.rules
        ],
    )
    def _asset(context: dg.AssetExecutionContext, store: Store, tracking: Tracking) -> Events:
        workflow = Workflow(profile, store.home, steps)
        partition = context.partition_key if context.has_partition_key else None
        yield from materialize(context, workflow, step, partition, tracking)

    return _asset


def _dependency(asset: str, mapping: Any, profile: Profile) -> dg.AssetDep:
    return dg.AssetDep(asset, partition_mapping=mapping(profile) if mapping else None)


def materialize(
    context: dg.AssetExecutionContext,
    workflow: Workflow,
    step: Step,
    partition: Partition,
    tracking: Tracking,
) -> Events:
    """Reuse what is current, or build, judge and commit it; failed checks commit nothing."""
    refresh = context.run.tags.get(REFRESH_TAG) == "true"
    current = None if refresh else workflow.current(step, partition)
    if current is not None:
        context.log.info(f"{current.key} is current: inputs, code and configuration are unchanged")
        yield from _results(step, current, _shown_before(context, current) | {"reused": True})
        return
    try:
        inputs = workflow.inputs(step, partition)
    except MissingInput as missing:
        raise dg.Failure(str(missing), allow_retries=False) from missing
    started, key = datetime.now(UTC), Key(step.name, partition)
    commit = step.commit(workflow.home, workflow.profile, partition)
    with scratch_folder(commit) as scratch:
        task = Task(
            key,
            workflow.profile,
            workflow.home,
            inputs,
            scratch,
            tracking,
            context.run.run_id,
            report=context.log.info,
            accepts=context.run.tags.get(ACCEPT_TAG) == "true",
        )
        outcome = step.build(task)
        checks = checks_of(step, task, outcome)
        failed = [check for check in checks if not check.passed]
        if failed:
            yield from (_check_result(step, check) for check in checks)
            reasons = (f"{check.name} {check.metadata.get(WHY, check.metadata)}" for check in failed)
            raise dg.Failure(f"{key} was not committed: " + "; ".join(reasons), allow_retries=False)
        record = _commit(workflow, step, task, outcome, checks, commit, started)
    outcome.after_commit()
    yield from _results(step, record, dict(outcome.metadata) | {"reused": False})


def _commit(
    workflow: Workflow,
    step: Step,
    task: Task,
    outcome: Outcome,
    checks: tuple[Check, ...],
    commit: Path,
    started: datetime,
) -> Record:
    """Install the files, then the one that carries the record."""
    home, inputs = workflow.home, versions(task.inputs)
    config = workflow.config(step, task.key.partition)
    if outcome.table is not None:
        version_ = files.frame_version(outcome.table)
        path, sizes = commit, _install_files(home, outcome)
    else:
        version_ = files.folder_version(task.scratch)
        path = files.install_folder(commit, task.scratch, version_)
        sizes = {
            home.relative(each): each.stat().st_size for each in sorted(path.rglob("*")) if each.is_file()
        }
    record = Record(
        asset=step.name,
        partition=task.key.partition,
        data_version=version_,
        fingerprint=workflow.fingerprint(step, task.key.partition, inputs, config),
        code_version=step.code_version,
        run_id=task.run_id,
        mlflow_run_id=outcome.mlflow_run_id,
        git_commit=git_commit(),
        started_at=started.isoformat(),
        finished_at=datetime.now(UTC).isoformat(),
        rows=outcome.rows,
        bytes=sum(sizes.values()) or int(outcome.table.estimated_size() if outcome.table is not None else 0),
        path=home.relative(path),
        config=config,
        inputs=tuple(inputs),
        checks=checks,
        files=sizes,
        profile=keep_profile(home, workflow.profile.model_dump(mode="json")),
    )
    if outcome.table is not None:
        files.commit_table(commit, outcome.table, record)
    else:
        files.commit_card(commit, record)
    return record


def _install_files(home: Home, outcome: Outcome) -> dict[str, int]:
    sizes = {}
    for name, scratch in outcome.files.items():
        sizes[name] = scratch.stat().st_size
        install(scratch, home.root / name)
    return sizes


def _shown_before(context: dg.AssetExecutionContext, current: Record) -> dict[str, Any]:
    """What was shown of an artefact when it was made: its page keeps tables and plots when it is reused."""
    partitions = [current.partition] if current.partition is not None else None
    wanted = dg.AssetRecordsFilter(dg.AssetKey(current.asset), asset_partitions=partitions)
    for found in context.instance.fetch_materializations(wanted, limit=1).records:
        event = found.asset_materialization
        lineage = event.metadata.get("lineage") if event is not None else None
        if event is not None and isinstance(lineage, dg.JsonMetadataValue):
            told: Any = lineage.value
            return dict(event.metadata) if told["fingerprint"] == current.fingerprint else {}
    return {}


def _results(step: Step, record: Record, metadata: dict[str, Any]) -> Events:
    """What Dagster hears: the data version, the metadata people look at, and every check."""
    shown: dict[str, Any] = {
        "dagster/row_count": record.rows,
        "bytes": record.bytes,
        "seconds": record.seconds,
        "path": dg.MetadataValue.path(record.path),
        "git commit": record.git_commit,
        "lineage": dg.MetadataValue.json(json.loads(record.to_json())),
    }
    yield dg.MaterializeResult(
        metadata=metadata | shown,  # what a stage shows comes first, the long record last
        data_version=dg.DataVersion(record.data_version),
        check_results=[_check_result(step, check) for check in record.checks],
    )


def _check_result(step: Step, check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name, asset_key=step.name, passed=check.passed, metadata=check.metadata
    )


@cache
def git_commit() -> str:
    """The commit of the code at work, `+changes` if the tree differs; the package version outside git."""
    folder = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return f"g3 {version('g3')}"
    return described.stdout.strip()
