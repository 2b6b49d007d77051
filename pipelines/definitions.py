"""What Dagster loads: assets of the profile, jobs, schedules, sensors and resources, assembled only."""

import warnings

import dagster as dg

from assets.factory import define
from assets.inbox import INBOX_STEPS
from assets.report import report
from assets.resources import Store, Tracking
from assets.results import warehouse
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.store import Home
from pipelines.jobs import conducting_jobs, stage_jobs
from pipelines.schedules import nightly_benchmarks
from pipelines.sensors import failure_sensor, inbox_sensor, staleness_sensor
from pipelines.settings import load_home, load_profile

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # partition mappings, beta since 2023


def build_definitions(profile: Profile, home: Home) -> dg.Definitions:
    """Everything for one profile in one home."""
    every = STEPS | INBOX_STEPS
    steps = [define(step, profile, every) for step in every.values()]
    return dg.Definitions(
        assets=[*steps, warehouse(profile), report(profile)],
        jobs=[*stage_jobs(), *conducting_jobs()],
        schedules=[nightly_benchmarks(profile)],
        sensors=[inbox_sensor(profile, home), failure_sensor(profile), staleness_sensor(profile)],
        resources=resources(home),
        executor=dg.multiprocess_executor.configured(
            {
                "max_concurrent": 2,  # the default is one process per core, blind to memory
                "start_method": {
                    "forkserver": {"preload_modules": ["dagster", "dagster._cli", "pipelines.definitions"]}
                },
            }
        ),
    )


def resources(home: Home) -> dict[str, object]:
    """Instances bound to a home."""
    return {
        "store": Store(root=str(home.root)),
        "tracking": Tracking(
            uri=f"sqlite:///{home.mlflow_database}", artifacts=home.mlflow_artifacts.as_uri()
        ),
    }


_profile = load_profile()
defs = build_definitions(_profile, load_home(_profile))
