"""How fresh results are to be where a schedule re-runs them, and how they stay so when nothing had to be made."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise

import dagster as dg
from dagster._utils.schedules import (
    cron_string_iterator,
)  # Dagster's own reading of cron; it has no public name

from assets.plan import Workflow
from g3lib.experiments import Profile

RESULTS = "results"  # the group that analysts read
LONGEST_GRACE = timedelta(hours=6)  # for a re-run that takes its time, before results count as stale
TICKS = 2000  # of a schedule that are looked at for its longest pause


def freshness(profile: Profile, group: str) -> dg.FreshnessPolicy | None:
    """How fresh an asset of a group is to be: results, where the profile's schedule re-runs them; else None.

    A time window, since Dagster judges an asset as a whole, whatever its partitions, by its latest event.
    """
    if group != RESULTS or not profile.schedule.enabled:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=fresh_within(profile))


def fresh_within(profile: Profile) -> timedelta:
    """The age at which results are stale: as set, or the schedule's longest pause and as much again, at most 6 h."""
    settings = profile.schedule
    if settings.fresh_within_hours is not None:
        return timedelta(hours=settings.fresh_within_hours)
    pause = longest_pause(settings.cron, settings.timezone)
    return pause + min(pause, LONGEST_GRACE)


@cache
def longest_pause(cron: str, timezone: str) -> timedelta:
    """The longest time between two ticks of a schedule, of its first two years or 2,000 pauses."""
    start = datetime(2024, 1, 1, tzinfo=UTC).timestamp()  # fixed: the same schedule always means the same
    end, longest = start + timedelta(days=2 * 366).total_seconds(), 0.0
    moments = (tick.timestamp() for tick in cron_string_iterator(start, cron, timezone))
    for before, after in islice(pairwise(moments), TICKS):
        longest = max(longest, after - before)
        if after > end:
            break
    return timedelta(seconds=longest)


def confirmations(
    instance: dg.DagsterInstance, workflow: Workflow, since: float
) -> Iterator[dg.AssetMaterialization]:
    """The last event of each result that a scheduled run found current, to be said again: it is as fresh as that run.

    Without it, results of which nothing changed would count as stale. `since` is when the run began (Unix time);
    what was made later needs no word.
    """
    if freshness(workflow.profile, RESULTS) is None:
        return
    steps = [step for step in workflow.steps.values() if step.group == RESULTS]
    names = [step.name for step in steps if not workflow.pending(step)]
    for name in (*names, "warehouse", "report"):
        entry = instance.get_latest_materialization_event(dg.AssetKey(name))
        last = entry.asset_materialization if entry is not None else None
        if entry is None or last is None or entry.timestamp >= since:
            continue
        metadata = {**last.metadata, "reused": dg.MetadataValue.bool(True)}
        yield dg.AssetMaterialization(
            last.asset_key, partition=last.partition, metadata=metadata, tags=last.tags
        )
