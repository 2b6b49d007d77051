"""What was recorded of a number: the artefacts upstream of it, and which of them to make again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assets.step import Step
from g3lib.store import Home, Input, Key, Record
from g3lib.store.artifacts import is_intact, read_record
from pipelines.repeating import NotNamed, NotRepeatable

NUMBER = "accuracy"  # the asset that holds it


@dataclass(frozen=True)
class Made:
    """A committed artefact: the file that carries its record, relative to G3_HOME, and the record."""

    commit: Path
    record: Record


@dataclass(frozen=True)
class Recorded:
    """A number's artefact and those upstream of it that are there, as committed in `home`."""

    home: Home
    key: Key
    made: Mapping[Key, Made]

    @property
    def record(self) -> Record:
        """The number's own."""
        return self.made[self.key].record

    def input(self, each: Input) -> Made | None:
        """An input in the version that was read; None if there is none, or another one."""
        made = self.made.get(Key(each.asset, each.partition))
        return made if made is not None and made.record.data_version == each.data_version else None


@dataclass(frozen=True)
class Split:
    """What is made again, in the order of data, and what is taken over; of the latter, what the former reads."""

    again: tuple[Key, ...]
    kept: tuple[Key, ...]
    needed: tuple[Input, ...]


def find(home: Home, benchmark: str, experiment: str) -> Recorded:
    """The recorded accuracy and all that is upstream of it; NotRepeatable if nothing of that name was measured."""
    there = {made.record.key: made for made in _committed(home)}
    key = Key(NUMBER, f"{benchmark}|{experiment}")
    if key not in there:
        known = sorted(str(each.partition).replace("|", " ") for each in there if each.asset == NUMBER)
        there_are = "; ".join(known) or "none yet: g3 run"
        raise NotNamed(f"no accuracy of {benchmark} {experiment} in {home.root}; there are: {there_are}")
    found = {key: there[key]}
    waiting = list(there[key].record.inputs)
    while waiting:
        each = waiting.pop()
        made = there.get(Key(each.asset, each.partition))
        if made is None or made.record.data_version != each.data_version or made.record.key in found:
            continue
        found[made.record.key] = made
        waiting += made.record.inputs
    return Recorded(home, key, found)


def _committed(home: Home) -> list[Made]:
    records = ((path, read_record(path)) for path in home.commits())
    return [Made(path.relative_to(home.root), record) for path, record in records if record is not None]


def split(recorded: Recorded, beginning: str, steps: Mapping[str, Step]) -> Split:
    """Everything as deep in the data as the step `beginning`, or deeper, is made again.

    NotRepeatable for a step that no accuracy hangs on, and if an artefact between it and the number, or one that is to
    be read, is gone, damaged or was made anew since.
    """
    depths = _depths(steps)
    upstream = _ancestors(steps, NUMBER) | {NUMBER}
    if beginning not in upstream:
        there = ", ".join(name for name in steps if name in upstream)
        raise NotNamed(f"--from {beginning}: accuracy does not hang on any such step; those it does: {there}")
    deep = {name for name in upstream if depths[name] >= depths[beginning]}
    order = {name: number for number, name in enumerate(steps)}
    keys = sorted(recorded.made, key=lambda key: (order.get(key.asset, -1), key.partition or ""))
    again = tuple(key for key in keys if key.asset in deep)
    inputs = dict.fromkeys(each for key in again for each in recorded.made[key].record.inputs)
    for each in inputs:
        if each.asset in deep and recorded.input(each) is None:
            raise _lacking(recorded, each)
    needed = tuple(each for each in inputs if each.asset not in deep)
    for each in needed:
        _check_there(recorded, each)
    return Split(again, tuple(key for key in keys if key not in again), needed)


def _check_there(recorded: Recorded, each: Input) -> None:
    """NotRepeatable unless the input is there as it was recorded, with all its files."""
    made = recorded.input(each)
    if made is None:
        raise _lacking(recorded, each)
    if not is_intact(recorded.home.root, made.record):
        gone = [name for name in made.record.files if not (recorded.home.root / name).is_file()]
        raise NotRepeatable(
            f"{made.record.key}: {', '.join(gone[:3]) or 'a file of another size'} in {recorded.home.root} is not what "
            "its record says. Bring it back, repeat from an earlier step (--from), or measure anew: `g3 run`"
        )


def _lacking(recorded: Recorded, each: Input) -> NotRepeatable:
    name = Key(each.asset, each.partition)
    return NotRepeatable(
        f"{name}, of which {recorded.key} was made, is not there in the recorded version "
        f"({each.data_version[:12]}): it was deleted, or made anew since. `g3 run` measures with what there is now"
    )


def _ancestors(steps: Mapping[str, Step], name: str) -> set[str]:
    """Every step upstream of one."""
    found: set[str] = set()
    waiting = list(steps[name].upstream_names)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += steps[each].upstream_names
    return found


def _depths(steps: Mapping[str, Step]) -> dict[str, int]:
    """How many steps, at most, lie between each and its first input; `steps` name upstream first."""
    depths: dict[str, int] = {}
    for name, step in steps.items():
        depths[name] = 1 + max((depths[each] for each in step.upstream_names), default=-1)
    return depths
