"""Place Pulse 2.0: places from votes with swapped headers and junk, images by the third part of their name."""

import io
import zipfile
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from g3lib.experiments.datasets import Dataset, PlacePulseSource
from g3lib.images.fates import Fate, Rejected
from g3lib.images.metadata import BadMetadata, read_metadata
from g3lib.images.photo import Photo
from g3lib.images.sources import Place, facts_observed, facts_of, source_of
from g3lib.images.sources.place_pulse import PlacePulse, place_of

HEADER = (
    "voter_uniqueid,study_id,study_question,left,right,choice,place_name_left,place_name_right,place_id_left,"
    "place_id_right,day,time,long_left,lat_left,long_right,lat_right\n"
)
SAFER = "50a68a51fdc9f05596000002"
TOKYO, BERLIN, SYDNEY, BOSTON = (f"513d7e23fdc9f0358700733{n}" for n in "abcd")
SIGHTS = {  # id: city, latitude, longitude
    TOKYO: ("Tokyo", "35.68", "139.69"),
    BERLIN: ("Berlin", "52.52", "13.405"),
    SYDNEY: ("Sydney", "-33.86", "151.21"),
    BOSTON: ("Boston", "42.36", "-71.06"),
}


def vote(left: str, right: str, study: str = SAFER, choice: str = "left") -> str:
    (a, lat_a, lon_a), (b, lat_b, lon_b) = SIGHTS[left], SIGHTS[right]
    return (
        f'voter,{study},"safer, really?",{left},{right},{choice},{a},{b},city-a,city-b,1,2,'
        f"{lat_a},{lon_a},{lat_b},{lon_b}\n"
    )


VOTES = HEADER + vote(TOKYO, BERLIN) + vote(BERLIN, SYDNEY, choice="equal") + vote(SYDNEY, BOSTON)
JUNK = vote(TOKYO, BERLIN, study="../../etc/passwd") + vote(TOKYO, BERLIN, choice="1 OR 1=1")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    dataset = Dataset(
        name="place-pulse", role="gallery", shards=2, photos_per_shard=2, source=PlacePulseSource()
    )
    (tmp_path / "votes_clean.csv").write_text(VOTES + JUNK)
    with zipfile.ZipFile(tmp_path / "place-pulse-2.0.zip", "w") as archive:
        for name in (TOKYO, BERLIN, BOSTON, "0" * 24):
            city, lat, lon = SIGHTS.get(name, ("Nowhere", "0", "0"))
            picture = io.BytesIO()
            Image.new("RGB", (40, 40), (len(city), 90, 120)).save(picture, "JPEG")
            archive.writestr(f"images/{lat}_{lon}_{name}_{city}.JPG", picture.getvalue())
        archive.writestr("qscores.tsv", "location_id\tstudy_id\n")
    return Place(dataset, tmp_path)


def test_places_stand_where_they_are_though_the_headers_are_swapped(place: Place) -> None:
    found = PlacePulse(PlacePulseSource()).metadata(place)
    rows = found.table.select("photo_id", "city", "lat", "lon", "refused").rows()
    assert rows == [(name, city, float(lat), float(lon), None) for name, (city, lat, lon) in SIGHTS.items()]
    findings = {name: (action, count) for name, action, count, *_ in found.findings.rows()}
    assert findings == {
        "junk_votes": ("refused", 2),
        "swapped_coordinates": ("repaired", 4),
        "other_edition": ("noted", 4),
    }


def test_two_datasets_of_one_folder_are_its_two_sides_and_neither_takes_the_other_for_strangers(
    place: Place, tmp_path: Path
) -> None:
    told = dict[str, list[str]]()
    for split in ("train", "test"):
        settings = PlacePulseSource(split=split, test_share=0.5)
        dataset = Dataset(
            name=split, role="gallery", shards=1, photos_per_shard=9, incoming="place-pulse", source=settings
        )
        here = Place(dataset, tmp_path, left_out=tmp_path / f"{split}-left-out.parquet")
        found = facts_of(here)
        found.table.write_parquet(tmp_path / f"{split}.parquet")
        found.left_out.write_parquet(tmp_path / f"{split}-left-out.parquet")
        offers = list(source_of(dataset).photos(here, 0, tmp_path / f"{split}.parquet"))
        told[split] = [each.photo_id for each in offers]
        strangers = [each for each in offers if isinstance(each, Rejected) and each.fate is Fate.UNLISTED]
        assert len(strangers) == 2, "the image without votes, and the scores"
        findings = {name: (action, count) for name, action, count, *_ in found.findings.rows()}
        assert findings["other_side"] == ("left out", 4 - found.table.height)
        assert facts_observed(here) == source_of(dataset).observed(here, None)
    sides = [set(names) & set(SIGHTS) for names in told.values()]
    assert sides[0] and sides[1] and not sides[0] & sides[1] and sides[0] | sides[1] == set(SIGHTS)


def test_headers_that_somebody_put_right_are_not_turned_again(tmp_path: Path) -> None:
    names = {
        "long_left": "lat_left",
        "lat_left": "long_left",
        "long_right": "lat_right",
        "lat_right": "long_right",
    }
    header = ",".join(names.get(name, name) for name in HEADER.strip().split(",")) + "\n"
    (tmp_path / "votes.csv").write_text(VOTES.replace(HEADER, header))
    found = read_metadata(tmp_path / "votes.csv", "place-pulse")
    assert found.table.row(0, named=True)["lat"] == 35.68
    assert found.findings.is_empty()


def test_a_place_at_two_positions_is_refused(tmp_path: Path) -> None:
    moved = vote(TOKYO, BERLIN).replace("35.68", "36.68")
    (tmp_path / "votes.csv").write_text(VOTES + moved)
    found = read_metadata(tmp_path / "votes.csv", "place-pulse").table
    assert found.filter(pl.col("refused") == Fate.DUPLICATE_ID)["photo_id"].to_list() == [TOKYO, TOKYO]


def test_votes_of_scanners_alone_are_no_votes(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(HEADER + JUNK)
    with pytest.raises(BadMetadata, match="no vote"):
        read_metadata(tmp_path / "votes.csv", "place-pulse")


def test_every_place_comes_once_and_strangers_are_told(place: Place, tmp_path: Path) -> None:
    source = PlacePulse(PlacePulseSource())
    parquet = tmp_path / "metadata.parquet"
    source.metadata(place).table.write_parquet(parquet)
    first, second = (list(source.photos(place, shard, parquet)) for shard in range(2))
    assert [(type(each), each.photo_id) for each in first[:2]] == [(Photo, TOKYO), (Photo, BERLIN)]
    assert [each.fate for each in first[2:] if isinstance(each, Rejected)] == [Fate.UNLISTED] * 2
    missing, last = second
    assert isinstance(missing, Rejected)
    assert (missing.photo_id, missing.fate) == (SYDNEY, Fate.NOT_IN_ARCHIVE)
    assert isinstance(last, Photo)
    assert (last.lat, last.lon) == (42.36, -71.06)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("images/52.5_13.4_abc_Berlin.JPG", "abc"),
        ("52.5_13.4_abc.jpg", "abc"),
        ("images/abc.jpg", None),
        ("images/qscores_of_all.tsv", None),
    ],
)
def test_the_place_is_the_third_part_of_a_name(name: str, found: str | None) -> None:
    assert place_of(name) == found


def test_what_is_missing_is_named_with_where_to_get_it(tmp_path: Path, place: Place) -> None:
    (tmp_path / "votes_clean.csv").unlink()
    with pytest.raises(FileNotFoundError, match="figshare"):
        PlacePulse(PlacePulseSource()).metadata(place)
