"""`g3 ui`: Dagster's web server and daemon and MLflow's server, as children that end with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from pipelines.commands.failures import CommandFailed
from pipelines.commands.run import settings
from pipelines.home import prepare

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
SECONDS_TO_STOP = 20


def serve(profile: str | None, port: int, mlflow_port: int) -> None:
    """Start both and stay until Ctrl-C, or until one of them ends by itself, which is an error."""
    _, home = settings(profile)
    prepare(home).wait()
    quiet = {"MLFLOW_ENABLE_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
    # else eight more processes of MLflow's, which evaluate LLM traces and take long to end
    environment = os.environ | quiet | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.setdefault("G3_NOTIFY__PAGES", f"http://127.0.0.1:{port}")  # for links in messages
    dagster = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE)]
    mlflow = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    commands = {
        "Dagster": [*dagster, "-h", "127.0.0.1", "-p", str(port)],
        "MLflow": [
            *(*mlflow, "--port", str(mlflow_port)),
            *("--backend-store-uri", f"sqlite:///{home.mlflow_database}"),
            *("--default-artifact-root", home.mlflow_artifacts.as_uri()),
        ],
    }
    children = {
        name: subprocess.Popen(command, cwd=WORKSPACE.parent, env=environment, start_new_session=True)
        for name, command in commands.items()
    }
    click.echo(f"Dagster: http://127.0.0.1:{port}   MLflow: http://127.0.0.1:{mlflow_port}   (Ctrl-C ends)")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while all(child.poll() is None for child in children.values()):
            time.sleep(0.5)
        ended = [name for name, child in children.items() if child.poll() is not None]
        raise CommandFailed(
            f"{', '.join(ended)} ended by itself; is its port taken? Try --port or --mlflow-port"
        )
    except KeyboardInterrupt:
        click.echo("Stopping.")
    finally:
        _stop(list(children.values()))


def _stop(children: "list[subprocess.Popen[bytes]]") -> None:
    """Ask the children's whole groups to end, and make those that do not."""
    alive = [child for child in children if child.poll() is None]
    for child in alive:
        os.killpg(child.pid, signal.SIGINT)
    end = time.monotonic() + SECONDS_TO_STOP
    for child in alive:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
