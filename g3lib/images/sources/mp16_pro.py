"""MP16-Pro as it is published: one tar of some 370 GB cut in 19 slices, made into shards without joining them.

Its `tar_index.pkl` is a pickle from outside, and never opened.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from g3lib.experiments.datasets import Mp16ProSource
from g3lib.images.archives.fetching import fetch_file
from g3lib.images.archives.lookup import Lookup
from g3lib.images.archives.resharding import photos_of
from g3lib.images.archives.seams import ByteRange, Disagreement, bounds, disagreements, end_of, first_header
from g3lib.images.archives.slices import WEB_CHUNK, Slices
from g3lib.images.archives.tar_headers import ZEROS, BrokenTar
from g3lib.images.archives.tar_stream import members, stream_from
from g3lib.images.archives.web import Web, WebFile, hub_token, hub_url
from g3lib.images.metadata import Metadata
from g3lib.images.sources import Offer, Place, Terms, as_of_now
from g3lib.store.files import replacing


@dataclass(frozen=True)
class Mp16Pro:
    """Shard k holds the members whose headers begin in its part of the tar: every photo has one shard."""

    settings: Mp16ProSource
    terms = Terms(
        fetched=True,
        account="Hugging Face: accept the terms on the dataset's page, and set HF_TOKEN",
        note="academic use only; each photo keeps its photographer's rights",
    )

    def metadata(self, place: Place) -> Metadata:
        """The CSV in incoming, fetched if it is not there; FetchError says what its page asks for."""
        from g3lib.images.metadata.reading import read_metadata

        settings, path = self.settings, self._csv(place)
        if not path.exists():
            url = hub_url(settings.repository, settings.revision, settings.metadata)
            fetch_file(url, path, hub_token(), settings.download, page=self._page, report=place.report)
        return read_metadata(path, "mp16-pro", require_country=self.settings.require_country)

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """The CSV; or the slices in incoming, if they are all there: any of them may hold the shard."""
        if shard is None:
            return as_of_now(self._csv(place))
        start = self._starts(place).get(shard)
        return as_of_now(*self._local(place)) | ({} if start is None else {"first byte": str(start)})

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The members of one shard, in the tar's order; raises BrokenTar naming the slice and offset, or FetchError."""
        start = self._starts(place).get(shard)
        with self.slices(place) as data:
            low, stop = bounds(data.size, place.dataset.shards, shard)
            first = self._first(data, place, shard) if start is None else start
            if first is None:
                place.report(f"no member begins in bytes {low} to {stop}: this shard is empty")
                return
            reader = stream_from(data, first, stop)
            found = members(reader, stop, garbage=place.report)
            try:
                yield from photos_of(found, Lookup.of(metadata, place.incoming))
            except BrokenTar as problem:
                if shard == 0 or start is not None:
                    raise
                hint = f"or byte {first}, its first, lies within a member that is a tar itself"
                remedy = (
                    f'write {{"{shard}": N}} into {self._notes(place)}, N being where shard {shard - 1} ends'
                )
                raise BrokenTar(f"{problem}; {hint}: then {remedy}, and run again") from problem
            place.report(f"bytes {first} to {reader.position} of {data.size}")

    def tidy(self, place: Place, shard: int) -> None:
        """Nothing is fetched for a shard but what it holds."""

    def open_seams(self, place: Place, origins: Sequence[Iterable[str]]) -> list[Disagreement]:
        """Shards that do not begin where the one before them ended; none proves that no member is missing or double.

        `origins` are those in the finished shards' ledgers, one of each shard; only a few headers of each are read.
        What the first shard told should begin with is noted, so that it is out of date and its next making right.
        """
        starts = self._starts(place)
        with self.slices(place) as data:
            ranges = [
                self._range(data, place, shard, end_of(each), starts.get(shard))
                for shard, each in enumerate(origins)
            ]
            found = disagreements(ranges, data.size)
        if found and found[0].shard < len(ranges):
            with replacing(self._notes(place)) as scratch:
                scratch.write_text(json.dumps(starts | {found[0].shard: found[0].expected}), encoding="utf-8")
        return found

    def _notes(self, place: Place) -> Path:
        return place.incoming / "first-bytes.json"

    def _starts(self, place: Place) -> dict[int, int]:
        """Where shards are known to begin, in bytes from the tar's first, that guessed otherwise."""
        notes = self._notes(place)
        known = json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}
        return {int(shard): int(start) for shard, start in known.items()}

    def _range(self, data: Slices, place: Place, shard: int, end: int | None, start: int | None) -> ByteRange:
        if end is None:
            return ByteRange(None, None)
        first = self._first(data, place, shard) if start is None else start
        return ByteRange(first, end, closed=data.read(end, len(ZEROS)) == ZEROS)

    def slices(self, place: Place) -> Slices:
        """The tar: its slices in incoming if all are there, else on Hugging Face."""
        local = self._local(place)
        if local:
            return Slices.of_files(*local)
        settings = self.settings
        web = Web(settings.download, hub_token(), settings.connections, self._page)
        urls = [hub_url(settings.repository, settings.revision, name) for name in self._names]
        return Slices([WebFile(web, url) for url in urls], settings.connections, WEB_CHUNK)

    def _first(self, data: Slices, place: Place, shard: int) -> int | None:
        low, stop = bounds(data.size, place.dataset.shards, shard)
        return 0 if shard == 0 else first_header(data, low, stop)

    def _local(self, place: Place) -> list[Path]:
        slices = [place.incoming / name for name in self._names]
        missing = [path.name for path in slices if not path.is_file()]
        if missing and len(missing) < len(slices):
            place.report(
                f"{place.incoming} lacks {', '.join(missing)}: all slices are read from Hugging Face"
            )
        return [] if missing else slices

    def _csv(self, place: Place) -> Path:
        return place.incoming / Path(self.settings.metadata).name

    @property
    def _names(self) -> list[str]:
        return [self.settings.slice_name.format(index) for index in range(self.settings.slices)]

    @property
    def _page(self) -> str:
        return f"the page of {self.settings.repository} on Hugging Face"
