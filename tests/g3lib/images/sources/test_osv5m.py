"""OSV-5M: a zip a shard, fetched when wanted, kept until its shard is committed."""

import io
import zipfile
from pathlib import Path

from facts import facts, parquet
from pictures import encoded
from ranged import RangedServer, cut

from g3lib.experiments.datasets import Dataset, DownloadSettings, Osv5mSource
from g3lib.images import Photo, Rejected
from g3lib.images.sources import Place, source_of

FAST = DownloadSettings(requests_per_second=10_000, backoff_seconds=0.001)
URL = "/datasets/osv5m/osv5m/resolve/main/images/test/01.zip"


def place(folder: Path, keep: bool = False) -> Place:
    settings = Osv5mSource(keep_archives=keep, download=FAST)
    return Place(Dataset(name="osv", role="benchmark", shards=2, photos_per_shard=9, source=settings), folder)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number, name in enumerate(names):
            made.writestr(name, encoded(number))
    return buffer.getvalue()


def test_a_zip_is_fetched_read_and_tidied_away(server: RangedServer, tmp_path: Path) -> None:
    server.put(URL, zipped("01/12.jpg", "01/11.jpg", "01/99.jpg"))
    server.faults.append(lambda request, answer: cut(500)(request, answer) if request.number == 1 else answer)
    where, metadata = place(tmp_path / "in"), parquet(facts("10", "11", "12", "13"), tmp_path)
    source = source_of(where.dataset)
    offers = list(source.photos(where, 1, metadata))
    assert [each.photo_id for each in offers] == ["11", "12", "99.jpg"]
    assert [each.data for each in offers if isinstance(each, Photo)] == [encoded(1), encoded(0)]
    assert isinstance(offers[2], Rejected) and offers[2].fate == "unlisted"
    server.requests.clear()
    assert list(source.photos(where, 1, metadata)) == offers and not server.requests
    assert source.observed(where, 1) == {}
    source.tidy(where, 0)
    assert list((tmp_path / "in").rglob("*.zip"))
    source.tidy(where, 1)
    assert not list((tmp_path / "in").rglob("*.zip"))


def test_a_zip_that_somebody_put_there_stays(tmp_path: Path) -> None:
    own = tmp_path / "in" / "images" / "test" / "01.zip"
    own.parent.mkdir(parents=True)
    own.write_bytes(zipped("11.jpg"))
    where, metadata = place(tmp_path / "in"), parquet(facts("11"), tmp_path)
    source = source_of(where.dataset)
    assert len(list(source.photos(where, 1, metadata))) == 1
    source.tidy(where, 1)
    assert own.exists() and list(source.observed(where, 1)) == ["01.zip"]


def test_archives_may_be_kept(server: RangedServer, tmp_path: Path) -> None:
    server.put(URL, zipped("01/11.jpg"))
    where = place(tmp_path / "in", keep=True)
    list(source_of(where.dataset).photos(where, 1, parquet(facts("11"), tmp_path)))
    source_of(where.dataset).tidy(where, 1)
    assert len(list((tmp_path / "in").rglob("*.zip"))) == 1


def test_the_csv_is_fetched(server: RangedServer, tmp_path: Path) -> None:
    columns = "id,latitude,longitude,country,region,sub-region,city,creator_username,creator_id"
    csv = f"{columns}\n11,-22.5,17.1,NA,Khomas,Windhoek,Windhoek,u,77\n12,48.8,2.3,FR,IdF,Paris,Paris,v,78\n"
    server.put("/datasets/osv5m/osv5m/resolve/main/test.csv", csv.encode())
    where = place(tmp_path / "in")
    table = source_of(where.dataset).metadata(where).table
    assert table.select("photo_id", "author", "country_code").rows() == [
        ("11", "77", "na"),
        ("12", "78", "fr"),
    ]
