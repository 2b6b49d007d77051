"""A dataset: photos in shards, where they come from, and how politely they are asked for.

Only the schema and its limits live here: readers are in `g3lib/images/sources`, values in the YAML files of
pipelines/profiles.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]
Role = Literal["gallery", "benchmark", "training"]
UNKNOWN = "unknown"  # an author, or a licence, that nobody named; such an author is nobody in particular


class Section(BaseModel):
    """Frozen, and unknown keys are errors: a misspelt setting must not be ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BlueMarbleSource(Section):
    """Tiles of NASA's Blue Marble at random land coordinates."""

    kind: Literal["blue-marble"] = "blue-marble"
    perturbed: bool = False
    seed: int = 0
    passes: Annotated[int, Field(ge=2, le=1000)] = 100
    kilometres: Annotated[float, Field(ge=50, le=5000)] = 474.0
    pixels: Annotated[int, Field(ge=16, le=512)] = 64
    jpeg_quality: Annotated[int, Field(ge=10, le=100)] = 90


class WebDatasetSource(Section):
    """Tars somebody already has, under G3_HOME/incoming/<dataset>, with a metadata CSV or Parquet."""

    kind: Literal["webdataset"] = "webdataset"
    minimum_bytes: Annotated[int, Field(ge=0)] = 5121  # G3 keeps photos of more than 5,120 bytes


class DownloadSettings(Section):
    """How photos are asked of servers: politely by default. None of it determines which photos come."""

    requests_per_second: Annotated[float, Field(gt=0, le=10_000)] = 5.0  # of one host
    burst: Positive = 5
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 64  # requests under way, over all hosts
    concurrency_per_host: Annotated[int, Field(ge=1, le=1024)] = 8
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0  # for one request, from first byte to last
    backoff_seconds: Annotated[float, Field(gt=0, le=600)] = 1.0  # doubles with each attempt, with jitter
    longest_wait_seconds: Annotated[float, Field(gt=0, le=86_400)] = (
        900.0  # a longer Retry-After ends the photo's try
    )
    maximum_bytes: Positive = 50_000_000
    tolerated_failures: Annotated[float, Field(ge=0, le=1)] = (
        0.02  # share of a shard that may fail transiently
    )
    contact: str = ""  # an address for the User-Agent, as good manners ask
    private_networks: bool = False  # a list from outside must not make this machine ask its neighbours


class Mp16ProSource(Section):
    """MP16-Pro on Hugging Face (gated): one tar cut in slices; or the same slices in incoming/<dataset>."""

    kind: Literal["mp16-pro"] = "mp16-pro"
    repository: str = "Jia-py/MP16-Pro"
    revision: str = "e50ce1ef84f157fa80b17563e9bdb0af1d510b5c"
    slices: Positive = 19
    slice_name: str = "mp-16-images{:02d}"
    metadata: str = "metadata/MP16_Pro_places365.csv"
    minimum_bytes: Annotated[int, Field(ge=0)] = 5121
    require_country: bool = True  # as G3's filter does
    connections: Annotated[int, Field(ge=1, le=64)] = 4
    download: DownloadSettings = DownloadSettings(requests_per_second=20)


class UrlListSource(Section):
    """A CSV of photo id and URL without header (MP-16's, YFCC26k's), its facts in a second file; both in incoming."""

    kind: Literal["url-list"] = "url-list"
    publication: Literal["mp16", "yfcc26k", "any"] = "any"
    urls: str = "mp16_urls.csv"
    metadata: str = "mp16_places365.csv"
    size_suffix: Annotated[str, Field(pattern=r"^(_[a-z])?$")] = (
        ""  # Flickr's: _z is 640 pixels; not all have it
    )
    minimum_bytes: Annotated[int, Field(ge=0)] = 0
    # Flickr's blocks outlast a few seconds of backoff
    download: DownloadSettings = DownloadSettings(
        requests_per_second=1,
        burst=2,
        concurrency_per_host=2,
        attempts=8,
        backoff_seconds=5,
        tolerated_failures=0.05,
    )


class MultimediaCommonsSource(Section):
    """YFCC100M's photos in the Multimedia Commons bucket, by the hash in YFCC100M's metadata."""

    kind: Literal["multimedia-commons"] = "multimedia-commons"
    publication: Literal["yfcc4k", "yfcc100m"] = "yfcc4k"
    metadata: str = "yfcc4k.csv"
    bucket: str = "https://multimedia-commons.s3.us-west-2.amazonaws.com"
    minimum_bytes: Annotated[int, Field(ge=0)] = 0
    download: DownloadSettings = DownloadSettings(
        requests_per_second=100, burst=50, concurrency=128, concurrency_per_host=128
    )


