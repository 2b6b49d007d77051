"""Schedules: the nightly re-run of the benchmarks."""

import dagster as dg

from g3lib.experiments import Profile


def nightly_benchmarks(profile: Profile) -> dg.ScheduleDefinition:
    """Re-runs every benchmark in every experiment; what is unchanged costs nothing."""
    settings = profile.schedule
    status = dg.DefaultScheduleStatus.RUNNING if settings.enabled else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name="nightly_benchmarks",
        job_name="benchmarks",
        cron_schedule=settings.cron,
        execution_timezone=settings.timezone,
        default_status=status,
        description="Re-runs the benchmarks and publishes the tables.",
    )
