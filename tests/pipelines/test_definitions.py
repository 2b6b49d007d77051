"""What Dagster loads: valid, light, and the graph that was reviewed.

The graph is pinned in definitions.json; after a wanted change, G3_UPDATE_SNAPSHOT=1 renews it, to be
reviewed as a diff.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from tiny import ROOT, UPDATE_SNAPSHOT, TinyHome

from assets.steps import STEPS
from pipelines.definitions import build_definitions
from pipelines.jobs import STAGES

SNAPSHOT = Path(__file__).with_name("definitions.json")
HEAVY = ("torch", "mlflow", "faiss", "openai", "open_clip", "matplotlib", "scipy")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The demo's, with the settings of its file and none of this machine's."""
    nowhere = TinyHome(tmp_path_factory.mktemp("nowhere"), {})
    return build_definitions(nowhere.profile(), nowhere.home)


def specification(definitions: dg.Definitions) -> dict[str, Any]:
    """All that a reader of the asset graph relies on, as plain JSON."""
    graph = definitions.resolve_asset_graph()
    assets = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        retry = graph.get(key).assets_def.op.retry_policy
        assets[key.to_user_string()] = {
            "group": node.group_name,
            "description": node.description,
            "depends on": sorted(parent.to_user_string() for parent in node.parent_keys),
            "kinds": sorted(node.kinds),
            "owners": sorted(node.owners),
            "code version": node.code_version,
            "partitions": _partitions(node.partitions_def),
            "checks": sorted(check.name for check in node.check_keys),
            "pools": sorted(node.pools or []),
            "retries": retry.max_retries if retry else 0,
        }
    return {
        "assets": assets,
        "jobs": sorted(job.name for job in definitions.jobs or []),
        "schedules": {each.name: each.job_name for each in definitions.schedules or []},  # type: ignore[union-attr]
        "sensors": {
            each.name: each.job_name if each.has_jobs else None for each in definitions.sensors or []
        },
    }


def _partitions(found: dg.PartitionsDefinition[Any] | None) -> Any:
    if found is None:
        return None
    if isinstance(found, dg.MultiPartitionsDefinition):
        return {each.name: _partitions(each.partitions_def) for each in found.partitions_defs}
    if isinstance(found, dg.DynamicPartitionsDefinition):
        return f"dynamic: {found.name}"
    return list(found.get_partition_keys())


def test_they_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_graph_is_the_reviewed_one(definitions: dg.Definitions) -> None:
    found = json.dumps(specification(definitions), indent=1, ensure_ascii=False) + "\n"
    if UPDATE_SNAPSHOT:
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8"), "if wanted: G3_UPDATE_SNAPSHOT=1"


def test_every_asset_belongs_to_one_stage_job(definitions: dg.Definitions) -> None:
    names = [name for stage in STAGES.values() for name in stage]
    everything = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert sorted(names) == sorted(everything)


def test_dagster_knows_what_every_partition_reads(definitions: dg.Definitions) -> None:
    """Steps say it exactly, Dagster's partition mappings may say more, never less."""
    graph, profile = definitions.resolve_asset_graph(), TinyHome(Path("nowhere"), {}).profile()
    now = datetime.now(UTC)
    with (
        dg.DagsterInstance.ephemeral() as instance,
        partition_loading_context(effective_dt=now, dynamic_partitions_store=instance),
    ):
        for name, step in STEPS.items():
            for partition in step.keys(profile):
                parents = graph.get_parents_partitions(dg.AssetKey(name), partition).parent_partitions
                known = {(each.asset_key.to_user_string(), each.partition_key) for each in parents}
                for upstream in step.upstream:
                    reads = {(upstream.asset, key) for key in upstream.partitions(profile, partition)}
                    assert reads <= known, (name, partition)


def test_loading_stays_light(tmp_path: Path) -> None:
    code = (
        "import sys, time; started = time.perf_counter(); import pipelines.definitions; "
        "print(time.perf_counter() - started); "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=TinyHome(tmp_path, {}).environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, heavy = run.stdout.splitlines()
    print(f"definitions load in {float(seconds):.1f} s")
    assert heavy == "", "import heavy libraries inside the bodies that use them"
    assert list(tmp_path.iterdir()) == [], "loading makes no files"


def test_dagsters_own_validation_passes(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        env=TinyHome(tmp_path, {}).environment(DAGSTER_HOME=""),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Validation successful for code location g3" in run.stdout + run.stderr


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells the threads of a process")
@pytest.mark.parametrize("profile", ["demo", "im2city", "mp16"])
def test_definitions_load_without_polars_at_work(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are forked from a process that has loaded them: its threads are gone there, and polars waits for its."""
    monkeypatch.setenv("G3_PROFILE", profile)
    told = (
        "import os, pipelines.definitions; "
        "print(*{open(f'/proc/self/task/{each}/comm').read().strip() for each in os.listdir('/proc/self/task')})"
    )
    found = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [name for name in found.stdout.split() if name.startswith(("polars-0", "tokio"))] == []
    assert "python" in found.stdout
