"""Rows of facts to photos by their URLs, against a server on loopback."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock
from hostile_server import HostileServer, jpeg, serving
from hurried import hurried

from g3lib.experiments.datasets import Dataset, UrlListSource, WithinCities
from g3lib.images.download import SpoolInUse
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import METADATA
from g3lib.images.photo import Photo
from g3lib.images.sources import Place, facts_of, source_of
from g3lib.images.sources.addressed import spool_of
from g3lib.images.sources.url_list import UrlList, with_suffix

SIZE = (64, 48)


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with serving(SIZE) as running:
        yield running


def place(incoming: Path, suffix: str = "", per_shard: int = 3) -> Place:
    source = UrlListSource(publication="mp16", size_suffix=suffix, download=hurried(timeout_seconds=10))
    return Place(
        Dataset(name="web", role="gallery", shards=2, photos_per_shard=per_shard, source=source), incoming
    )


def facts(path: Path, *rows: dict[str, object]) -> Path:
    """A table of checked facts; what a row leaves out is plausible."""
    plain = {"author": "unknown", "licence": "CC BY 2.0", "lat": 48.0, "lon": 2.0}
    pl.DataFrame([plain | row for row in rows], schema=METADATA).write_parquet(path)
    return path


def test_every_row_of_a_shard_once(tmp_path: Path, server: HostileServer) -> None:
    table = facts(
        tmp_path / "facts.parquet",
        {"photo_id": "before", "locator": server.url("good", 0)},
        {"photo_id": "a", "locator": server.url("good", 1), "author": "ann"},
        {"photo_id": "b", "locator": None},
        {"photo_id": "c", "locator": server.url("good", 3), "refused": "zero_position"},
        {"photo_id": "d", "locator": server.url("gone", 4)},
        {"photo_id": "e", "locator": server.url("failing-once", 5), "lat": None, "lon": None},
    )
    here = place(tmp_path, per_shard=5)
    source = source_of(here.dataset)
    assert isinstance(source, UrlList)
    [first] = [each for each in source.photos(here, 1, table)]
    assert isinstance(first, Photo)
    assert (first.photo_id, first.lat, first.attempts) == ("e", None, 2)
    _, a, b, c, d = source.photos(here, 0, table)
    url = server.url("good", 1)
    assert a == Photo("a", jpeg(1, SIZE), 48.0, 2.0, "ann", "CC BY 2.0", url, 200, 1)
    assert [each.fate for each in (b, c, d) if isinstance(each, Rejected)] == [
        Fate.NO_ADDRESS,
        Fate.ZERO_POSITION,
        Fate.GONE,
    ]
    assert "/good/3.jpg" not in server.counts()["asked"]


def test_a_size_that_is_not_there(tmp_path: Path, server: HostileServer) -> None:
    """The server has no `_z` of what it calls missing; a photo of another size is its own address."""
    table = facts(
        tmp_path / "facts.parquet",
        {"photo_id": "a", "locator": server.url("good", 1)},
        {"photo_id": "b", "locator": server.url("missing", 2)},
    )
    here = place(tmp_path, "_z")
    a, b = source_of(here.dataset).photos(here, 0, table)
    assert isinstance(a, Photo)
    assert a.origin.endswith("/good/1_z.jpg")
    assert isinstance(b, Rejected)
    assert (b.fate, b.origin) == (Fate.NOT_FOUND, server.url("missing", 2))
    assert server.counts()["asked"]["/missing/2_z.jpg"] == 1


def test_the_spool_is_given_back(tmp_path: Path, server: HostileServer) -> None:
    table = facts(
        tmp_path / "facts.parquet",
        *({"photo_id": str(n), "locator": server.url("good", n)} for n in range(3)),
    )
    here = place(tmp_path)
    photos = source_of(here.dataset).photos(here, 0, table)
    next(photos)
    with pytest.raises(SpoolInUse):
        next(source_of(here.dataset).photos(here, 0, table))
    assert len(list(photos)) == 2
    assert len(list(source_of(here.dataset).photos(here, 0, table))) == 3
    assert spool_of(here, 0) == tmp_path / ".spool" / "shard-000000"


@pytest.mark.parametrize(
    ("url", "sized"),
    [
        ("http://farm5.staticflickr.com/4114/47_04.jpg", "http://farm5.staticflickr.com/4114/47_04_z.jpg"),
        ("http://a.jpg.example/b.jpg/c.jpg", "http://a.jpg.example/b.jpg/c_z.jpg"),
        ("http://example.org/a.jpeg?b=c.d#e.f", "http://example.org/a_z.jpeg?b=c.d#e.f"),
        ("http://example.org/photo", "http://example.org/photo"),
    ],
)
def test_the_suffix_goes_before_the_last_extension(url: str, sized: str) -> None:
    assert with_suffix(url, "_z") == sized
    assert with_suffix(url, "") == url


def test_metadata_are_joined_with_the_urls(tmp_path: Path) -> None:
    (tmp_path / "mp16_urls.csv").write_text(
        "e1/55/1.jpg,http://farm5.staticflickr.com/4114/1_a.jpg\n\n9a/3d/2.jpg,http://farm3.staticflickr.com/2/2_b.jpg\n"
    )
    header = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban\n"
    rows = ("e1/55/1.jpg,12@N00,48.85,2.35", "9a/3d/2.jpg,13@N00,-33.9,151.2")
    (tmp_path / "mp16_places365.csv").write_text(
        header + "".join(f"{row},1,2,3,0.1,0.2,0.7\n" for row in rows)
    )
    here = place(tmp_path)
    table = source_of(here.dataset).metadata(here).table
    assert table["locator"].to_list() == [
        "http://farm5.staticflickr.com/4114/1_a.jpg",
        "http://farm3.staticflickr.com/2/2_b.jpg",
    ]
    assert table["lat"].to_list() == [48.85, -33.9]
    assert source_of(here.dataset).observed(here, None).keys() == {"mp16_urls.csv", "mp16_places365.csv"}
    assert source_of(here.dataset).observed(here, 0) == {}


def test_missing_files_are_named(tmp_path: Path) -> None:
    here = place(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"mp16_urls\.csv is missing; put it there yourself"):
        source_of(here.dataset).metadata(here)


def test_its_terms_are_told() -> None:
    assert UrlList.terms.fetched
    assert "weeks" in UrlList.terms.note


def test_shards_of_one_home_ask_one_after_another(tmp_path: Path, server: HostileServer) -> None:
    here, told = place(tmp_path / "web", per_shard=1), list[str]()
    here.incoming.mkdir()
    table = facts(tmp_path / "facts.parquet", {"photo_id": "a", "locator": server.url("good", 40)})
    waiting = replace(here, report=told.append)
    with ThreadPoolExecutor(1) as thread, FileLock(tmp_path / ".asking.lock"):
        found = thread.submit(lambda: list(source_of(here.dataset).photos(waiting, 0, table)))
        with pytest.raises(TimeoutError):
            found.result(timeout=0.5)
        assert "/good/40.jpg" not in server.counts()["asked"] and "this one waits" in told[0]
    [photo] = found.result()
    assert isinstance(photo, Photo)


def test_datasets_of_one_folder_have_spools_of_their_own(tmp_path: Path) -> None:
    """Photos of one shard that is under way are not taken for another dataset's."""
    alone = place(tmp_path)
    sharing = [
        replace(alone, dataset=alone.dataset.model_copy(update={"name": name, "incoming": "mp16"}))
        for name in ("a", "b")
    ]
    spools = [spool_of(each, 1) for each in (alone, *sharing)]
    assert spools[0] == tmp_path / ".spool" / "shard-000001"
    assert len(set(spools)) == 3 and all(each.is_relative_to(tmp_path) for each in spools)


