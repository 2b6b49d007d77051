"""Photos that a person names: files, and whatever lies in folders; each looked at once, or the reason why it is not.

Nothing is kept of the bytes: what goes on with a photo reads it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from g3lib.experiments.datasets import UNKNOWN
from g3lib.images.exif import NoPosition, Position, facts_of, side_car_of
from g3lib.images.fates import Fate, Rejected
from g3lib.images.inspecting import Look, Offer, inspected
from g3lib.images.photo import MAXIMUM_BYTES, BadPhoto, Limits, Photo
from g3lib.images.sources.folder import ENDINGS, UNREAD_ENDINGS, files_below


class NoPhotos(ValueError):
    """A folder in which nothing is named like a photo."""


@dataclass(frozen=True)
class Given:
    """A file, the name by which its owner finds it, and the folder out of which no link may lead."""

    path: Path
    folder: Path | None = None

    @property
    def name(self) -> str:
        """The path as text, whatever bytes are in it."""
        return str(self.path).encode("utf-8", "backslashreplace").decode()

    @property
    def size(self) -> int:
        """In bytes; 0 for what cannot be read."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def read(self) -> bytes:
        """Its bytes; BadPhoto if it is no file, too large, forbidden, gone, or a link out of its folder."""
        try:
            path = self.path.resolve(strict=True)
            if self.folder is not None and not path.is_relative_to(self.folder.resolve()):
                raise BadPhoto(Fate.NOT_A_FILE, "a link that leads out of the folder")
            if not path.is_file():
                raise BadPhoto(Fate.NOT_A_FILE, "a folder, device or pipe")
            if (size := path.stat().st_size) > MAXIMUM_BYTES:
                raise BadPhoto(Fate.TOO_MANY_BYTES, f"{size:,} bytes, {MAXIMUM_BYTES:,} are the limit")
            return path.read_bytes()
        except (OSError, RuntimeError) as problem:  # forbidden, vanished, or links in a circle
            reason = problem.strerror if isinstance(problem, OSError) else None
            raise BadPhoto(Fate.UNREADABLE, reason or str(problem)) from problem


@dataclass(frozen=True)
class Seen:
    """A photo that can be used: whose bytes these are, and where it says it was taken, or why it does not."""

    given: Given
    sha256: str
    dhash: int
    bytes: int
    position: Position | NoPosition


@dataclass
class Sightings:
    """What became of all: photos that can be used, and those that cannot, each in the order given."""

    seen: list[Seen] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def given(paths: Sequence[Path]) -> list[Given]:
    """Every file once, in the order named; those of a folder, and of folders in it, in the order of their paths.

    Hidden ones are left out. Raises NoPhotos for a folder in which no name ends as photos' do.
    """
    found: dict[Path, Given] = {}
    for path in paths:
        some = _of_folder(path) if path.is_dir() else [Given(path)]
        for each in some:
            found.setdefault(each.path.absolute(), each)
    return list(found.values())


def _of_folder(folder: Path) -> list[Given]:
    names = files_below(folder)
    if not names:
        raise NoPhotos(f"{folder}: no file in it ends in {' '.join(sorted(ENDINGS | UNREAD_ENDINGS))}")
    return [Given(folder / name, folder) for name in names]


def distinct(photos: Sequence[Given], told: Sightings) -> Iterator[bytes]:
    """The bytes of each photo that can be used, of equal ones once; `told` learns of all, the equal ones included.

    A few are read and looked at ahead of who takes them.
    """
    positions: dict[str, Position | NoPosition] = {}
    known: set[str] = set()
    for offer, look in inspected(_offers(photos, positions), Limits()):
        if isinstance(offer, Rejected):
            told.rejected.append(offer)
            continue
        each = photos[int(offer.photo_id)]
        if isinstance(look, BadPhoto):
            told.rejected.append(Rejected(each.name, look.fate, look.detail))
            continue
        assert isinstance(look, Look), "every photo is looked at"
        position = positions.pop(offer.photo_id)
        told.seen.append(Seen(each, look.sha256, look.inspection.dhash, len(offer.data), position))
        if look.sha256 not in known:
            known.add(look.sha256)
            yield offer.data


def _offers(photos: Sequence[Given], positions: dict[str, Position | NoPosition]) -> Iterator[Offer]:
    """The photos, named by their number, with what they tell of their position put aside."""
    for number, each in enumerate(photos):
        try:
            data = each.read()
            positions[str(number)] = facts_of(data, side_car_of(each.path)).position
        except BadPhoto as problem:
            yield Rejected(each.name, problem.fate, problem.detail)
        except OSError as problem:  # of the side-car
            yield Rejected(each.name, Fate.UNREADABLE, problem.strerror or str(problem))
        else:
            yield Photo(str(number), data, None, None, UNKNOWN, UNKNOWN)
