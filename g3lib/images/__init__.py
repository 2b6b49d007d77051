"""Photos in: sources, shards and their manifests. What looks at pixels beyond decoding is elsewhere."""

from g3lib.images.photo import Photo
from g3lib.images.shards import CorruptShard, read_shard, write_shard

__all__ = ["CorruptShard", "Photo", "read_shard", "write_shard"]