def test_only_rows_within_the_cities_are_asked_for(tmp_path: Path, server: HostileServer) -> None:
    (tmp_path / "mp16_places365.csv").write_text(
        "IMG_ID,AUTHOR,LAT,LON\n"
        + "".join(f"{n}.jpg,ann,{48.85 if n % 2 else 10},2.35\n" for n in range(500, 506))
    )
    urls = [f"{n}.jpg,{server.url('good', n)}\n" for n in range(500, 506)]
    (tmp_path / "mp16_urls.csv").write_text("".join(urls))
    dataset = place(tmp_path, per_shard=9).dataset
    within = WithinCities(most_per_city=2)
    settings = dataset.source.model_copy(update={"publication": "any"})
    here = Place(dataset.model_copy(update={"within": within, "source": settings}), tmp_path)
    found = facts_of(here)
    found.table.write_parquet(tmp_path / "facts.parquet")
    photos = list(source_of(here.dataset).photos(here, 0, tmp_path / "facts.parquet"))
    assert len(photos) == 2 and all(isinstance(each, Photo) and each.lat == 48.85 for each in photos)
    asked = {f"/good/{n}.jpg" for n in range(500, 506)} & set(server.counts()["asked"])
    assert asked == {f"/good/{each.photo_id}" for each in photos}
    counts = dict(found.findings.select("name", "rows").iter_rows())
    assert (counts["outside_cities"], counts["not_drawn"], counts["kept_by_city"]) == (3, 1, 2)
