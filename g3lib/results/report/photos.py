"""Small pictures of the benchmark's photos, and of a few gallery photos, from the tars; nothing but pixels of them.

AVIF: at these sizes it takes a third less than any other format, and browsers that can unpack the page's data show it.
What photos carry besides pixels (positions of homes, serial numbers of cameras) is left behind.
"""

import io
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl
from PIL import Image

from g3lib.images import CorruptShard, read_shard, upright
from g3lib.images.photo import BadPhoto
from g3lib.results.report.reading import Source

log = logging.getLogger(__name__)

AT_ONCE = 64  # photos in memory
SPEED = 9  # of the encoder, 0 to 10: at 8 it takes thrice as long and saves a sixtieth

_SHARDS = """
select made.path, stored.photo_id
from results.photo as stored
join lineage.materialization as made
    on made.asset = 'photos' and made.current and made.partition = stored.shard
where stored.dataset = $dataset and stored.photo_id in (select photo_id from wanted)
order by made.path
"""


@dataclass(frozen=True)
class Look:
    """Longest side in pixels, and the encoder's quality."""

    pixels: int
    quality: int


# the best first; a report takes the first for which there is room
LOOKS = (
    *(Look(480, 45), Look(400, 42), Look(320, 40), Look(256, 40), Look(224, 40), Look(192, 40)),
    *(
        Look(160, 40),
        Look(160, 32),
        Look(144, 34),
        Look(128, 35),
        Look(112, 30),
        Look(96, 30),
        Look(80, 28),
        Look(64, 28),
    ),
)


@dataclass
class Library:
    """The photos of a home; notes what could not be read, since a report can do without a photo."""

    source: Source
    problems: list[str] = field(default_factory=list)

    def pictures(self, dataset: str, photo_ids: Sequence[str], look: Look) -> dict[str, bytes]:
        """AVIF by photo_id; a photo that is not there, or does not decode, is left out."""
        found: dict[str, bytes] = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for batch in _batches(self._photos(dataset, photo_ids)):
                made = pool.map(lambda each: (each[0], small(each[1], look)), batch)
                found |= {photo_id: data for photo_id, data in made if data is not None}
        return found

    def _photos(self, dataset: str, photo_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Photos with their ids, shard by shard."""
        wanted = pl.DataFrame({"photo_id": list(photo_ids)}, schema={"photo_id": pl.String})
        self.source.connection.register("wanted", wanted)
        shards = self.source.rows(_SHARDS, dataset=dataset)
        for (path,), rows in shards.group_by("path", maintain_order=True):
            manifest_path = self.source.home.root / str(path)
            try:
                manifest = pl.read_parquet(manifest_path).join(rows, on="photo_id", how="semi").sort("offset")
                tar = manifest_path.with_suffix(".tar")
                yield from zip(manifest["photo_id"], read_shard(tar, manifest), strict=True)
            except (CorruptShard, FileNotFoundError) as problem:
                log.warning("%s", problem)
                self.problems.append(f"some photos of {dataset} are missing: {problem}")


def small(data: bytes, look: Look) -> bytes | None:
    """A photo as AVIF of that look, upright, without metadata; None if it does not decode."""
    try:
        image = upright(data, look.pixels)
    except BadPhoto:
        return None
    image.thumbnail((look.pixels, look.pixels), Image.Resampling.BICUBIC, reducing_gap=2.0)
    # Pillow would hand on EXIF and colour profiles
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    buffer = io.BytesIO()
    bare.save(buffer, "AVIF", quality=look.quality, speed=SPEED, max_threads=1)
    return buffer.getvalue()


def _batches(photos: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    for each in photos:
        batch.append(each)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
