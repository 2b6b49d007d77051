"""A home of its own for a repetition: what is not made again, linked; recorded answers, copied.

Links share their bytes with the original home, and every write of ours is a new file renamed into place, so nothing
there can change. What is written in place (logs of answers) is copied instead.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assets.plan import OBSERVED
from assets.pool_choice import BENCHMARK as HELD_OUT
from g3lib.store import Home, Key
from g3lib.store.artifacts import is_intact, read_record
from pipelines.repeating import NotNamed, NotRepeatable
from pipelines.repeating.recorded import Recorded, Split

JOURNALS = ("geocoding",)  # folders of answers that were asked for elsewhere, and cost time


@dataclass
class Laid:
    """What came of laying out: artefacts taken over, files linked, and bytes that had to be copied."""

    artefacts: int = 0
    linked: int = 0
    copied: int = 0


@contextmanager
def fresh_home(original: Home, into: Path | None) -> Iterator[Home]:
    """An empty home: `into`, which stays, or a folder that goes, on the original's disk if that is writable."""
    if into is not None:
        yield Home(_kept(original, into.expanduser().resolve()))
        return
    beside = original.root.parent if os.access(original.root.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".g3-rerun-", dir=beside, ignore_cleanup_errors=True) as folder:
        yield Home(Path(folder))


def _kept(original: Home, into: Path) -> Path:
    if into.is_relative_to(original.root) or original.root.is_relative_to(into):
        raise NotNamed(
            f"--into {into}: lies in the home {original.root} or around it; name a folder apart from it"
        )
    try:
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise NotNamed(f"--into {into}: is not empty; name a new folder, or delete it")
    except OSError as problem:
        raise NotNamed(f"--into {into}: cannot be used ({problem}); name another folder") from problem
    return into


def lay_out(recorded: Recorded, parts: Split, fresh: Home) -> Laid:
    """Bring what is kept into the fresh home; NotRepeatable if the disk has no room, or something changed meanwhile.

    What nothing of the repetition reads is brought if it is there whole: then the fresh home's lineage reaches the
    photos too.
    """
    original, laid = recorded.home, Laid()
    needed = {Key(each.asset, each.partition) for each in parts.needed}
    whole = [key for key in parts.kept if is_intact(original.root, recorded.made[key].record)]
    files = {key: _files(recorded, key) for key in whole}
    outside = list(_outside(recorded, parts))
    _check_room(original, fresh, [*(name for names in files.values() for name in names), *outside])
    for key, names in files.items():
        for name in names:
            _bring(original.root / name, fresh.root / name, laid)
        found = read_record(fresh.root / recorded.made[key].commit)
        if found != recorded.made[key].record and key in needed:
            raise NotRepeatable(f"{key} was made anew while it was read; wait for the run in {original.root}")
        laid.artefacts += 1
    for name in outside:
        _bring(original.root / name, fresh.root / name, laid)
    for name in _answers(recorded, parts):
        (fresh.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(original.root / name, fresh.root / name)
    return laid


def _files(recorded: Recorded, key: Key) -> list[Path]:
    """Everything of an artefact, relative to the home; the file with the record last."""
    made = recorded.made[key]
    names = [Path(name) for name in made.record.files]
    bad = [name for name in names if name.is_absolute() or ".." in name.parts]
    if bad:
        raise NotRepeatable(f"{key}: its record names {bad[0]}, which lies outside of {recorded.home.root}")
    return [*names, made.commit]


def _answers(recorded: Recorded, parts: Split) -> Iterator[Path]:
    """Logs of answers, the user's prices, and profiles that records name; relative to the home."""
    root = recorded.home.root
    benchmark = str(recorded.key.partition).split("|")[0]
    patterns = [f"responses/*/{name}.jsonl" for name in (benchmark, HELD_OUT)]
    patterns += ["prices.yaml", *(f"{folder}/**/*" for folder in JOURNALS)]
    versions = {recorded.made[key].record.profile for key in (recorded.key, *parts.kept)} - {""}
    patterns += [f"profiles/{version}.json" for version in versions]
    yield from (path.relative_to(root) for each in patterns for path in root.glob(each) if path.is_file())


def _outside(recorded: Recorded, parts: Split) -> Iterator[Path]:
    """Files that people put into `incoming`, if something to be made again reads any; never half-fetched ones."""
    if not any(recorded.made[key].record.config.get(OBSERVED) for key in parts.again):
        return
    root = recorded.home.root
    for folder, folders, names in os.walk(root / "incoming", followlinks=True):
        folders[:] = [each for each in folders if not each.startswith(".")]
        yield from (Path(folder, each).relative_to(root) for each in names if not each.startswith("."))


def _check_room(original: Home, fresh: Home, names: Iterable[Path]) -> None:
    """Links take none; between disks there are none."""
    if original.root.stat().st_dev == fresh.root.stat().st_dev:
        return
    wanted = sum((original.root / name).stat().st_size for name in names)
    free = shutil.disk_usage(fresh.root).free
    if wanted > free:
        raise NotRepeatable(
            f"{fresh.root} lies on another disk than {original.root}: {wanted / 1e9:.1f} GB would have to be copied, "
            f"{free / 1e9:.1f} GB are free. Name a folder on the home's disk: --into"
        )


def _bring(source: Path, target: Path, laid: Laid) -> None:
    """A link, or a copy where the system allows none; times of change are kept."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()  # a link to a link would hang on it
    try:
        os.link(source, target)
        laid.linked += 1
    except OSError:
        try:
            shutil.copy2(source, target)
        except OSError as problem:
            raise NotRepeatable(f"{source} cannot be copied to {target}: {problem}") from problem
        laid.copied += target.stat().st_size
