"""`g3 ui` at work: Dagster's pages and daemon, and MLflow's pages, for the tests that look at them."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tiny import G3, ROOT, TinyHome, default_signals, eventually, stop

LOADED = "{workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"


@dataclass(frozen=True)
class Pages:
    """Dagster's and MLflow's servers at work in a home."""

    tiny: TinyHome
    process: "subprocess.Popen[Any]"
    dagster: str
    mlflow: str
    log: Path

    def graphql(self, query: str) -> Any:
        """What Dagster's own interface answers."""
        reply = httpx.post(f"{self.dagster}/graphql", json={"query": query}, timeout=30)
        return reply.raise_for_status().json()["data"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_loaded(pages: Pages) -> bool:
    assert pages.process.poll() is None, pages.log.read_text(encoding="utf-8")[-3000:]
    try:
        (entry,) = pages.graphql(LOADED)["workspaceOrError"]["locationEntries"]
    except httpx.HTTPError:
        return False
    return bool(entry["loadStatus"] == "LOADED")


@contextmanager
def running_ui(tiny: TinyHome, log: Path) -> Iterator[Pages]:
    """`g3 ui`, started as a person would and stopped by Ctrl-C."""
    ports = (free_port(), free_port())
    with log.open("wb") as output:
        process = subprocess.Popen(
            [G3, "ui", "--port", str(ports[0]), "--mlflow-port", str(ports[1])],
            env=tiny.environment(),
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=default_signals,
        )
    dagster, mlflow = (f"http://127.0.0.1:{port}" for port in ports)
    found = Pages(tiny, process, dagster, mlflow, log)
    try:
        eventually(lambda: is_loaded(found), 120, "Dagster's pages")
        yield found
    finally:
        code = stop(process)
    assert code == 0, log.read_text(encoding="utf-8")[-3000:]
