"""Test sets that somebody fetched: matched by name however they were packed, and what lacks is said."""

import zipfile
from pathlib import Path

import pytest
from facts import facts, parquet
from pictures import encoded

from g3lib.experiments.datasets import ArchiveSource, Dataset, WithinCities
from g3lib.images import Photo, Rejected
from g3lib.images.sources import Place, Source, facts_observed, facts_of, source_of


def place(folder: Path, archive: str = "set.zip", shards: int = 2) -> Place:
    settings = ArchiveSource(publication="any", archive=archive, metadata="facts.csv")
    return Place(
        Dataset(name="set", role="benchmark", shards=shards, photos_per_shard=2, source=settings), folder
    )


def source(where: Place) -> Source:
    return source_of(where.dataset)


def zipped(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "set.zip", "w") as made:
        for number, name in enumerate(names):
            made.writestr(name, encoded(number))


def test_shards_are_rows_of_the_metadata(tmp_path: Path) -> None:
    zipped(tmp_path, "x/45_77_1.jpg", "y/45/77/2.JPEG", "3.png", "x/stranger.jpg", "x/", "notes.txt")
    metadata = parquet(facts("45/77/2.jpg", "45/77/1.jpg", "3.jpg", "4.jpg"), tmp_path)
    where = place(tmp_path)
    first, second = (list(source(where).photos(where, shard, metadata)) for shard in (0, 1))
    assert [each.photo_id for each in first] == ["45/77/2.jpg", "45/77/1.jpg", "stranger.jpg", "notes.txt"]
    assert [each.data for each in first if isinstance(each, Photo)] == [encoded(1), encoded(0)]
    assert [str(each.fate) for each in first if isinstance(each, Rejected)] == ["unlisted", "unlisted"]
    assert [each.photo_id for each in second] == ["3.jpg", "4.jpg"]
    assert isinstance(second[0], Photo) and isinstance(second[1], Rejected)


def test_the_metadata_are_read_as_their_publication(tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text("photo_id,author,lat,lon\na.jpg,ann,1.5,2.5\n", encoding="utf-8")
    where = place(tmp_path)
    assert source(where).metadata(where).table.select("photo_id", "author", "lat").row(0) == (
        "a.jpg",
        "ann",
        1.5,
    )
    assert list(source(where).observed(where, None)) == ["facts.csv"]


def test_a_dataset_within_cities_knows_whom_it_left_out(tmp_path: Path) -> None:
    """The rest of a test set in its archive is no stranger; what is in no row at all still is."""
    zipped(tmp_path, "x/paris.jpg", "x/far.jpg", "x/room.jpg", "x/stranger.jpg")
    (tmp_path / "facts.csv").write_text(
        "IMG_ID,LAT,LON,S3_Label\nfar.jpg,0,1,2\nroom.jpg,48.86,2.35,0\nparis.jpg,48.86,2.34,2\n"
    )
    (tmp_path / "own.csv").write_text("city,country,lat,lon\nParis,France,48.85341,2.3488\n")
    within = WithinCities(cities="own.csv", radius_km=5, outdoor=True)
    whole = place(tmp_path).dataset
    dataset = Dataset.model_validate(whole.model_dump() | {"within": within.model_dump(), "incoming": "set"})
    where = Place(dataset, tmp_path, left_out=tmp_path / "left-out.parquet")
    found = facts_of(where)
    found.left_out.write_parquet(tmp_path / "left-out.parquet")
    assert found.table["photo_id"].to_list() == ["paris.jpg"]
    assert list(facts_observed(where)) == ["facts.csv", "own.csv"]
    offers = list(source(where).photos(where, 0, parquet(found.table, tmp_path)))
    assert [each.photo_id for each in offers] == ["paris.jpg", "stranger.jpg"]
    alone = list(source(where).photos(Place(dataset, tmp_path), 0, parquet(found.table, tmp_path)))
    assert len(alone) == 4, "without that knowledge, all others are strangers"


def test_what_lacks_is_said_with_what_to_do(tmp_path: Path) -> None:
    where = place(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"facts\.csv is missing; put it there yourself: any zip"):
        source(where).metadata(where)
    with pytest.raises(FileNotFoundError, match=r"set\.zip is missing; put it there"):
        list(source(where).photos(where, 0, parquet(facts("a"), tmp_path)))
    assert source(where).observed(where, 0) == {}
    assert not source(where).terms.fetched


def test_a_changed_folder_is_noticed(tmp_path: Path) -> None:
    where = place(tmp_path, "set")
    (tmp_path / "set" / "in").mkdir(parents=True)
    (tmp_path / "set" / "in" / "a.jpg").write_bytes(encoded())
    before = source(where).observed(where, 0)
    (tmp_path / "set" / "in" / "b.jpg").write_bytes(encoded())
    assert source(where).observed(where, 0) != before
    (offer, *_) = source(where).photos(where, 0, parquet(facts("a"), tmp_path))
    assert isinstance(offer, Photo) and offer.origin == "in/a.jpg"
