"""OSV-5M: one zip of street-level photos a shard, fetched when it is wanted and gone once the shard is committed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from g3lib.experiments.datasets import Osv5mSource
from g3lib.images.archives.containers import opened
from g3lib.images.archives.fetching import fetch_file
from g3lib.images.archives.members import photos_from_archive
from g3lib.images.archives.names import base_name, is_image, stem
from g3lib.images.archives.web import hub_token, hub_url
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now


@dataclass(frozen=True)
class Osv5m:
    """Shard k is the k-th zip of the split; its rows are those whose ids occur in it."""

    settings: Osv5mSource
    terms = Terms(fetched=True, account=None, note="CC BY-SA 4.0, Mapillary; a zip has some 2.5 GB")

    def metadata(self, place: Place) -> Metadata:
        """The split's CSV in incoming, fetched if it is not there."""
        from g3lib.images.metadata.reading import read_metadata

        path = self._csv(place)
        publication = "osv5m" if self.settings.split == "train" else "osv5m-test"
        return read_metadata(self._have(place, path, path.name), publication)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The CSV; or a zip that somebody put there. What is fetched for a shard goes again, and is left out."""
        return as_of_now(self._csv(place) if shard is None else self._own(place, shard))

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The photos of one zip in the order of the metadata, then files that no row has."""
        archive = self._own(place, shard)
        if not archive.exists():
            archive = self._have(place, self._fetched(place, shard), self._remote(shard))
        with opened(archive) as container:
            names = [base_name(entry.path) for entry in container.entries()]
        stems = pl.Series([stem(name) for name in names if is_image(name)], dtype=pl.String)
        here = pl.scan_parquet(metadata).filter(pl.col("photo_id").is_in(stems.implode()))
        wanted = here.collect()
        known = set(wanted["photo_id"])

        def name_of(path: str) -> str | None:
            name = stem(base_name(path))
            return name if name in known and is_image(path) else None

        yield from photos_from_archive(archive, wanted, name_of, unlisted=True)

    def tidy(self, place: Place, shard: int) -> None:
        """Remove the zip that was fetched for a shard, once that is committed; never one that was put there."""
        if not self.settings.keep_archives:
            self._fetched(place, shard).unlink(missing_ok=True)

    def _have(self, place: Place, path: Path, remote: str) -> Path:
        if path.exists():
            return path
        url = hub_url(self.settings.repository, self.settings.revision, remote)
        page = f"the page of {self.settings.repository} on Hugging Face"
        return fetch_file(url, path, hub_token(), self.settings.download, page=page, report=place.report)

    def _remote(self, shard: int) -> str:
        return f"images/{self.settings.split}/{shard:02d}.zip"

    def _csv(self, place: Place) -> Path:
        return place.incoming / f"{self.settings.split}.csv"

    def _own(self, place: Place, shard: int) -> Path:
        return place.incoming / self._remote(shard)

    def _fetched(self, place: Place, shard: int) -> Path:
        return place.incoming / "fetched" / f"{self.settings.split}-{shard:02d}.zip"
