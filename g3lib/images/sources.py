"""Where a dataset's photos come from: one door, one small reader per kind of source."""

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import polars as pl

from g3lib.experiments.profile import BlueMarbleSource, Dataset, WebDatasetSource
from g3lib.geo import is_on_earth
from g3lib.images.photo import Photo

EXTENSIONS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}


def photos_of(dataset: Dataset, index: int, incoming: Path) -> Iterator[Photo]:
    """The photos of one shard of a dataset, from whatever source its profile names."""
    if isinstance(dataset.source, BlueMarbleSource):
        return blue_marble_photos(dataset, dataset.source, index)
    return webdataset_photos(dataset, dataset.source, index, incoming / dataset.name)


def blue_marble_photos(dataset: Dataset, source: BlueMarbleSource, index: int) -> Iterator[Photo]:
    """Tiles of Blue Marble at random land coordinates; every shard draws its own from one seed."""
    from g3lib.images import blue_marble

    seed = source.seed * 1_000_003 + index
    coordinates = blue_marble.land_coordinates(dataset.photos_per_shard, seed)
    size = {"pixels": source.pixels, "kilometres": source.kilometres}
    if source.perturbed:
        tiles = blue_marble.perturbed_tiles(coordinates, seed, **size)
    else:
        tiles = blue_marble.tiles(coordinates, **size)
    prefix = "query-pass" if dataset.role == "benchmark" else "pass"
    passes = blue_marble.imaging_passes(coordinates, source.passes, source.seed, prefix)
    for number, (tile, (lat, lon), author) in enumerate(zip(tiles, coordinates, passes, strict=True)):
        yield Photo(
            photo_id=f"{dataset.name}-{index:06d}-{number:06d}",
            data=blue_marble.jpeg_bytes(tile, source.jpeg_quality),
            lat=float(lat),
            lon=float(lon),
            author=author,
            licence="public domain (NASA Blue Marble)",
        )


def webdataset_photos(
    dataset: Dataset, source: WebDatasetSource, index: int, folder: Path
) -> Iterator[Photo]:
    """Photos of the index-th tar in `folder`, with facts from `metadata.csv` or `.parquet` there.

    Columns: photo_id (or IMG_ID), lat, lon, author, and licence if known; case does not matter. A member's id
    is its base name without extension; MP16-Pro's `/` to `_` renaming is undone by comparing that form.
    """
    tars = sorted(folder.glob("*.tar"))
    if index >= len(tars):
        raise FileNotFoundError(
            f"{folder} holds {len(tars)} tars, shard {index} of {dataset.shards} asks for one more; "
            f"put the photos of {dataset.name} there as WebDataset tars, or lower `shards` in the profile"
        )
    facts = _metadata(folder)
    with tarfile.open(tars[index]) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            extension = EXTENSIONS.get(name.suffix.lstrip(".").lower())
            if not member.isreg() or extension is None or member.size < source.minimum_bytes:
                continue
            fact, handle = facts.get(name.stem), tar.extractfile(member)
            if fact is not None and handle is not None:
                photo_id, author, licence, lat, lon = fact
                yield Photo(photo_id, handle.read(), lat, lon, author, licence, extension)


def _metadata(folder: Path) -> dict[str, tuple[str, str, str, float, float]]:
    """Facts by the stem a tar member would have; positions are checked, never repaired here."""
    found = [path for path in (folder / "metadata.parquet", folder / "metadata.csv") if path.exists()]
    if not found:
        raise FileNotFoundError(
            f"{folder} has no metadata.csv or metadata.parquet; it needs photo_id, lat, lon and author"
        )
    path = found[0]
    frame = (
        pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    )
    frame = frame.rename({name: name.lower() for name in frame.columns})
    frame = frame.rename({"img_id": "photo_id"} if "img_id" in frame.columns else {})
    missing = {"photo_id", "lat", "lon", "author"} - set(frame.columns)
    if missing:
        raise ValueError(f"{path}: no column {sorted(missing)}; found {frame.columns}")
    if "licence" not in frame.columns:
        frame = frame.with_columns(licence=pl.lit("unknown"))
    frame = frame.with_columns(pl.col("lat", "lon").cast(pl.Float64))
    wrong = ~is_on_earth(frame["lat"].to_numpy(), frame["lon"].to_numpy())
    if wrong.any():
        raise ValueError(
            f"{path}: {int(wrong.sum())} of {frame.height} positions lie outside the Earth, first "
            f"{frame.row(int(wrong.argmax()), named=True)}; are latitude and longitude swapped?"
        )
    columns = frame.select("photo_id", "author", "licence", "lat", "lon").iter_rows()
    return {row[0].rsplit(".", 1)[0].replace("/", "_"): row for row in columns}
