"""What assets are lent: the store's place and MLflow. Classes only; pipelines binds the instances."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from g3lib.store import Home, Key

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"  # the tag by which MLflow's pages nest runs


class Store(dg.ConfigurableResource):  # type: ignore[type-arg]
    """G3_HOME."""

    root: str

    @property
    def home(self) -> Home:
        """The layout of everything beneath."""
        return Home(Path(self.root))


@dataclass(frozen=True)
class TrackedRun:
    """One MLflow run being written."""

    client: "MlflowClient"
    run_id: str

    def parameters(self, values: Mapping[str, Any]) -> None:
        """Log parameters, nested ones with dotted names."""
        from mlflow.entities import Param

        flat = list(_flatten(values))
        self.client.log_batch(self.run_id, params=[Param(k, str(v)[:500]) for k, v in flat])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log metrics of one step."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, step) for name, value in values.items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def artifact(self, path: Path) -> None:
        """Copy a file beside the run."""
        self.client.log_artifact(self.run_id, str(path))

    def text(self, text: str, name: str) -> None:
        """Store a text beside the run."""
        self.client.log_text(self.run_id, text, name)


class Tracking(dg.ConfigurableResource):  # type: ignore[type-arg]
    """MLflow on SQLite under G3_HOME, through the client: no process-wide current run."""

    uri: str
    artifacts: str

    @contextmanager
    def run(
        self, stage: str, key: Key, dagster_run_id: str, parent: str | None = None
    ) -> Iterator[TrackedRun]:
        """A run in the stage's experiment, tagged with the Dagster run and asset; FAILED if the body raises."""
        client = self._client()
        tags = {"dagster.run_id": dagster_run_id, "dagster.asset": key.asset}
        tags |= {"dagster.partition": key.partition} if key.partition else {}
        tags |= {PARENT: parent} if parent else {}
        experiment = self._experiment(client, stage)
        run = client.create_run(experiment, tags=tags, run_name=str(key))
        try:
            yield TrackedRun(client, run.info.run_id)
        except BaseException:
            client.set_terminated(run.info.run_id, "FAILED")
            raise
        client.set_terminated(run.info.run_id)

    def parent(self, stage: str, name: str) -> str:
        """The id of the stage's run called `name` that others nest under, created on first use."""
        client = self._client()
        experiment = self._experiment(client, stage)
        found = client.search_runs([experiment], f"tags.`g3.parent` = '{name}'", max_results=1)
        if found:
            return str(found[0].info.run_id)
        run = client.create_run(experiment, tags={"g3.parent": name}, run_name=name)
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def url(self, stage: str, run_id: str) -> dg.UrlMetadataValue:
        """The run's page on the MLflow server that `g3 ui` starts."""
        experiment = self._experiment(self._client(), stage)
        return dg.MetadataValue.url(f"http://127.0.0.1:5000/#/experiments/{experiment}/runs/{run_id}")

    def _client(self) -> "MlflowClient":
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def _experiment(self, client: "MlflowClient", stage: str) -> str:
        found = client.get_experiment_by_name(stage)
        if found is not None:
            return str(found.experiment_id)
        return client.create_experiment(stage, artifact_location=f"{self.artifacts}/{stage}")


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
