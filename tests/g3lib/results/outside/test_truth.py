"""Where the truth comes from: a publisher's metadata, a table with usual names, and what is wrong in either."""

from pathlib import Path

import polars as pl
import pytest

from g3lib.results.outside import BadPredictions, truth_of_file
from tests.g3lib.results.outside.toy import table

GEOESTIMATION = "IMG_ID,AUTHOR,LAT,LON,S3_Label"
YFCC = (
    "RecordNumber,name,Secret,OwnerNSID,Username,DateTaken,DateUploaded,Camera,Title,Description,Tags,EmptyField,"
    "lon,lat,Accuracy,PhotoPageURL,PhotoURL,LicenseName,LicenseURL,FarmID,ServerID,Secret2,Hash,Format,Placeholder"
)
YFCC_ROW = "1,10201275523.jpg,6ae91cc04,55289779@N00,,,,,,,,,-79.365637,43.649708,16,,,,,5465,6,3e6,f40,jpg,0"
EXPECTED = ("10201275523.jpg", "55289779@N00", 43.649708, -79.365637)

FILES = {
    "GeoEstimation": table("10201275523.jpg,55289779@N00,43.649708,-79.365637,2", header=GEOESTIMATION),
    "YFCC100M": table(YFCC_ROW, header=YFCC),
    "YFCC100M without header": YFCC_ROW + "\n",
    "its own names": table(
        "10201275523.jpg;55289779@N00;43.649708;-79.365637", header="filename;photographer;gt lat;gt lon"
    ),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "truth.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", FILES)
def test_forms(tmp_path: Path, form: str) -> None:
    found = truth_of_file(write(tmp_path, FILES[form]), "toy")
    assert found.photos.rows() == [EXPECTED] and found.has_authors
    assert found.config["truth"] == "truth.csv" and len(found.config["truth_sha256"]) == 64


@pytest.mark.parametrize("header", ["photo_id,lat,lon", "filename,true_lat,true_lon"])
def test_what_cannot_be_a_truth_is_left_out_and_said(tmp_path: Path, header: str) -> None:
    rows = ("a.jpg,1,2", "b.jpg,0,0", "c.jpg,,", "d.jpg,1,2", "d.jpg,3,4", ",1,2", "e.jpg,99,300")
    found = truth_of_file(write(tmp_path, table(*rows, header=header)), "toy")
    assert found.photos.rows() == [("a.jpg", None, 1.0, 2.0)] and not found.has_authors
    told = {each.name: each.rows for each in found.findings}
    assert told["truth_zero_position"] == 1 and told["truth_conflicting_id"] == 2 and told["truth_no_id"] == 1


def test_nobody_is_no_author(tmp_path: Path) -> None:
    text = table("a,unknown,1,2", "b,,3,4", "c,Ann,5,6", header="photo_id,author,lat,lon")
    assert truth_of_file(write(tmp_path, text), "toy").photos["author"].to_list() == [None, None, "Ann"]


def test_a_published_benchmark_is_held_to_its_rows(tmp_path: Path) -> None:
    with pytest.raises(BadPredictions, match=r"offered as IM2GPS3k, but it has 1 rows, not 2,997"):
        truth_of_file(write(tmp_path, FILES["GeoEstimation"]), "im2gps3k", "im2gps3k")


@pytest.mark.parametrize(
    "text", ["photo_id,a,b\nx,1,2\n", "photo_id,lat,lon\nx,,\n", "filename,gt_lat,gt_lon\nx,,\n"]
)
def test_no_truth_at_all(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadPredictions, match=r"truth\.csv"):
        truth_of_file(write(tmp_path, text), "toy")


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    pl.DataFrame({"image": ["a"], "target_lat": [1.5], "target_lon": [2.5]}).write_parquet(path)
    assert truth_of_file(path, "toy").photos.row(0) == ("a", None, 1.5, 2.5)
