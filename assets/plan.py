"""What is out of date: fingerprints expected from profile and upstream, against those on disk.

Used by the factory (a materialization of what is current reuses it) and by `g3 run` (which then launches nothing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assets.step import Config, Partition, Step
from g3lib.experiments import Profile
from g3lib.store import Home, Input, Key, Record
from g3lib.store.artifacts import is_intact, read_record
from g3lib.store.lineage import fingerprint

OBSERVED = "outside files"  # the key of a record's config that says which files were read, and as of when


class MissingInput(RuntimeError):
    """An upstream materialization that is not there."""


@dataclass(frozen=True)
class Workflow:
    """All steps of a profile in one home, by name, upstream first."""

    profile: Profile
    home: Home
    steps: Mapping[str, Step]

    def record(self, key: Key) -> Record | None:
        """The committed, intact record of a materialization."""
        path = self.steps[key.asset].commit(self.home, self.profile, key.partition)
        found = read_record(path)
        return found if found is not None and is_intact(self.home.root, found) else None

    def inputs(self, step: Step, partition: Partition) -> dict[str, list[Record]]:
        """Upstream records by asset; MissingInput names the first that is absent."""
        found: dict[str, list[Record]] = {}
        for upstream in step.upstream:
            found[upstream.asset] = []
            for wanted in upstream.partitions(self.profile, partition):
                record = self.record(Key(upstream.asset, wanted))
                if record is None:
                    raise MissingInput(
                        f"{Key(step.name, partition)} needs {Key(upstream.asset, wanted)}, which is not "
                        f"made, or is incomplete; materialize it first, or `g3 run {self.profile.name}`"
                    )
                found[upstream.asset].append(record)
        return found

    def config(self, step: Step, partition: Partition, recorded: Config | None = None) -> Config:
        """What determines an artefact besides code and inputs: its slice of the profile, and files from outside.

        An outside file that is gone since (an archive deleted to free the disk) counts as it was `recorded`.
        """
        config = step.config(self.profile, partition)
        known = (recorded or {}).get(OBSERVED, {})
        seen = step.observed(self.home, self.profile, partition)
        return config | ({OBSERVED: {**known, **seen}} if known or seen else {})

    def fingerprint(self, step: Step, partition: Partition, inputs: Sequence[Input], config: Config) -> str:
        """What the record of an up-to-date artefact says."""
        return fingerprint(Key(step.name, partition), step.code_version, config, inputs)

    def current(self, step: Step, partition: Partition) -> Record | None:
        """The record of an artefact that is up to date; None if there is work to do."""
        found = self.record(Key(step.name, partition))
        if found is None:
            return None
        try:
            inputs = versions(self.inputs(step, partition))
        except MissingInput:
            return None
        config = self.config(step, partition, found.config)
        return found if found.fingerprint == self.fingerprint(step, partition, inputs, config) else None

    def pending(self, step: Step) -> list[Partition]:
        """The partitions of a step that have work to do."""
        return [key for key in step.keys(self.profile) if self.current(step, key) is None]


def versions(inputs: Mapping[str, Sequence[Record]]) -> list[Input]:
    """The inputs of a lineage record."""
    return [
        Input(record.asset, record.partition, record.data_version)
        for records in inputs.values()
        for record in records
    ]
