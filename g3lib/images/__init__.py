"""Photos in: sources, shards and their manifests. What looks at pixels beyond decoding is elsewhere."""

from g3lib.images.fates import Fate, Rejected
from g3lib.images.jpeg import as_jpeg, bare_jpeg
from g3lib.images.photo import Photo, upright
from g3lib.images.shards import CorruptShard, read_shard, write_shard

__all__ = [
    "CorruptShard",
    "Fate",
    "Photo",
    "Rejected",
    "as_jpeg",
    "bare_jpeg",
    "read_shard",
    "upright",
    "write_shard",
]
