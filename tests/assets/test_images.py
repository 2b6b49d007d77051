"""Photos as assets: facts, shards, ledgers, census and places, from a web server, archives and a folder."""

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hostile_server import HostileServer, jpeg, serving
from hurried import hurried

from assets.factory import define
from assets.plan import Workflow
from assets.resources import Store, Tracking
from assets.steps import STEPS
from g3lib.experiments import Profile
from g3lib.experiments.datasets import (
    ArchiveSource,
    Dataset,
    FolderSource,
    Mp16ProSource,
    PhotoSource,
    PlacePulseSource,
    UrlListSource,
    WithinCities,
)
from g3lib.images import read_shard
from g3lib.store import Home, Key
from pipelines.settings import load_profile

NAMES = (
    "metadata",
    "photos",
    "captions",
    "photo_census",
    "photo_duplicates",
    "leaked_queries",
    "author_overlap",
)
HEADER = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban"
PLACES = "neighbourhood,city,county,state,region,country,country_code,continent"
SIZE = (64, 48)


@dataclass(frozen=True)
class Small:
    """A home with a gallery and a benchmark, and Dagster to make what is known of their photos."""

    home: Home
    profile: Profile
    instance: dg.DagsterInstance

    def make(self, name: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
        steps = {each: STEPS[each] for each in NAMES}
        assets = [define(step, self.profile, steps) for step in steps.values()]
        tracking = Tracking(uri=f"sqlite:///{self.home.mlflow_database}", artifacts="")
        return dg.materialize(
            assets,
            selection=[name],
            partition_key=partition,
            instance=self.instance,
            resources={"store": Store(root=str(self.home.root)), "tracking": tracking},
            raise_on_error=False,
        )

    def make_all(self) -> None:
        for name in NAMES:
            for partition in STEPS[name].keys(self.profile):
                result = self.make(name, partition)
                assert result.success, [str(event) for event in result.all_events if event.is_failure]

    def pending(self, name: str) -> list[str | None]:
        return Workflow(self.profile, self.home, STEPS).pending(STEPS[name])

    def table(self, asset: str, partition: str | None = None) -> pl.DataFrame:
        return pl.read_parquet(STEPS[asset].commit(self.home, self.profile, partition))

    def ledger(self, dataset: str, shard: int = 0) -> pl.DataFrame:
        folder = self.home.shard(dataset, shard).parent / "ledger"
        return pl.read_parquet(folder / f"shard-{shard:06d}.parquet")

    def incoming(self, dataset: str) -> Path:
        folder = self.home.root / "incoming" / dataset
        folder.mkdir(parents=True, exist_ok=True)
        return folder


Maker = Callable[[PhotoSource, PhotoSource, int], Small]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Maker]:
    with dg.DagsterInstance.ephemeral() as instance:

        def make(gallery: PhotoSource, queries: PhotoSource, shards: int) -> Small:
            datasets = (
                Dataset(name="web", role="gallery", shards=shards, photos_per_shard=4, source=gallery),
                Dataset(name="queries", role="benchmark", shards=1, photos_per_shard=4, source=queries),
            )
            profile = load_profile("demo").model_copy(update={"datasets": datasets})
            return Small(Home(tmp_path / "home"), profile, instance)

        yield make


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with serving(SIZE) as running:
        yield running


