"""Sensors: new photos in the watched folder."""

import dagster as dg

from assets.inbox import BATCHES
from g3lib.experiments import Profile
from g3lib.images.inbox import batches, new_files, take_batch
from g3lib.store import Home


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
