"""Metadata that lies is caught on load: each lie by name, with its count, in files as publishers made or broke them."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from g3lib.images.fates import Fate
from g3lib.images.metadata import FINDINGS, METADATA, BadMetadata, Metadata, read_metadata

TEN = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban"
EIGHT = "neighbourhood,city,county,state,region,country,country_code,continent"
BERMUDA = (
    "1000269685_e60e9cdfb4_1125_78841376@N00.jpg,78841376@N00,32.325436,-64.764404,2,12,353,0.27,0.05,0.68"
)
YFCC = (
    "RecordNumber,name,Secret,OwnerNSID,Username,DateTaken,DateUploaded,Camera,Title,Description,Tags,EmptyField,"
    "lon,lat,Accuracy,PhotoPageURL,PhotoURL,LicenseName,LicenseURL,FarmID,ServerID,Secret2,Hash,Format,Placeholder"
)
TORONTO = (
    "1,10201275523.jpg,6ae91cc04fe06697c9404a5360b9b62,55289779@N00,,2013-10-09 15:30:13.0,1381464628,,,,,,"
    "-79.365637,43.649708,{},,,Attribution-ShareAlike License,,5465,6,3e6ea67c7f,f400826feb,jpg,{}"
)

Read = Callable[..., Metadata]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(text: str | bytes, publication: str = "any", **options: bool) -> Metadata:
        path = tmp_path / "metadata.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        found = read_metadata(path, publication, **options)
        assert found.table.schema == METADATA
        assert found.findings.schema == FINDINGS
        return found

    return reader


def counts(found: Metadata) -> dict[str, tuple[str, int]]:
    return {name: (action, rows) for name, action, rows, *_ in found.findings.rows()}


def table(*rows: str, header: str = "photo_id,lat,lon") -> str:
    return "\n".join([header, *rows, ""])


def benchmark(rows: int, look: str = "{}_e60e9cdfb4_1125_78841376@N00.jpg", first: str = BERMUDA) -> str:
    lines = [f"{look.format(n)},a,{n % 50 + 1},{n % 170},0,0,0,0,0,0" for n in range(1, rows)]
    return table(first, *lines, header=TEN)


def test_im2gps3k_begins_in_bermuda(read: Read) -> None:
    found = read(benchmark(2997), "im2gps3k")
    assert found.findings.is_empty()
    row = found.table.row(0, named=True)
    assert (row["lat"], row["lon"], row["author"]) == (32.325436, -64.764404, "78841376@N00")


def test_scenes_are_read_where_somebody_tells_them(read: Read) -> None:
    found = read(benchmark(2997), "im2gps3k")
    assert found.scenes.head(2).rows() == [
        (found.table["photo_id"][0], "urban"),
        (found.table["photo_id"][1], "indoor"),
    ]
    own = read(table("a,1,1,Beach", "b,1,1,", "c,1,1,1.0", header="photo_id,lat,lon,scene"))
    assert own.scenes.rows() == [("a", "beach"), ("b", None), ("c", "natural")]
    assert "scene" not in own.table.columns, "the facts stay as they were, and with them what is made of them"
    assert read(table("a,1,1")).scenes.is_empty()


def test_im2gps3k_with_the_headers_of_2018_is_turned(read: Read) -> None:
    found = read(benchmark(2997).replace("LAT,LON", "LON,LAT"), "im2gps3k")
    row = found.table.row(0, named=True)
    assert (row["lat"], row["lon"]) == (32.325436, -64.764404)
    assert counts(found) == {"swapped_coordinates": ("repaired", 2997)}


def test_a_benchmark_whose_truth_was_changed_is_refused(read: Read) -> None:
    with pytest.raises(BadMetadata, match="positions were changed"):
        read(benchmark(2997, first=BERMUDA.replace("32.3", "33.3")), "im2gps3k")


@pytest.mark.parametrize(
    ("rows", "look", "offered", "says"),
    [
        (25_600, "45/77/{}.jpg", "yfcc4k", "this is YFCC26k"),
        (4536, "{}.jpg", "yfcc26k", "this is YFCC4k"),
        (237, "Ankara_{}.jpg", "im2gps3k", "this is IM2GPS."),
        (2997, "45/77/{}.jpg", "im2gps3k", "its ids are such as"),
        (2996, "{}_a_1_2@N00.jpg", "im2gps3k", "2,996 rows, not 2,997"),
        (25_600, "45/77/{}.jpg", "mp16", "this is YFCC26k"),
    ],
)
def test_one_set_offered_as_another_is_recognised(
    read: Read, rows: int, look: str, offered: str, says: str
) -> None:
    first = look.format(999_999) + ",a,1,2,0,0,0,0,0,0"
    with pytest.raises(BadMetadata, match=says) as refusal:
        read(benchmark(rows, look, first), offered)
    assert "metadata.csv" in str(refusal.value)


def test_missing_columns_are_named_with_what_the_file_looks_like(read: Read) -> None:
    with pytest.raises(BadMetadata, match=r"no column img_id.*YFCC4k.*withdrew"):
        read(table(TORONTO.format(16, 0), header=YFCC), "im2gps3k")
    with pytest.raises(BadMetadata, match="no column country"):
        read(benchmark(5), "mp16-pro")
    with pytest.raises(BadMetadata, match="2 columns are called 'lat'"):
        read("photo_id,lat,lat,lon\na,1,2,3\n")
    with pytest.raises(ValueError, match="no publication 'mp17'"):
        read("", "mp17")


def test_yfcc_columns_give_hash_author_and_licence(read: Read) -> None:
    bare = TORONTO.format(16, 0).replace(",", "\t")
    video = TORONTO.format(16, 1).replace(",", "\t").replace("10201275523", "7")
    for text in (table(TORONTO.format(16, 0), header=YFCC), f"{bare}\n{video}\n"):
        row = read(text, "yfcc100m").table.row(0, named=True)
        assert row["locator"] == "6ae91cc04fe06697c9404a5360b9b62"  # 31 letters: never padded
        assert (row["author"], row["licence"]) == ("55289779@N00", "Attribution-ShareAlike License")
        assert (row["lat"], row["lon"]) == (43.649708, -79.365637)
    assert read(f"{bare}\n{video}\n", "yfcc100m").table["refused"].to_list() == [None, Fate.NOT_AN_IMAGE]
    coarse = table(TORONTO.format(3, 0), header=YFCC)
    assert counts(read(coarse, "yfcc100m")) == {"coarse_accuracy": ("noted", 1)}


def test_mp16_pro_in_any_order_of_columns(read: Read) -> None:
    header = f"{EIGHT},{TEN}"
    row = "Wengistein,Solothurn,Amtei Solothurn-Lebern,Solothurn,,Switzerland,ch,,4f/a0/3963216890.jpg,x"
    found = read(table(f"{row},47.217578,7.542092,0,0,0,0,0,0", header=header.lower()), "mp16-pro")
    assert found.table.row(0, named=True) | {"refused": None} == {
        "photo_id": "4f/a0/3963216890.jpg",
        "author": "x",
        "licence": "unknown",
        "lat": 47.217578,
        "lon": 7.542092,
        "locator": "4f/a0/3963216890.jpg",
        "neighbourhood": "Wengistein",
        "city": "Solothurn",
        "county": "Amtei Solothurn-Lebern",
        "state": "Solothurn",
        "region": None,
        "country": "Switzerland",
        "country_code": "ch",
        "continent": None,
        "refused": None,
    }
    assert counts(found) == {"row_count": ("noted", 1)}


@pytest.mark.parametrize(
    ("lat", "lon", "refused", "position", "finding"),
    [
        ("", "1", Fate.NO_POSITION, None, "no_position"),
        ("1", " ", Fate.NO_POSITION, None, "no_position"),
        ("nan", "1", Fate.BAD_POSITION, None, "no_number"),
        ("1", "inf", Fate.BAD_POSITION, None, "no_number"),
        ("1", "east", Fate.BAD_POSITION, None, "no_number"),
        ("48°51'N", "2", Fate.BAD_POSITION, None, "no_number"),
        ("1", "-58.4W", Fate.BAD_POSITION, None, "no_number"),
        ("2.3E", "1", Fate.BAD_POSITION, None, "no_number"),
        ("0", "0.0", Fate.ZERO_POSITION, None, "zero_position"),
        ("-0.0", "-0.0", Fate.ZERO_POSITION, None, "zero_position"),
        ("213.6", "8.5", Fate.BAD_POSITION, None, "off_earth"),
        ("139.7", "35.7", Fate.BAD_POSITION, None, "swapped_row"),
        ("1", "-180.5", Fate.BAD_POSITION, None, "off_earth"),
        ("1", "360", Fate.BAD_POSITION, None, "off_earth"),
        ("1", "180", None, (1.0, -180.0), "longitude_wrapped"),
        ("1", "359.5", None, (1.0, -0.5), "longitude_wrapped"),
        ('"48,85"', '"2,35"', None, (48.85, 2.35), "decimal_comma"),
        ("34.58 S", "W58.4", None, (-34.58, -58.4), "hemisphere_letter"),
        ("-90", "-180", None, (-90.0, -180.0), None),
        (" +1.50 ", "\u22122", None, (1.5, -2.0), None),
        ("48.858370123456789", "1e-3", None, (48.858370123456789, 0.001), None),
    ],
)
def test_a_position_is_kept_repaired_or_refused_by_name(
    read: Read, lat: str, lon: str, refused: Fate | None, position: tuple[float, float] | None, finding: str
) -> None:
    found = read(table(f"a,{lat},{lon}", "b,50,100"))
    row = found.table.row(0, named=True)
    assert row["refused"] == refused
    assert (row["lat"], row["lon"]) == (position or (None, None))
    assert list(counts(found)) == ([finding] if finding else [])
    assert found.table.row(1, named=True)["refused"] is None


def test_swapped_columns_are_turned_by_their_ranges(read: Read) -> None:
    rows = [f"p{n},{170 - n},{n - 30}" for n in range(60)]
    found = read(table(*rows))
    assert counts(found) == {"swapped_coordinates": ("repaired", 60)}
    assert found.table.select("lat", "lon").row(0) == (-30.0, 170.0)
    assert "beyond 90" in found.findings["detail"][0]


def test_a_region_without_long_longitudes_is_turned_by_where_people_live(read: Read) -> None:
    towns = [(52.52, 13.4), (48.14, 11.58), (50.94, 6.96), (53.55, 10.0), (50.11, 8.68), (48.78, 9.18)]
    places = [(lat + n / 1000, lon + n / 1000) for n in range(20) for lat, lon in towns]
    swapped = read(table(*(f"p{n},{lon},{lat}" for n, (lat, lon) in enumerate(places))))
    assert counts(swapped) == {"swapped_coordinates": ("repaired", 120)}
    straight = read(table(*(f"p{n},{lat},{lon}" for n, (lat, lon) in enumerate(places))))
    assert straight.findings.is_empty()
    assert swapped.table.equals(straight.table)


def test_namibia_is_a_country(read: Read) -> None:
    header = "photo_id,lat,lon,country,country_code"
    found = read(
        table("a,-22.5,17,Namibia,NA", "b,-22.5,17.1,Namibia,", "c,47,7,Switzerland,ch", header=header)
    )
    assert found.table["country_code"].to_list() == ["na", "na", "ch"]
    assert counts(found) == {"mixed_case_country_code": ("repaired", 1), "lost_namibia": ("repaired", 1)}


def test_osv_5m_that_pandas_wrote_gets_namibia_back_where_the_ground_is_namibias(read: Read) -> None:
    header = "id,latitude,longitude,country,region,sub-region,city,creator_username,creator_id"
    rows = ("1,-22.5,17,,,,,x,9", "2,-17.5,24,,,,,x,9", "3,47,7,CH,Solothurn,,,x,9", "4,10,-140,,,,,x,9")
    found = read(table(*rows, header=header), "osv5m-test")
    assert found.table["country_code"].to_list() == ["na", None, "ch", None]
    assert found.table.row(2, named=True)["state"] == "Solothurn"
    assert set(found.table["licence"]) == {"CC BY-SA 4.0"}
    assert counts(found) == {
        "lost_namibia": ("repaired", 1),
        "capital_country_code": ("repaired", 1),
        "perhaps_namibia": ("noted", 1),
    }
    kept = read(table("1,-22.5,17,NA,,,,x,9", "2,-23,17,,,,,x,9", header=header), "osv5m-test")
    assert kept.table["country_code"].to_list() == ["na", None]


def test_photos_without_country_are_left_out_on_request(read: Read) -> None:
    header = "photo_id,lat,lon,country,country_code"
    found = read(
        table("a,-22.5,17,Namibia,", "b,10,-140,,", "c,1,2,NA,na", header=header), require_country=True
    )
    assert found.table["refused"].to_list() == [None, Fate.NO_COUNTRY, None]
    assert counts(found)["country_says_na"] == ("noted", 1)
    with pytest.raises(BadMetadata, match="no column country"):
        read(table("a,1,2"), require_country=True)


def test_ids_that_repeat(read: Read) -> None:
    rows = [
        "a,1,2",
        "a,1,2",
        "b,1,2",
        "b,3,4",
        "x/c,1,2",
        "x_c,3,4",
        "y/d,1,2",
        "y_d,1,2",
        ",5,6",
        "e,7,8",
        "e,,",
    ]
    found = read(table(*rows))
    duplicate = Fate.DUPLICATE_ID
    assert found.table["refused"].to_list() == [
        *(None, duplicate),
        *(duplicate, duplicate),
        *(duplicate, duplicate),
        *(None, duplicate),
        Fate.NO_ID,
        *(None, Fate.NO_POSITION),
    ]
    assert counts(found) == {
        "no_position": ("refused", 1),
        "no_id": ("refused", 1),
        "duplicate_id": ("refused", 1),
        "conflicting_id": ("refused", 2),
        "same_file_name": ("refused", 3),
    }


def test_urls_become_locators(read: Read, tmp_path: Path) -> None:
    urls = tmp_path / "urls.csv"
    urls.write_text(
        "b,http://farm5.example/b.jpg\na,http://farm5.example/a.jpg\nz,http://x/z.jpg\nc,\nb,http://again/\n"
    )
    (tmp_path / "facts.csv").write_text(table("a,1,2", "b,3,4", "c,5,6", "d,7,8"))
    found = read_metadata(tmp_path / "facts.csv", "any", urls=urls)
    assert found.table["locator"].to_list() == [
        "http://farm5.example/a.jpg",
        "http://farm5.example/b.jpg",
        None,
        None,
    ]
    assert found.table["refused"].to_list() == [None, None, Fate.NO_ADDRESS, Fate.NO_ADDRESS]
    assert counts(found) == {
        "no_address": ("refused", 2),
        "url_without_facts": ("noted", 1),
        "repeated_url": ("noted", 1),
    }
    with pytest.raises(FileNotFoundError, match="two columns without header"):
        read_metadata(tmp_path / "facts.csv", "any", urls=tmp_path / "none.csv")
    urls.write_text("id,secret,url\n")
    with pytest.raises(BadMetadata, match="3 columns"):
        read_metadata(tmp_path / "facts.csv", "any", urls=urls)


def test_parquet_gzip_and_bzip2_read_like_csv(read: Read, tmp_path: Path) -> None:
    frame = pl.DataFrame({"IMG_ID": [7, 8, 9], "Lat": [0.1 + 0.2, 2.0, None], "Lon": [3.5, 213.0, 1.0]})
    text = frame.write_csv()
    plain = read(text)
    assert plain.table["lat"][0] == 0.1 + 0.2
    path = tmp_path / "metadata.bin"
    for data in (gzip.compress(text.encode()), bz2.compress(text.encode()), b"\xef\xbb\xbf" + text.encode()):
        path.write_bytes(data)
        assert read_metadata(path, "any").table.equals(plain.table)
    frame.write_parquet(path)
    found = read_metadata(path, "any")
    assert found.table.equals(plain.table)
    assert found.findings["example"].to_list() == [
        "IMG_ID=9, Lat=None, Lon=1.0",
        "IMG_ID=8, Lat=2.0, Lon=213.0",
    ]
    path.write_bytes(gzip.compress(text.encode())[:-9])
    with pytest.raises(BadMetadata, match="cut short"):
        read_metadata(path, "any")
    path.write_bytes(b"PAR1" + b"x" * 50)
    with pytest.raises(BadMetadata, match="damaged Parquet"):
        read_metadata(path, "any")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\0" * 2000, "zero bytes"),
        (b"\n" * 2000, "blank lines"),
        (b"<!DOCTYPE html><html>Sign in", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        ("photo_id,lat,lon\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04zip", "zip"),
        (b"\x80\x04\x95", "pickle"),
        (b"photo_id,lat,lon\n", "no row can be read"),
        (b"photo_id,lat,lon\na,1\n", "1 too_few_fields"),
        (b"photo_id,lat,lon\ra,1,2\r", "old Macintoshes"),
        (b"just words\n", "no columns"),
        (b'"photo_id,lat,lon\na,1,2\n', "header, line 1"),
    ],
)
def test_what_is_no_table_is_named(read: Read, text: bytes, says: str) -> None:
    with pytest.raises(BadMetadata, match=says):
        read(text)


def test_a_missing_file_says_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"IM2GPS3k.*G3-checkpoint"):
        read_metadata(tmp_path / "no.csv", "im2gps3k")
