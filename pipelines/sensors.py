"""Sensors: new photos in the watched folder, runs that failed, results that went stale."""

import json
import time
from collections.abc import Callable, Sequence

import dagster as dg

from assets.freshness import RESULTS, freshness
from assets.inbox import BATCHES
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.images.inbox import batches, new_files, take_batch
from g3lib.store import Home
from pipelines.conductor import INTERRUPTED, PARENT_TAG
from pipelines.notifying import Message, failure_message, innermost, staleness_message, tell

NOBODY = "nobody is to be told; set G3_NOTIFY__URLS or G3_NOTIFY__COMMAND (docs/operations.md)"


def inbox_sensor(profile: Profile, home: Home) -> dg.SensorDefinition:
    """Takes new photos in G3_HOME/inbox as a batch and has it located."""

    @dg.sensor(
        name="inbox",
        job_name="stage_inbox",
        minimum_interval_seconds=profile.schedule.inbox_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Locates photos that appear in {home.inbox.name}/ under G3_HOME.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        home.inbox.mkdir(parents=True, exist_ok=True)
        if names := new_files(home.inbox):
            take_batch(home.inbox, names)
        # a tick that died after writing a batch leaves it here: ask for what Dagster has not heard of
        known = set(context.instance.get_dynamic_partitions(str(BATCHES.name)))
        unknown = [key for key in batches(home.inbox) if key not in known]
        if not unknown:
            return dg.SkipReason(f"no new photos in {home.inbox}")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key, partition_key=key) for key in unknown],
            dynamic_partitions_requests=[BATCHES.build_add_request(unknown)],
        )

    return _sensor


def failure_sensor(profile: Profile) -> dg.SensorDefinition:
    """Tells of every run that failed, `g3 run`'s and conducted ones included, each failure once."""

    @dg.run_failure_sensor(
        name="failures",
        # runs in the conductor's own process belong to no code location, as Dagster sees it
        monitor_all_code_locations=True,
        minimum_interval_seconds=10,
        default_status=_status(profile.notify.is_set),
        description="Tells whom the setting `notify` names of runs that failed.",
    )
    def _sensor(context: dg.RunFailureSensorContext) -> None:
        # always a reaction, never a reason to skip: Dagster refuses to have both in one tick, and would tell again
        run = context.dagster_run
        said = _tell_failure(profile, context)
        context.log.info(said)
        context.instance.report_engine_event(said, run)  # on the page of the run

    return _sensor


def _tell_failure(profile: Profile, context: dg.RunFailureSensorContext) -> str:
    """What became of the news of a failed run."""
    run, steps = context.dagster_run, context.get_step_failure_events()
    if any(error.cls_name == INTERRUPTED for error in innermost(steps)):
        return "Nobody is told: it was interrupted by a person."
    conducted = dg.RunsFilter(tags={PARENT_TAG: run.run_id}, statuses=[dg.DagsterRunStatus.FAILURE])
    if told := context.instance.get_runs(conducted, limit=1):
        return f"Nobody is told again: it failed with its run {told[0].run_id}."
    message = failure_message(profile, run, steps, context.failure_event.message or "no reason is known")
    return _told(profile, message, context.log.warning)


def staleness_sensor(profile: Profile) -> dg.SensorDefinition:
    """Tells of results that were not renewed in time, once until they are."""
    watched = [dg.AssetKey(name) for name in (*_results(), "warehouse")]

    @dg.sensor(
        name="stale_results",
        minimum_interval_seconds=60,
        default_status=_status(profile.notify.is_set and profile.schedule.enabled),
        description="Tells whom the setting `notify` names of results older than the schedule allows.",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if freshness(profile, RESULTS) is None:
            return dg.SkipReason("no schedule is enabled (G3_SCHEDULE__ENABLED), so nothing can be late")
        states = context.instance.get_freshness_state_records(watched)
        stale = {
            key.to_user_string() for key, state in states.items() if state.freshness_state.value == "FAIL"
        }
        news = stale - set(json.loads(context.cursor or "[]"))
        context.update_cursor(json.dumps(sorted(stale)))
        if not news:
            return dg.SkipReason(f"stale and told: {', '.join(sorted(stale)) or 'none'}")
        message = staleness_message(profile, _ages(context.instance, sorted(news)))
        return dg.SkipReason(_told(profile, message, context.log.warning))

    return _sensor


def _status(is_running: bool) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if is_running else dg.DefaultSensorStatus.STOPPED


def _results() -> list[str]:
    return [step.name for step in STEPS.values() if step.group == RESULTS]


def _ages(instance: dg.DagsterInstance, assets: Sequence[str]) -> dict[str, float]:
    """Hours since each asset was made, or found current by a scheduled run."""
    events = {name: instance.get_latest_materialization_event(dg.AssetKey(name)) for name in assets}
    now = time.time()
    return {name: (now - event.timestamp) / 3600 for name, event in events.items() if event is not None}


def _told(profile: Profile, message: Message, warn: Callable[[str], None]) -> str:
    """Tell, and say how that went; what went wrong is a warning in the log, and breaks nothing."""
    problems = tell(profile, message) if profile.notify.is_set else [NOBODY]
    for problem in problems:
        warn(f"{message.title}: {problem}")
    return f"{message.title}: " + ("; ".join(problems) or "told.")
