"""Photos somebody already has: facts are joined, and what is wrong is named before it does harm."""

import tarfile
from pathlib import Path

import polars as pl
import pytest
from facts import parquet
from pictures import encoded, member, special, write_tar

from g3lib.experiments.datasets import BlueMarbleSource, Dataset, WebDatasetSource
from g3lib.images import Photo, Rejected
from g3lib.images.archives.tar_headers import padded
from g3lib.images.sources import Offer, Place, source_of

HEADER = "IMG_ID,AUTHOR,LAT,LON"
PARIS, SYDNEY = "48.85,2.29", "-33.86,151.21"


def place(folder: Path, shards: int = 1) -> Place:
    settings = WebDatasetSource(minimum_bytes=0)
    dataset = Dataset(name="toy", role="gallery", shards=shards, photos_per_shard=3, source=settings)
    return Place(dataset, folder / "toy")


def offers(folder: Path, index: int = 0) -> list[Offer]:
    """The offers of one shard, its metadata read and kept as the workflow does."""
    where = place(folder)
    source = source_of(where.dataset)
    return list(source.photos(where, index, parquet(source.metadata(where).table, folder / "tables")))


def read(folder: Path, index: int = 0) -> list[Photo]:
    return [each for each in offers(folder, index) if isinstance(each, Photo)]


def rejected(folder: Path) -> list[tuple[str, str]]:
    return [(each.photo_id, str(each.fate)) for each in offers(folder) if isinstance(each, Rejected)]


def put_metadata(incoming: Path, *lines: str) -> Path:
    path = incoming / "toy" / "metadata.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def put_photos(incoming: Path, *names: str, tar: str = "a.tar") -> Path:
    path = incoming / "toy" / tar
    write_tar(path, [member(name, encoded(number)) for number, name in enumerate(names)])
    return path


def test_facts_join_their_photos_in_the_tars_order(tmp_path: Path) -> None:
    put_metadata(
        tmp_path, "photo_id,author,licence,lat,lon", f"b,bob,CC0,{SYDNEY}", f"a,ann,CC BY 2.0,{PARIS}"
    )
    put_photos(tmp_path, "a.jpg", "b.PNG")
    second = 512 + padded(len(encoded(0))) + 512
    assert read(tmp_path) == [
        Photo("a", encoded(0), 48.85, 2.29, "ann", "CC BY 2.0", f"a.jpg@512+{len(encoded(0))}"),
        Photo("b", encoded(1), -33.86, 151.21, "bob", "CC0", f"b.PNG@{second}+{len(encoded(1))}"),
    ]


def test_mp16_pros_names_and_columns(tmp_path: Path) -> None:
    put_metadata(tmp_path, HEADER, f"e1/55/476.jpg,78@N00,{PARIS}", f"e1/56/477.jpg,79@N00,{SYDNEY}")
    put_photos(tmp_path, "mp-16-images/e1_55_476.jpg", "mp-16-images/e1_56_477.jpg", "nobody_knows_me.jpg")
    photos = read(tmp_path)
    assert [each.photo_id for each in photos] == ["e1/55/476.jpg", "e1/56/477.jpg"]
    assert [each.author for each in photos] == ["78@N00", "79@N00"]
    assert photos[0].licence == "unknown"
    assert rejected(tmp_path) == [("nobody_knows_me.jpg", "unlisted")]


@pytest.mark.parametrize("photo_id", ["7410c6.54_21@N00", "v1.2", "no-dots", "a.b/c.d.jpeg"])
def test_dots_in_an_id_are_no_ending(tmp_path: Path, photo_id: str) -> None:
    put_metadata(tmp_path, HEADER, f"{photo_id},ann,{PARIS}")
    put_photos(tmp_path, f"{photo_id.removesuffix('.jpeg').replace('/', '_')}.jpg")
    assert [each.photo_id for each in read(tmp_path)] == [photo_id]


def test_metadata_may_be_parquet_with_numbers_as_ids(tmp_path: Path) -> None:
    put_photos(tmp_path, "17.jpg")
    frame = pl.DataFrame({"photo_id": [17], "author": [4], "lat": [1], "lon": [2.0], "both": [None]})
    frame.write_parquet(tmp_path / "toy" / "metadata.parquet")
    (found,) = read(tmp_path)
    assert (found.photo_id, found.author, found.lat, found.lon) == ("17", "4", 1.0, 2.0)


def test_a_sparse_member_that_claims_a_terabyte_is_not_read(tmp_path: Path) -> None:
    put_metadata(tmp_path, HEADER, f"a,x,{PARIS}", f"b,x,{SYDNEY}")
    info = tarfile.TarInfo("a.jpg")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386 : 386 + 96] = bytes(96)  # no pieces: all of it is a hole
    header[483:495] = b"%011o\0" % 0o77777777777
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    path = tmp_path / "toy" / "a.tar"
    write_tar(path, [member("b.jpg", encoded(1))])
    path.write_bytes(bytes(header) + path.read_bytes())
    with tarfile.open(path) as tar:
        claimed = tar.getmembers()[0]
        assert claimed.isreg() and claimed.size > 8e9
    assert [each.photo_id for each in read(tmp_path)] == ["b"]
    assert rejected(tmp_path) == [("a", "not_a_file")]


