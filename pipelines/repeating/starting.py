"""Starting a repetition in a process of its own, in the code it is to run in, and ending it with this one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from g3lib.store import Home, Key
from pipelines.repeating import NotRepeatable
from pipelines.repeating.checkout import Code
from pipelines.repeating.conducting import Plan

SECONDS_TO_STOP = 20
NOT_RECORDED = "transport `replay` asks nobody"  # as LMM errors say it


def without_asking(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A profile's JSON values with every LMM replaying what is recorded."""
    lmms = {name: {**each, "transport": "replay"} for name, each in plain.get("lmms", {}).items()}
    return {**plain, "lmm": {**plain.get("lmm", {}), "transport": "replay"}, "lmms": lmms}


def carry_out_in(
    code: Code, fresh: Home, plain: Mapping[str, Any], keys: tuple[Key, ...], publish: bool
) -> None:
    """Make these artefacts in the fresh home by that code; NotRepeatable with the stage's words if one fails."""
    folder = fresh.root / "rerun"
    folder.mkdir()
    plan = Plan(fresh.root, folder / "profile.json", keys, publish, folder / "outcome.json")
    plan.profile.write_text(json.dumps(without_asking(plain), indent=1), encoding="utf-8")
    (folder / "plan.json").write_text(plan.to_json(), encoding="utf-8")
    status = _run(code, folder / "plan.json", _environment(code, plan))
    if status != 0:
        raise NotRepeatable(_reason(plan, status))


def _environment(code: Code, plan: Plan) -> dict[str, str]:
    """This process's, without its settings: the recorded profile is all there is to know, and no key is needed."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith(("G3_", "DAGSTER_"))}
    paths = os.pathsep.join(filter(None, (str(code.root), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": paths, "G3_PROFILE": str(plan.profile), "G3_HOME": str(plan.home)}


def _run(code: Code, plan: Path, environment: Mapping[str, str]) -> int:
    """The process's exit status; interrupts reach it through us, so that it ends before what it works in goes."""
    # -P: the folder one happens to be in must not come before the code that is meant
    command = [sys.executable, "-P", "-m", "pipelines.repeating.conducting", str(plan)]
    sys.stdout.flush()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, process_group=0)
    try:
        return process.wait()
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and make it, and what it started, if they do not: their home is about to go."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_STOP)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with suppress(ProcessLookupError):  # as it is, if all have ended
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()


def _reason(plan: Plan, status: int) -> str:
    """Why it failed, with the remedy."""
    try:
        error = json.loads(plan.outcome.read_text(encoding="utf-8"))["error"]
    except (OSError, ValueError, KeyError):
        return f"the repetition ended with status {status}; what it said stands above"
    if error is None:
        return f"the repetition was done, but ended with status {status}; what it said stands above"
    if NOT_RECORDED in error:
        return (
            f"{error}\nAnswers that the number was made of are missing from the log. A repetition asks nobody: bring "
            "back responses/<experiment>/<benchmark>.jsonl of the home, or measure anew: `g3 run`"
        )
    return str(error)
