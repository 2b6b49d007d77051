"""Photos of YFCC100M from the Multimedia Commons, a public bucket, by the hash that YFCC100M's metadata give."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from g3lib.experiments.datasets import MultimediaCommonsSource
from g3lib.images.download import discard
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now
from g3lib.images.sources.addressed import Address, fetched, spool_of

# a 128-bit number in hexadecimal, without leading zeros: most have 31 or 32 digits, and padding makes wrong keys
HASH = re.compile(r"[0-9a-f]{7,32}")


@dataclass(frozen=True)
class MultimediaCommons:
    """Rows of the metadata cut into shards; each row's photo, at most 500 pixels wide or high, lies under its hash."""

    settings: MultimediaCommonsSource
    terms = Terms(
        fetched=True,
        account=None,
        note="AWS open data, free of charge and without an account; each photo's own Creative Commons licence applies",
    )

    def metadata(self, place: Place) -> Metadata:
        """The facts from the file the profile names, with the hash as locator; it lies in incoming."""
        from g3lib.images.metadata.reading import read_metadata

        path = place.incoming / self.settings.metadata
        if not path.exists():
            raise FileNotFoundError(
                f"{path} is missing; put it there yourself: `metadata` of the profile names a CSV with YFCC100M's "
                "columns (such as yfcc4k.csv), whose hash says where the photo lies"
            )
        return read_metadata(path, self.settings.publication)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The metadata file; a shard is made of nothing else that lies here."""
        return as_of_now(place.incoming / self.settings.metadata) if shard is None else {}

    def tidy(self, place: Place, shard: int) -> None:
        """Remove the shard's spool: its tar holds the bytes now."""
        discard(spool_of(place, shard))

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """Each row of the shard once, in the metadata's order; raises what `download` does."""
        return fetched(place, shard, metadata, self.settings.download, self.address)

    def address(self, hash_: str) -> Address | None:
        """The key under which the bucket has the photo of a hash, or None if that is no hash."""
        digits = hash_.strip().lower()
        if not HASH.fullmatch(digits):
            return None
        return Address(f"{self.settings.bucket}/data/images/{digits[:3]}/{digits[3:6]}/{digits}.jpg")
