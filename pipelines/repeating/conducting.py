"""The repetition itself: `python -m pipelines.repeating.conducting PLAN`, in the code that a record names.

PLAN is a JSON file of FORMAT, which commits to come keep to, so that any of them can start any other:
format, home (a folder), profile (a file, which G3_PROFILE names too), keys ([[asset, partition], …]: what to make, and
nothing else), publish (whether the warehouse too), outcome (the file to write: {"error": null or a text}).
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from assets.plan import Workflow
from assets.step import Partition, Step
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.store import Home, Key
from pipelines.commands.failures import INTERRUPTED
from pipelines.home import IN_PROCESS_TAG, exclusive, prepare
from pipelines.settings import SettingsError, load_profile

FORMAT = 1


@dataclass(frozen=True)
class Plan:
    """What to make, where, with which profile."""

    home: Path
    profile: Path
    keys: tuple[Key, ...]
    publish: bool
    outcome: Path

    def to_json(self) -> str:
        """As `read` understands it."""
        paths = {name: str(getattr(self, name)) for name in ("home", "profile", "outcome")}
        return json.dumps({"format": FORMAT, **paths, "keys": self.keys, "publish": self.publish}, indent=1)

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """The inverse; ValueError for another format."""
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"{path}: a plan of format {values['format']}, this code reads {FORMAT}")
        home, profile, outcome = (Path(values[name]) for name in ("home", "profile", "outcome"))
        return cls(home, profile, tuple(Key(*each) for each in values["keys"]), values["publish"], outcome)


def main() -> None:
    """Carry out the plan; a stage that fails is told in the outcome, and by exit status 1."""
    from pipelines.conductor import StageFailed

    plan = Plan.read(Path(sys.argv[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    error = None
    try:
        carry_out(plan)
    except (StageFailed, SettingsError) as failure:
        error = str(failure)
    except KeyboardInterrupt:  # as which Dagster passes on whatever ends it; who sent it knows
        sys.exit(INTERRUPTED)
    plan.outcome.write_text(json.dumps({"error": error}), encoding="utf-8")
    sys.exit(0 if error is None else 1)


def carry_out(plan: Plan) -> None:
    """Make what the plan names, in the order of data; StageFailed with the stage's words."""
    home = Home(plan.home)
    with exclusive(home):
        preparation = prepare(home)
        import dagster as dg

        from pipelines.commands.run import announcer
        from pipelines.conductor import conduct, publish
        from pipelines.definitions import build_definitions
        from pipelines.interrupts import remembered_interrupts

        profile = load_profile(str(plan.profile))
        whole = Workflow(profile, home, STEPS)
        definitions, tags = build_definitions(profile, home), {IN_PROCESS_TAG: str(os.getpid())}
        with dg.DagsterInstance.get() as instance, remembered_interrupts() as check:
            keys = with_lacking(whole, plan.keys)
            workflow = replace(whole, steps=only(whole.steps, keys))
            for steps in groups(whole, keys):
                for made in conduct(workflow, definitions, instance, steps, tags, announcer(preparation)):
                    click.echo(f"  done in {made.seconds:.1f} s")
                    check()
            if plan.publish:
                click.echo("warehouse")
                preparation.wait()
                publish(definitions, instance, tags, reports=False)


def with_lacking(workflow: Workflow, keys: Sequence[Key]) -> tuple[Key, ...]:
    """The keys, and whatever else their steps read that is not there: code other than the recorded may need more."""
    if unknown := {key.asset for key in keys} - set(workflow.steps):
        raise SettingsError(f"this code has no step {', '.join(sorted(unknown))}, which the record names")
    wanted, waiting = dict.fromkeys(keys), list(keys)
    while waiting:
        key = waiting.pop()
        for upstream in workflow.steps[key.asset].upstream:
            for partition in upstream.partitions(workflow.profile, key.partition):
                read = Key(upstream.asset, partition)
                if read not in wanted and workflow.record(read) is None:
                    wanted[read] = None
                    waiting.append(read)
    if more := [str(key) for key in wanted if key not in keys]:
        click.echo(f"made besides, since this code reads it and nothing of it is recorded: {', '.join(more)}")
    return tuple(wanted)


def only(steps: Mapping[str, Step], keys: Sequence[Key]) -> dict[str, Step]:
    """The steps, those to be repeated cut down to the partitions to be repeated."""
    wanted: dict[str, list[Partition]] = {}
    for key in keys:
        wanted.setdefault(key.asset, []).append(key.partition)
    return {
        name: replace(step, keys=partial(_cut, tuple(wanted[name]))) if name in wanted else step
        for name, step in steps.items()
    }


def _cut(partitions: tuple[Partition, ...], _: Profile) -> tuple[Partition, ...]:
    return partitions


def groups(workflow: Workflow, keys: Sequence[Key]) -> Iterator[tuple[str, ...]]:
    """Steps that may share Dagster runs: those cut alike in the whole profile, not by chance in the part."""
    from pipelines.conductor import waves

    names = {key.asset for key in keys}
    yield from (wave.steps for wave in waves(workflow, list(names)))


def _end_with_parent() -> None:
    """Whoever started us holds the other end of our standard input; if it is killed, nobody wants the result."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