class ArchiveSource(Section):
    """A published test set: its zip, tar or unpacked folder and its metadata file, both in incoming/<dataset>."""

    kind: Literal["archive"] = "archive"
    publication: Literal["im2gps", "im2gps3k", "yfcc4k", "yfcc26k", "any"]
    archive: str  # a file or folder in incoming/<dataset>
    metadata: str
    minimum_bytes: Annotated[int, Field(ge=0)] = 0


class Osv5mSource(Section):
    """OSV-5M on Hugging Face: one zip a shard, fetched into incoming/<dataset>, and one CSV."""

    kind: Literal["osv5m"] = "osv5m"
    split: Literal["train", "test"] = "test"
    repository: str = "osv5m/osv5m"
    revision: str = "main"
    keep_archives: bool = False  # a zip goes once its shard is committed
    download: DownloadSettings = DownloadSettings(requests_per_second=20)


class PlacePulseSource(Section):
    """Place Pulse 2.0: votes_clean.csv and the images (zip or folder) that it asks its user for, in incoming.

    `train` and `test` are its two sides: every cell of a grid draws one for all its places, `test_share` of them test.
    """

    kind: Literal["place-pulse"] = "place-pulse"
    votes: str = "votes_clean.csv"
    archive: str = "place-pulse-2.0.zip"
    split: Literal["all", "train", "test"] = "all"
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    split_km: Annotated[float, Field(ge=0.01, le=100)] = 0.5  # edge of a cell
    split_seed: int = 0


class FolderSource(Section):
    """A folder of a person's own photographs, position from EXIF (or an XMP side-car)."""

    kind: Literal["folder"] = "folder"
    path: str
    author: str = UNKNOWN
    licence: str = UNKNOWN


PhotoSource = (
    BlueMarbleSource
    | WebDatasetSource
    | Mp16ProSource
    | UrlListSource
    | MultimediaCommonsSource
    | ArchiveSource
    | Osv5mSource
    | PlacePulseSource
    | FolderSource
)


class WithinCities(Section):
    """Which photos of a publication a dataset takes: those near some cities, indoor ones among them or not."""

    # Place Pulse's 56, or a CSV in the dataset's folder with city, country, lat and lon
    cities: Annotated[str, Field(min_length=1)] = "place-pulse"
    # geodesic, to the nearest city's centre; strictly less
    radius_km: Annotated[float, Field(gt=0, le=1000)] = 25.0
    outdoor: bool = False  # without photos whose scene is `indoor`; those without a scene stay
    most_per_city: Positive | None = None  # drawn by `seed` from each city's photos; None for all
    seed: int = 0


# sources that are cut into shards by rows of their metadata, which lie in incoming: fewer rows are a smaller dataset
CUT_BY_ROWS = frozenset({"url-list", "multimedia-commons", "archive", "place-pulse"})


class Dataset(Section):
    """Photos in shards: part of the gallery, the queries of a benchmark, or what only probes are trained on.

    `incoming` is the folder of G3_HOME/incoming where its files lie, the dataset's own name if it is None: two datasets
    may be made of the same files. `within` takes a part of what the source offers.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    role: Role
    shards: Positive
    photos_per_shard: Positive
    source: PhotoSource = Field(discriminator="kind")
    incoming: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    within: WithinCities | None = None

    @model_validator(mode="after")
    def _cut_by_rows(self) -> "Dataset":
        reasons = {
            "incoming": "keeps notes of its own beside its files, or has none there",
            "within": "draws its photos, or holds them in archives that are read whole",
        }
        for field, reason in reasons.items():
            if getattr(self, field) is not None and self.source.kind not in CUT_BY_ROWS:
                raise ValueError(
                    f"dataset {self.name}: `{field}` is not for {self.source.kind}, which {reason}; the sources that "
                    f"take it are {', '.join(sorted(CUT_BY_ROWS))}"
                )
        return self

    @property
    def folder(self) -> str:
        """The folder below G3_HOME/incoming where its files lie."""
        return self.incoming or self.name

    @property
    def partitions(self) -> list[str]:
        """The partition key of every shard."""
        return [f"{self.name}-{index:06d}" for index in range(self.shards)]
