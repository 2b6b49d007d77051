"""Members of a tar as photos: joined with their facts, every member accounted for, memory bounded."""

from collections.abc import Iterable, Iterator

from g3lib.images.archives.lookup import Facts, Lookup
from g3lib.images.archives.names import base_name, is_image, stem, unsafe
from g3lib.images.archives.seams import origin_of
from g3lib.images.archives.tar_headers import Kind, Member
from g3lib.images.fates import Fate, Rejected
from g3lib.images.photo import MAXIMUM_BYTES, Photo

Found = tuple[Member, bytes | None]
BATCH = 8 << 20  # bytes of photos that are looked up together


def photos_of(members: Iterable[Found], lookup: Lookup) -> Iterator[Photo | Rejected]:
    """Each member once, in its order: a Photo, or a Rejected that says why it is none."""
    for batch in _batches(members):
        facts = lookup.facts([stem(base_name(member.name)) for member, _ in batch])
        for (member, data), fact in zip(batch, facts, strict=True):
            yield _offer(member, data, fact)


def _batches(members: Iterable[Found]) -> Iterator[list[Found]]:
    batch, size = list[Found](), 0
    for member, data in members:
        batch.append((member, data))
        size += 512 + len(data or b"")
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _offer(member: Member, data: bytes | None, fact: Facts | None) -> Photo | Rejected:
    origin = origin_of(member.name, member.offset, member.size)
    problem = _problem(member, data, fact)
    if problem is None and data is not None and fact is not None:
        return Photo(fact.photo_id, data, fact.lat, fact.lon, fact.author, fact.licence, origin)
    assert problem is not None
    name = fact.photo_id if fact is not None and is_image(base_name(member.name)) else base_name(member.name)
    return Rejected(name, *problem, origin=origin, bytes=member.size)


def _problem(member: Member, data: bytes | None, fact: Facts | None) -> tuple[Fate, str] | None:
    if member.kind is not Kind.FILE:
        return Fate.NOT_A_FILE, f"a {member.kind}"
    if climbs := unsafe(member.name):
        return Fate.UNSAFE_NAME, climbs
    if not is_image(base_name(member.name)):
        return Fate.UNLISTED, "its name has no image's ending"
    if fact is None:
        return Fate.UNLISTED, "no row of the metadata has its name"
    if fact.refused is not None:
        return Fate(fact.refused), "its row of the metadata cannot be used"
    if data is None:
        return Fate.TOO_MANY_BYTES, f"{member.size} bytes, at most {MAXIMUM_BYTES}"
    return None