def test_links_devices_and_folders_are_told(tmp_path: Path) -> None:
    names = ("symlink", "hardlink", "folder", "device", "fifo")
    put_metadata(tmp_path, HEADER, *(f"{name},x,{PARIS}" for name in (*names, "plain", "climber")))
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    members = [special(f"{n}.jpg", k, "/etc/passwd") for n, k in zip(names, kinds, strict=True)]
    climber = member("../../climber.jpg", encoded())
    write_tar(tmp_path / "toy" / "a.tar", [*members, climber, member("plain.jpg", encoded())])
    assert [(each.photo_id, each.data) for each in read(tmp_path)] == [("plain", encoded())]
    assert rejected(tmp_path) == [*((name, "not_a_file") for name in names), ("climber", "unsafe_name")]


def test_side_cars_of_photos_are_passed_over_and_strangers_told(tmp_path: Path) -> None:
    put_metadata(tmp_path, HEADER, f"a,x,{PARIS}")
    put_photos(tmp_path, "a.json", "a.jpg", "a.pkl", "a", ".jpg", "b.json")
    assert len(read(tmp_path)) == 1
    assert rejected(tmp_path) == [(".jpg", "unlisted"), ("b.json", "unlisted")]


def test_positions_that_do_not_exist_are_told_at_their_photo(tmp_path: Path) -> None:
    put_metadata(tmp_path, HEADER, f"a,x,{PARIS}", "b,x,,", "c,x,48.85,400")
    put_photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    assert [each.photo_id for each in read(tmp_path)] == ["a"]
    assert rejected(tmp_path) == [("b", "no_position"), ("c", "bad_position")]


def test_missing_files_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"toy has no metadata\.csv or metadata\.parquet"):
        read(tmp_path)
    put_metadata(tmp_path, HEADER, f"a,x,{PARIS}")
    with pytest.raises(FileNotFoundError, match=r"toy holds 0 tars, shard 0 .*lower `shards`"):
        read(tmp_path)
    put_photos(tmp_path, "a.jpg")
    with pytest.raises(FileNotFoundError, match="holds 1 tars, shard 1 of 1 asks for one more"):
        read(tmp_path, index=1)


def test_tars_are_shards_in_the_order_of_their_names(tmp_path: Path) -> None:
    put_metadata(tmp_path, HEADER, f"a,x,{PARIS}", f"b,x,{SYDNEY}")
    put_photos(tmp_path, "b.jpg", tar="2.tar")
    put_photos(tmp_path, "a.jpg", tar="1.tar")
    assert [read(tmp_path, index)[0].photo_id for index in (0, 1)] == ["a", "b"]
    where = place(tmp_path)
    source = source_of(where.dataset)
    assert [list(source.observed(where, index)) for index in (None, 0, 1, 2)] == [
        ["metadata.csv"],
        ["1.tar"],
        ["2.tar"],
        [],
    ]


@pytest.mark.parametrize("damage", ["header", "cut in a photo", "cut in a header", "no tar", "empty"])
def test_a_damaged_tar_is_named_and_loses_no_photo_quietly(tmp_path: Path, damage: str) -> None:
    put_metadata(tmp_path, HEADER, *(f"{name},x,{PARIS}" for name in "abc"))
    path = put_photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        second = tar.getmembers()[1]
    data[second.offset + 3] ^= damage == "header"
    cuts = {"cut in a photo": second.offset_data + 100, "cut in a header": second.offset + 100, "empty": 0}
    path.write_bytes(b"<html>" * 500 if damage == "no tar" else data[: cuts.get(damage)])
    with pytest.raises(ValueError, match=rf"{path}: damaged.*fetch the archive again"):
        read(tmp_path)


def test_blue_marble_comes_from_its_own_reader(tmp_path: Path) -> None:
    settings = BlueMarbleSource(pixels=16)
    marble = Dataset(name="marble", role="benchmark", shards=2, photos_per_shard=3, source=settings)
    where, source = Place(marble, Path("/nowhere")), source_of(marble)
    metadata = parquet(source.metadata(where).table, tmp_path)
    first, again, second = (list(source.photos(where, index, metadata)) for index in (0, 0, 1))
    assert first == again and len(first) == len(second) == 3
    assert [each.photo_id for each in second] == [f"marble-000001-{number:06d}" for number in range(3)]
    photos = [each for each in [*first, *second] if isinstance(each, Photo)]
    assert len({each.lat for each in photos}) == 6
    assert all(each.author.startswith("query-pass-") for each in photos)