def write_archive(path: Path, photos: Sequence[tuple[str, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in photos:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_photos_from_the_web_with_queries_from_an_archive(small: Maker, server: HostileServer) -> None:
    download = hurried(timeout_seconds=10, tolerated_failures=0.5)
    here = small(
        UrlListSource(publication="any", urls="urls.csv", metadata="facts.csv", download=download),
        ArchiveSource(publication="any", archive="q.tar", metadata="q.csv"),
        2,
    )
    kinds = ["good", "good", "gone", "failing-once", "good", "missing", "page"]
    rows = [f"{n},{'ann' if n < 2 else 'bob'},{10 + n},{20 + n}" for n in range(7)]
    (here.incoming("web") / "facts.csv").write_text(
        "photo_id,author,lat,lon\n" + "\n".join([*rows, "7,eve,91,0"])
    )
    urls = [f"{n},{server.url(kind, n)}" for n, kind in enumerate(kinds)]
    (here.incoming("web") / "urls.csv").write_text("\n".join(urls))
    (here.incoming("queries") / "q.csv").write_text(
        "photo_id,author,lat,lon\na,ann,48.85,2.35\nb,cat,0,0\nc,cat,1,2\n"
    )
    write_archive(
        here.incoming("queries") / "q.tar", [("x/a.jpg", jpeg(0, SIZE)), ("x/z.jpg", jpeg(9, SIZE))]
    )
    here.make_all()

    fates = pl.concat([here.ledger("web", 0), here.ledger("web", 1)]).select("photo_id", "fate").rows()
    assert fates == [
        ("0", "stored"),
        ("1", "stored"),
        ("2", "gone"),
        ("3", "stored"),
        ("4", "stored"),
        ("5", "not_found"),
        ("6", "not_an_image"),
        ("7", "bad_position"),
    ]
    assert here.ledger("queries").select("photo_id", "fate").rows() == [
        ("a", "stored"),
        ("b", "zero_position"),
        ("c", "not_in_archive"),
        ("z.jpg", "unlisted"),
    ]
    (leak,) = here.table("leaked_queries").to_dicts()
    assert (leak["kind"], leak["photo_id"], leak["other_photo_id"]) == ("exact", "a", "0")
    (overlap,) = here.table("author_overlap").to_dicts()
    assert overlap["authors_in_both"] == 1 and overlap["gallery_photos_to_go"] == 2
    census = here.table("photo_census").group_by("fate").agg(pl.col("photos").sum())
    assert dict(census.iter_rows())["stored"] == 5
    assert here.table("captions", "queries-000000")["city"].to_list() == ["Paris"]
    assert not (here.home.root / "incoming" / "web" / ".spool" / "shard-000000" / "photos.bin").exists()


def test_what_a_shard_holds_is_not_fetched_again(small: Maker, server: HostileServer) -> None:
    source = UrlListSource(publication="any", urls="urls.csv", metadata="facts.csv", download=hurried())
    here = small(source, source, 1)
    for name, first in (("web", 100), ("queries", 200)):
        rows = [f"{n},ann,{n - first + 10},20" for n in range(first, first + 3)]
        (here.incoming(name) / "facts.csv").write_text("photo_id,author,lat,lon\n" + "\n".join(rows))
        urls = [f"{n},{server.url('good', n)}" for n in range(first, first + 3)]
        (here.incoming(name) / "urls.csv").write_text("\n".join(urls))
    here.make_all()
    before = server.counts()["asked"]
    assert here.pending("metadata") == here.pending("photos") == []

    facts = here.incoming("web") / "facts.csv"
    facts.write_text(facts.read_text().replace("ann,10,", "zoe,-10,"))
    assert here.pending("metadata") == ["web"]
    here.make_all()
    changed = here.table("photos", "web-000000").row(0, named=True)
    assert (changed["author"], changed["lat"]) == ("zoe", -10.0)
    assert server.counts()["asked"] == before
    facts.unlink()  # what is gone has not changed
    assert here.pending("metadata") == []


def test_too_many_passing_failures_are_tried_again_later(
    small: Maker, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.images.RETRY_SECONDS", 0.0)
    source = UrlListSource(
        publication="any",
        urls="urls.csv",
        metadata="facts.csv",
        download=hurried(attempts=1, tolerated_failures=0),
    )
    here = small(source, source, 1)
    for name, first in (("web", 300), ("queries", 400)):
        rows = [f"{n},ann,1,20" for n in range(first, first + 2)]
        (here.incoming(name) / "facts.csv").write_text("photo_id,author,lat,lon\n" + "\n".join(rows))
        urls = [
            f"{first},{server.url('good', first)}",
            f"{first + 1},{server.url('failing-once', first + 1)}",
        ]
        (here.incoming(name) / "urls.csv").write_text("\n".join(urls))
    assert here.make("metadata", "web").success
    (failure,) = [e for e in here.make("photos", "web-000000").all_events if "RETRY" in e.event_type_value][
        :1
    ]
    assert "server_error" in str(failure.event_specific_data)
    assert here.table("photos", "web-000000").height == 2, "the second try asked for the one that had failed"
    asked = server.counts()["asked"]
    assert asked["/good/300.jpg"] == 1 and asked["/failing-once/301.jpg"] == 2


def test_slices_with_published_places_and_a_folder(small: Maker, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "nowhere.jpg").write_bytes(jpeg(50, SIZE))
    (tmp_path / "own" / "here.jpg").write_bytes(with_position(60))
    here = small(
        Mp16ProSource(slices=3, minimum_bytes=0), FolderSource(path=str(tmp_path / "own"), author="me"), 2
    )
    incoming, ids = here.incoming("web"), [f"e1/00/{n}.jpg" for n in range(6)]
    rows = [f"{photo_id},ann,10,20,,,,,,,,Here,,,,Chad,td," for photo_id in ids]
    rows += ["e1/00/7.jpg,bob,10,20,,,,,,,,Nowhere,,,,,,", "e1/00/8.jpg,bob,10,20,,,,,,,,Gone,,,,Chad,td,"]
    (incoming / "MP16_Pro_places365.csv").write_text("\n".join([f"{HEADER},{PLACES}", *rows]))
    members = [(f"images/{photo_id.replace('/', '_')}", jpeg(n, SIZE)) for n, photo_id in enumerate(ids)]
    write_archive(tmp_path / "whole.tar", [*members, ("images/e1_00_9.jpg", jpeg(9, SIZE))])
    data = (tmp_path / "whole.tar").read_bytes()
    for number, (start, stop) in enumerate(((0, 1000), (1000, 5001), (5001, len(data)))):
        (incoming / f"mp-16-images{number:02d}").write_bytes(data[start:stop])
    here.make_all()

    stored = [here.table("photos", f"web-00000{shard}") for shard in (0, 1)]
    assert sum(each.height for each in stored) == 6
    found = dict(
        here.table("photo_census")
        .group_by("dataset", "fate")
        .agg(pl.col("photos").sum())
        .select(pl.concat_str("dataset", "fate", separator=" "), "photos")
        .iter_rows()
    )
    assert found == {
        "web stored": 6,
        "web unlisted": 1,
        "web never_offered": 2,
        "queries stored": 1,
        "queries no_exif": 1,
    }
    places = here.table("captions", "web-000000").row(0, named=True)
    assert (places["city"], places["country"], places["source"]) == ("Here", "Chad", "published")
    photo = here.table("photos", "queries-000000")
    assert photo.select("lat", "lon", "author").rows() == [(pytest.approx(48.5), pytest.approx(2.25), "me")]
    for path in incoming.glob("mp-16-images*"):
        path.unlink()  # the disk is needed for something else
    assert here.pending("photos") == []
    assert len(list(read_shard(here.home.shard("web", 0), stored[0]))) == stored[0].height


VOTE = "study_id,choice,left,right,place_name_left,place_name_right,long_left,lat_left,long_right,lat_right"
SAFER = "50a68a51fdc9f05596000002"


def two_sides_and_a_part(home: Path) -> tuple[Profile, list[str]]:
    """Place Pulse's sides as gallery and benchmark, a part of an archive for probes; files of ten places and four."""
    pulse, online = home / "incoming" / "place-pulse", home / "incoming" / "probes"
    for folder in (pulse, online):
        folder.mkdir(parents=True)
    places = [(f"{n:024x}", 48.8 + n / 50, 2.3) for n in range(10)]
    votes = [
        f"{SAFER},left,{a},{b},Paris,Paris,{lat_a},{lon_a},{lat_b},{lon_b}"
        for (a, lat_a, lon_a), (b, lat_b, lon_b) in zip(places[::2], places[1::2], strict=True)
    ]
    (pulse / "votes_clean.csv").write_text("\n".join([VOTE, *votes, ""]))
    names = [
        (f"images/{lat}_{lon}_{name}_Paris.JPG", jpeg(n, SIZE)) for n, (name, lat, lon) in enumerate(places)
    ]
    write_archive(pulse / "place-pulse-2.0.zip", [*names, ("images/1_2_nobody_Paris.JPG", jpeg(50, SIZE))])
    rows = ["a,48.85,2.35,ann,urban", "b,48.86,2.34,bob,indoor", "c,10,20,cat,urban", "d,51.5,-0.1,dan,urban"]
    (online / "q.csv").write_text("\n".join(["photo_id,lat,lon,author,scene", *rows, ""]))
    write_archive(online / "q.tar", [(f"{n}.jpg", jpeg(60 + i, SIZE)) for i, n in enumerate("abcdz")])
    shared = {"shards": 1, "photos_per_shard": 20, "incoming": "place-pulse"}
    split = {"kind": "place-pulse", "test_share": 0.4}
    archive = {"kind": "archive", "publication": "any", "archive": "q.tar", "metadata": "q.csv"}
    datasets = [
        {"name": "web", "role": "gallery", **shared, "source": {**split, "split": "train"}},
        {"name": "queries", "role": "benchmark", **shared, "source": {**split, "split": "test"}},
        {
            "name": "probes",
            "role": "training",
            **{"shards": 1, "photos_per_shard": 9, "source": archive, "within": {"outdoor": True}},
        },
    ]
    profile = load_profile("demo")
    return profile.model_copy(update={"datasets": tuple(map(Dataset.model_validate, datasets))}), [
        p[0] for p in places
    ]


def test_datasets_that_take_a_part_of_their_files(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    profile, places = two_sides_and_a_part(home.root)
    with dg.DagsterInstance.ephemeral() as instance:
        here = Small(home, profile, instance)
        here.make_all()
        sides = [here.table("photos", f"{name}-000000")["photo_id"].to_list() for name in ("web", "queries")]
        assert all(sides) and sorted(sides[0] + sides[1]) == places
        for name in ("web", "queries"):
            assert here.ledger(name).filter(pl.col("fate") != "stored")["photo_id"].to_list() == [
                "1_2_nobody_Paris.JPG"
            ]
        assert here.table("metadata", "web")["city"].to_list() == ["Paris"] * len(sides[0])
        assert here.ledger("probes").select("photo_id", "fate").rows() == [
            ("a", "stored"),
            ("d", "stored"),
            ("z.jpg", "unlisted"),
        ]
        scenes = pl.read_parquet(home.root / "tables/metadata/scenes/probes.parquet")
        assert scenes.rows() == [("a", "urban"), ("d", "urban")]
        found = pl.read_parquet(home.root / "tables/metadata/findings/probes.parquet")
        assert dict(found.filter(action="left out").select("name", "rows").iter_rows()) == {
            "outside_cities": 1,
            "indoor": 1,
        }
        overlap = here.table("author_overlap").select("gallery", "benchmark").rows()
        assert overlap == [("web", "queries"), ("probes", "queries")]
        assert all(here.pending(name) == [] for name in NAMES)

        wider = Dataset.model_validate(
            profile.dataset("probes").model_dump() | {"within": {"radius_km": 1000, "outdoor": False}}
        )
        changed = profile.model_copy(update={"datasets": (*profile.datasets[:2], wider)})
        again = Small(home, changed, instance)
        assert again.pending("metadata") == ["probes"] and again.pending("photos") == []
        again.make_all()
        assert again.table("photos", "probes-000000")["photo_id"].to_list() == ["a", "b", "d"]


def test_settings_that_are_not_given_put_no_older_record_out_of_date() -> None:
    """What was made before datasets could take a part says the same as now."""
    profile = load_profile("mp16")
    assert STEPS["metadata"].config(profile, "im2gps3k") == {
        "name": "im2gps3k",
        "role": "benchmark",
        "source": {
            "kind": "archive",
            "publication": "im2gps3k",
            "archive": "im2gps3ktest.zip",
            "metadata": "im2gps3k_places365.csv",
            "minimum_bytes": 0,
        },
    }
    whole = Dataset(
        name="pulse", role="gallery", shards=1, photos_per_shard=5, source=PlacePulseSource(split_km=3.0)
    )
    files = {"kind": "place-pulse", "votes": "votes_clean.csv", "archive": "place-pulse-2.0.zip"}

    def configs(dataset: Dataset) -> list[object]:
        toy = profile.model_copy(update={"datasets": (dataset,)})
        return [STEPS["metadata"].config(toy, "pulse"), STEPS["photos"].config(toy, "pulse-000000")]

    known = {"name": "pulse", "role": "gallery", "source": files}
    assert configs(whole) == [known, known | {"photos_per_shard": 5}]
    part = PlacePulseSource(split="test")
    side = whole.model_copy(update={"source": part, "incoming": "other", "within": WithinCities()})
    facts, photos = configs(side)
    assert photos == known | {"photos_per_shard": 5}, "the metadata tell a shard its rows"
    assert facts == known | {
        "incoming": "other",
        "within": WithinCities().model_dump(exclude_none=True),
        "source": part.model_dump(),
    }


def with_position(number: int) -> bytes:
    """A photo whose EXIF says 48.5 N, 2.25 E."""
    from PIL import Image

    with Image.open(io.BytesIO(jpeg(number, SIZE))) as image:
        exif = image.getexif()
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (2.0, 15.0, 0.0)})
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_file_that_is_not_there_is_named_with_what_to_do(small: Maker) -> None:
    source = ArchiveSource(publication="im2gps3k", archive="im2gps3ktest.zip", metadata="im2gps3k.csv")
    here = small(source, source, 1)
    result = here.make("metadata", "web")
    error = result.failure_data_for_node("metadata").error  # type: ignore[union-attr]
    assert "im2gps3k.csv is missing; put it there yourself" in str(error)
    assert Key("metadata", "web") not in [record for record in here.home.commits()]
