"""The whole profile a number was made with: as it was kept, or the one at hand if every record agrees with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assets.plan import Workflow
from g3lib.store import Key
from g3lib.store.snapshots import NoSnapshot, kept_profile, without_credentials
from pipelines.repeating import NotRepeatable
from pipelines.repeating.recorded import Recorded, Split


@dataclass(frozen=True)
class Configuration:
    """A profile's JSON values, without secrets, and in words where they are from."""

    plain: dict[str, Any]
    said: str


def configuration_of(recorded: Recorded, parts: Split, workflow: Workflow) -> Configuration:
    """The profile that the number's record names; `workflow` is of the profile at hand.

    A record of an earlier version names none: then the profile at hand stands for it, if it determines every artefact
    that is to be made again as the records say. NotRepeatable if it does not, or if the kept profile is gone.
    """
    version = recorded.record.profile
    if not version:
        _check_agreement(recorded, parts, workflow)
        plain = without_credentials(workflow.profile.model_dump(mode="json"))
        return Configuration(
            plain,
            f"profile {workflow.profile.name} as it is now: the record is of a version that kept none, but it says "
            "the same of what determined these artefacts",
        )
    try:
        plain = kept_profile(recorded.home, version)
    except NoSnapshot as problem:
        raise NotRepeatable(
            f"{problem}. Bring it back from a copy of the home, or measure anew: `g3 run`"
        ) from problem
    return Configuration(plain, f"profile {plain.get('name')} as it was then, {version[:12]}")


def _check_agreement(recorded: Recorded, parts: Split, workflow: Workflow) -> None:
    for key in parts.again:
        config = recorded.made[key].record.config
        now = _now(workflow, key, config)
        different = [name for name in sorted(config) if not agrees(config[name], now.get(name))]
        if different:
            raise NotRepeatable(
                f"{key} was made with other settings than profile {workflow.profile.name} has now "
                f"({', '.join(different)}), and its record is of a version that kept no whole profile. Set them as "
                '`g3 sql "select config from lineage.materialization where current"` says, or measure anew: `g3 run`'
            )


def agrees(recorded: Any, now: Any) -> bool:
    """Whether JSON values are as recorded, however many fields the code has learnt since."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        return all(name in now and agrees(each, now[name]) for name, each in recorded.items())
    if isinstance(recorded, list | tuple) and isinstance(now, list | tuple):
        return len(recorded) == len(now) and all(map(agrees, recorded, now))
    return bool(recorded == now)


def _now(workflow: Workflow, key: Key, config: dict[str, Any]) -> dict[str, Any]:
    """What would determine it now; an experiment or dataset that the profile lacks is a setting, too."""
    try:
        return workflow.config(workflow.steps[key.asset], key.partition, config)
    except KeyError as problem:
        raise NotRepeatable(
            f"{key}: {problem.args[0]}, in profile {workflow.profile.name} as it is now"
        ) from problem
