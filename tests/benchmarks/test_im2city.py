"""IM2City in the demo, measured: what its experiments add to a run without them, and what they find.

Times depend on the machine, so none of them fails a test; what the tables say must hold everywhere.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.settings import load_profile

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

G3 = Path(sys.executable).with_name("g3")
OURS = ("city_", "backbone_features", "label_features", "im2city")
STAGE = re.compile(r"^(?P<steps>[a-z_, ]+?)(?: \[(?P<partition>[^\]]+)\])?(?: \(\d+/\d+\))?$")


def run(home: Path, experiments: list[str]) -> tuple[float, str]:
    """(seconds, output) of one `g3 run demo` of those experiments."""
    named = f"[{', '.join(experiments)}]"
    started = time.perf_counter()
    done = subprocess.run(
        [G3, "run", "demo"],
        env=os.environ | {"G3_HOME": str(home), "G3_EXPERIMENTS": named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - started, done.stdout


def seconds_by_stage(output: str) -> dict[str, float]:
    """What the lines of a run say: seconds of its Dagster runs, by whether they are GEM's own or the tables' rows."""
    found, steps, partition = (
        dict.fromkeys(("its own stages", "rows of the threshold tables", "other"), 0.0),
        "",
        "",
    )
    for line in output.splitlines():
        if told := re.match(r"  done in ([\d.]+) s", line):
            own = steps.startswith(OURS[:3]) or partition.startswith(OURS[3])
            row = "gem-" in partition or "streetclip" in partition
            found["its own stages" if own else "rows of the threshold tables" if row else "other"] += float(
                told[1]
            )
        elif stage := STAGE.match(line):
            steps, partition = stage["steps"], stage["partition"] or ""
    return found


def test_im2city(tmp_path: Path) -> None:
    every = load_profile("demo").experiments
    gems = [name for name in every if "gem-" in name or "streetclip" in name]
    without, _ = run(tmp_path, [name for name in every if name not in gems])
    more, output = run(tmp_path, list(every))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.sql(
            "select experiment, accuracy, ci_low, ci_high, chance, n from results.city_accuracy "
            "where test_set = 'blue-marble-queries' and scale = 'city' and top = 1 order by accuracy"
        ).pl()
    print(
        f"\nIM2City in the demo, {len(gems)} experiments, {os.cpu_count()} cores: {more:.0f} s more", end=""
    )
    print(f" (after {without:.0f} s without them), of which")
    for what, seconds in seconds_by_stage(output).items():
        print(f"  {seconds:6.1f} s  {what}")
    with pl.Config(tbl_rows=-1, float_precision=3):
        print(found)
    by_name = {name: rest for name, *rest in found.rows()}
    probe, zero_shot = by_name["gem-probe"], by_name["gem-zero-shot"]
    assert probe[1] > zero_shot[2] and zero_shot[1] > zero_shot[3], (
        "probe > zero-shot > chance, intervals apart"
    )
