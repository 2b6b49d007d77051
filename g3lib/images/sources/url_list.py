"""Photos by a list of ids and URLs, as MP-16 and YFCC26k are published: their photos are still at Flickr, or gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from g3lib.experiments.datasets import UrlListSource
from g3lib.images.download import discard
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now
from g3lib.images.sources.addressed import Address, fetched, spool_of


@dataclass(frozen=True)
class UrlList:
    """Rows of the metadata cut into shards; each row's photo is asked of the server that its URL names."""

    settings: UrlListSource
    terms = Terms(
        fetched=True,
        account=None,
        note=(
            "Flickr's static pictures take no account, but its servers answer 429 after some 20 or 30: a whole MP-16 "
            "takes weeks, and 12 % or more of it is gone. Flickr's terms of use apply, and each photo's own licence"
        ),
    )

    def metadata(self, place: Place) -> Metadata:
        """The facts from the metadata file, each with its URL from the list; both lie in incoming."""
        from g3lib.images.metadata.reading import read_metadata

        settings = self.settings
        urls, facts = (_there(place, name) for name in (settings.urls, settings.metadata))
        return read_metadata(facts, settings.publication, urls=urls)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The two files; a shard is made of nothing else that lies here."""
        if shard is not None:
            return {}
        return as_of_now(*(place.incoming / name for name in (self.settings.urls, self.settings.metadata)))

    def tidy(self, place: Place, shard: int) -> None:
        """Remove the shard's spool: its tar holds the bytes now."""
        discard(spool_of(place, shard))

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """Each row of the shard once, in the metadata's order; raises what `download` does."""
        return fetched(place, shard, metadata, self.settings.download, self.address)

    def address(self, url: str) -> Address | None:
        """The URL in the size asked for, then as it stands: not every photo has every size."""
        sized = with_suffix(url, self.settings.size_suffix)
        return Address(url) if sized == url else Address(sized, url)


def with_suffix(url: str, suffix: str) -> str:
    """Flickr's address of another size: `_z` before the last extension of the path, if it has one."""
    parts = urlsplit(url)
    extension = PurePosixPath(parts.path).suffix
    if not suffix or not extension:
        return url
    return parts._replace(path=parts.path.removesuffix(extension) + suffix + extension).geturl()


def _there(place: Place, name: str) -> Path:
    path = place.incoming / name
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing; put it there yourself: `urls` of the profile names a CSV of id and URL without "
            "header (such as mp16_urls.csv), `metadata` the facts (such as mp16_places365.csv)"
        )
    return path
