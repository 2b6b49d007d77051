"""Where a dataset's photos come from: one door, one small reader per kind of source."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import polars as pl

from g3lib.experiments.profile import BlueMarbleSource, Dataset, WebDatasetSource
from g3lib.geo import is_on_earth
from g3lib.images.photo import Photo

EXTENSIONS = {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}
MAXIMUM_BYTES = 100_000_000  # a sparse member of a tar may claim terabytes and read as zeros


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
    if source.perturbed:
        tiles = blue_marble.perturbed_tiles(coordinates, seed, source.pixels, source.kilometres)
    else:
        tiles = blue_marble.tiles(coordinates, source.pixels, source.kilometres)
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
    Members that are no plain files of a photo's name and size are passed over; ValueError for a damaged tar.
    """
    tars = sorted(folder.glob("*.tar"))
    if index >= len(tars):
        raise FileNotFoundError(
            f"{folder} holds {len(tars)} tars, shard {index} of {dataset.shards} asks for one more; "
            f"put the photos of {dataset.name} there as WebDataset tars, or lower `shards` in the profile"
        )
    facts = _metadata(folder)
    with _tar(tars[index]) as tar:
        for member in _plain_files(tar):
            name = PurePosixPath(member.name)
            extension = EXTENSIONS.get(name.suffix.lstrip(".").lower())
            if extension is None or not source.minimum_bytes <= member.size <= MAXIMUM_BYTES:
                continue
            fact, handle = facts.get(_stem(name.name)), tar.extractfile(member)
            if fact is not None and handle is not None:
                photo_id, author, licence, lat, lon = fact
                yield Photo(photo_id, handle.read(), lat, lon, author, licence, extension)


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    """An uncompressed tar; ValueError names it when it turns out to be damaged or cut short."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except tarfile.ReadError as problem:
        raise ValueError(f"{path}: damaged, or no uncompressed tar: {problem}; fetch it again") from problem


def _plain_files(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members that are neither links nor folders nor devices.

    A damaged header within a tar looks like its end to `tarfile`: the photos behind it would be lost quietly.
    """
    yield from (member for member in tar if member.isreg())
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if any(tar.fileobj.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"no member begins at byte {tar.offset}")


def _stem(name: str) -> str:
    """A photo's name without the ending of an image, slashes as underscores."""
    stem, _, ending = name.rpartition(".")
    return (stem if ending.lower() in EXTENSIONS else name).replace("/", "_")


def _metadata(folder: Path) -> dict[str, tuple[str, str, str, float, float]]:
    """Facts by the stem a tar member would have; positions are checked, never repaired."""
    found = [path for path in (folder / "metadata.parquet", folder / "metadata.csv") if path.exists()]
    if not found:
        raise FileNotFoundError(
            f"{folder} has no metadata.csv or metadata.parquet; it needs photo_id, lat, lon and author"
        )
    path = found[0]
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    frame = frame.rename({name: name.lower() for name in frame.columns})
    if "photo_id" not in frame.columns and "img_id" in frame.columns:
        frame = frame.rename({"img_id": "photo_id"})
    missing = {"photo_id", "lat", "lon", "author"} - set(frame.columns)
    if missing:
        raise ValueError(f"{path}: no column {sorted(missing)}; found {frame.columns}")
    if "licence" not in frame.columns:
        frame = frame.with_columns(licence=pl.lit("unknown"))
    frame = frame.select("photo_id", "author", "licence", "lat", "lon")
    read = frame.with_columns(
        pl.col("photo_id", "author", "licence").cast(pl.String),
        pl.col("lat", "lon").cast(pl.Float64, strict=False),  # what is no number is reported below
    ).with_columns(pl.col("lon").replace(180.0, -180.0))  # one meridian, two names
    wrong = read["photo_id"].is_null().to_numpy() | ~is_on_earth(
        read["lat"].to_numpy(), read["lon"].to_numpy()
    )
    if wrong.any():
        raise ValueError(
            f"{path}: {int(wrong.sum())} of {frame.height} rows have no photo_id or no position on Earth, "
            f"first {frame.row(int(wrong.argmax()), named=True)}; are latitude and longitude swapped?"
        )
    return {_stem(row[0]): row for row in read.iter_rows()}
