"""Every row of a file has its fate, every photo too, and what was repaired or odd is said."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g3lib.results.outside import BadPredictions, NoTruth, Truth, judge, truth_of_photos
from tests.g3lib.results.outside.toy import (
    IDS,
    LATS,
    LONS,
    SAID,
    Judge,
    check_whole,
    counts,
    findings,
    lines,
    table,
    toy_truth,
)


def test_a_good_file_has_nothing_to_tell(judged: Judge) -> None:
    found = judged(table(*lines()))
    assert counts(found.rows) == counts(found.photos) == {"scored": 30}
    assert found.findings.is_empty() and found.rules.rows() == [("as it stands", 30)]
    assert found.predictions["lat"].to_list() == SAID and found.predictions["lon"].to_list() == LONS
    assert found.columns["predicted position"] == "lat, lon" and found.columns["photo id"] == "photo_id"


def test_missing_photos_are_failures(judged: Judge) -> None:
    found = judged(table(*lines(0, 28)))
    assert counts(found.photos) == {"scored": 28, "missing": 2}
    examples = found.photos.filter(pl.col("fate") == "missing")["examples"].to_list()
    assert examples == [["photo-28.jpg", "photo-29.jpg"]]


def test_one_photo_twice_counts_once_if_it_says_the_same(judged: Judge) -> None:
    found = judged(table(*lines(), *lines(0, 2), f"{IDS[5]},1,1", "photo-06,0,0", f"{IDS[7]},,"))
    # photo-06 without its extension is another way to write an id that is there as it stands: no photo of its own
    assert counts(found.rows) == {"scored": 28, "repeated": 2, "conflicting": 4, "stranger": 1}
    assert counts(found.photos) == {"scored": 28, "conflicting": 2}
    assert found.rows.filter(pl.col("fate") == "conflicting")["examples"].to_list() == [
        ["photo-05.jpg, line 7", "photo-07.jpg, line 9", "photo-05.jpg, line 34"]
    ]


def test_two_ways_to_write_one_id_are_one_photo(judged: Judge) -> None:
    found = judged(table(*lines(1), "a/photo-00.jpg,1,1", "b/photo-00.jpg,2,2"))
    assert counts(found.photos) == {"scored": 29, "conflicting": 1}


def test_what_is_no_position_is_a_failure(judged: Judge) -> None:
    bad = (
        ("", ""),
        ("nan", "NaN"),
        ("None", "1"),
        ("null", ""),
        ("ten", "5"),
        ("91", "0"),
        ("5", "-181"),
        ("inf", "0"),
    )
    rows = [f"{name},{lat},{lon}" for name, (lat, lon) in zip(IDS, bad, strict=False)]
    found = judged(table(*rows, *lines(8)))
    assert counts(found.photos) == {"scored": 22, "no_position": 4, "bad_position": 4}
    told = findings(found)
    assert told["no_position"] == ("refused", 4) and told["no_number"] == ("refused", 2)
    assert told["swapped_row"][1] + told.get("off_earth", ("", 0))[1] == 2


def test_zero_is_an_answer_but_said(judged: Judge) -> None:
    found = judged(table(f"{IDS[0]},0.0,0.0", f"{IDS[1]},-0.0,0", *lines(2)))
    assert counts(found.photos) == {"scored": 30} and findings(found)["zero_answer"] == ("noted", 2)
    assert found.predictions["lat"].to_list()[:2] == [0.0, 0.0]


def test_footers_headers_blanks_and_strangers(judged: Judge) -> None:
    middle = ["photo_id,lat,lon", "", "elsewhere.jpg,1,2", ",3,4", "Mean,1.5,2", "# total,1,1"]
    found = judged(table(*lines(0, 10), *middle, *lines(10), "", "# mean 17.3", "# n 30"))
    assert counts(found.rows) == {"scored": 30, "no_id": 1, "summary": 2, "stranger": 1}
    assert findings(found) == {
        "footer": ("repaired", 2),
        "blank_lines": ("repaired", 2),
        "repeated_header": ("repaired", 1),
    }


def test_lines_that_cannot_be_read_are_told_and_their_photos_missing(judged: Judge) -> None:
    found = judged(table(*lines(0, 5), f"{IDS[5]},1", f"{IDS[6]},1,2,3", *lines(7)))
    assert counts(found.photos) == {"scored": 28, "missing": 2}
    assert findings(found) == {"too_few_fields": ("refused", 1), "too_many_fields": ("refused", 1)}


def test_the_column_of_ids_is_the_one_that_finds_photos(judged: Judge) -> None:
    rows = [f"{number},{line}" for number, line in enumerate(lines())]
    found = judged(table(*rows, header="img_id,path,lat,lon"))
    assert found.columns["photo id"] == "path" and counts(found.photos) == {"scored": 30}


def test_swapped_columns_are_put_right(judged: Judge) -> None:
    found = judged(table(*lines(), header="photo_id,lon,lat"))
    assert findings(found)["swapped_coordinates"] == ("repaired", 30)
    assert found.predictions["lat"].to_list() == SAID


def test_another_benchmark_is_refused_with_both_kinds_of_ids(judged: Judge) -> None:
    with pytest.raises(BadPredictions) as refused:
        judged(table("45/77/1.jpg,1,2"))
    assert all(
        words in str(refused.value) for words in ("toy", "'45/77/1.jpg'", "'photo-00.jpg'", "photo_id")
    )


def test_several_models_in_one_file_are_refused(judged: Judge) -> None:
    rows = [f"{line},{model}" for model in ("coarse", "fine") for line in lines(0, 20)]
    rows = [row.replace(",fine", "1,fine") for row in rows]
    with pytest.raises(BadPredictions, match=r"20 of 20 photos .* p_key"):
        judged(table(*rows, header="photo_id,lat,lon,p_key"))


def test_a_truth_of_its_own_that_differs_is_said(judged: Judge) -> None:
    rows = [f"{line},{LATS[n] + (n < 3)},{LONS[n]}" for n, line in enumerate(lines())]
    found = judged(table(*rows, header="photo_id,pred_lat,pred_lon,lat,lon"))
    assert findings(found)["truth_differs"] == ("noted", 3)
    assert found.predictions["true_lat"].to_list() == LATS


def test_the_truth_for_predictions_is_said(judged: Judge) -> None:
    rows = [f"{name},{lat},{lon}" for name, lat, lon in zip(IDS, LATS, LONS, strict=True)]
    assert findings(judged(table(*rows)))["predictions_are_truth"] == ("noted", 30)


class TestTruthInTheFile:
    HEADER = "img,author,pred_lat,pred_lon,lat,lon"

    def rows(self, count: int = 30) -> list[str]:
        return [f"{IDS[n]},author {n % 3},{LATS[n]},{LONS[n] / 2},{LATS[n]},{LONS[n]}" for n in range(count)]

    def test_is_taken_and_said(self, judged: Judge) -> None:
        found = judged(table(*self.rows(), header=self.HEADER), None)
        assert found.columns["true position"] == "columns lat, lon of the predictions"
        assert found.truth.photos["author"].n_unique() == 3 and counts(found.photos) == {"scored": 30}

    def test_rows_without_it_are_no_queries(self, judged: Judge) -> None:
        odd = ("x.jpg,a,1,2,,", "y.jpg,a,1,2,95,0", "z.jpg,a,1,2,0,0", "mean,,1,2,3,4")
        found = judged(table(*self.rows(), *odd, header=self.HEADER), None)
        assert counts(found.rows) == {"scored": 30, "no_truth": 3, "summary": 1}
        assert len(found.predictions) == 30 and findings(found)["truth_zero_position"] == ("refused", 1)

    def test_two_truths_of_one_photo_are_none(self, judged: Judge) -> None:
        found = judged(table(*self.rows(), f"{IDS[0]},a,1,2,3,4", header=self.HEADER), None)
        assert len(found.predictions) == 29 and findings(found)["truth_conflicting_truth"] == ("refused", 1)

    def test_without_ids_each_row_is_a_photo(self, judged: Judge) -> None:
        rows = [row.split(",", 2)[2] for row in self.rows()]
        found = judged(table(*rows, header="pred_lat,pred_lon,lat,lon"), None)
        assert found.rules.rows() == [("each row is a photo", 30)]
        assert found.predictions["photo_id"][0] == "line 2"

    def test_a_published_benchmark_needs_all_its_photos(self, judged: Judge) -> None:
        with pytest.raises(
            BadPredictions, match=r"2,997 photos, but the file tells the truth of 30: .*--truth"
        ):
            judged(table(*self.rows(), header=self.HEADER), None, benchmark="im2gps3k")

    def test_none_is_said_with_what_to_do(self, judged: Judge) -> None:
        with pytest.raises(NoTruth, match=r"lat, lon.*--truth"):
            judged(table(*lines()), None)


# each kind of row, and the fate that it must have; photos are used from the front for good rows, from the end for bad
@settings(deadline=None, max_examples=60)
@given(
    good=st.integers(1, 14),
    bad=st.lists(
        st.sampled_from(
            ["no_position", "bad_position", "repeated", "conflicting", "stranger", "no_id", "summary"]
        ),
        max_size=12,
    ),
    separator=st.sampled_from([",", "\t", ";", "|"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    final=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_every_row_meets_its_fate(good, bad, separator, newline, encoding, final, order) -> None:  # type: ignore[no-untyped-def]
    rows = [[IDS[n], str(LATS[n]), str(LONS[n])] for n in range(good)]
    expected, photos = {"scored": good}, {"scored": good, "missing": 30 - good}
    for place, fate in enumerate(bad):
        photo = IDS[29 - place]
        new = {
            "no_position": [[photo, "", ""]],
            "bad_position": [[photo, "north", "5"]],
            "repeated": [rows[0]],
            "conflicting": [[photo, "1", "1"], [photo, "1", "2"]],
            "stranger": [[f"stranger-{place}", "1", "2"]],
            "no_id": [["", "1", "2"]],
            "summary": [["# mean", "1", "2"]],
        }[fate]
        rows += new
        expected[fate] = expected.get(fate, 0) + len(new)
        if fate in ("no_position", "bad_position", "conflicting"):
            photos[fate], photos["missing"] = photos.get(fate, 0) + 1, photos["missing"] - 1
    order.shuffle(rows)
    text = newline.join(separator.join(row) for row in [["photo_id", "lat", "lon"], *rows]) + (
        newline if final else ""
    )
    found, refused = _judged(text.encode(encoding), toy_truth())
    if photos.get("conflicting", 0) > (30 - photos["missing"]) / 2:
        assert "several rows" in refused
        return
    assert found is not None, refused
    assert counts(found.rows) == expected
    assert counts(found.photos) == {fate: count for fate, count in photos.items() if count}
    scored = found.predictions.drop_nulls("lat")
    assert scored["lat"].to_list() == scored["true_lat"].to_list()


CELLS = st.one_of(
    st.sampled_from(
        [*IDS[:4], "", "0", "1,5", "-33.9", "200", "NaN", '"', "# mean", "N 5", "é", "\u2212 3", "photo_id"]
    ),
    st.text(max_size=6),
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["photo_id,lat,lon", "img,pred_lat,pred_lon,lat,lon", "{", "[", "lat", ""]),
    st.binary(max_size=6),
    st.booleans(),
)
def test_wild_files_are_judged_whole_or_refused_by_name(rows, separator, header, junk, own) -> None:  # type: ignore[no-untyped-def]
    text = "\n".join([header.replace(",", separator), *(separator.join(row) for row in rows)])
    found, refused = _judged(text.encode("utf-8", "surrogatepass") + junk, None if own else toy_truth())
    assert found is not None or "predictions" in refused


def _judged(content: bytes, truth: Truth | None):  # type: ignore[no-untyped-def]
    """(what was judged, "") or (None, why it was refused)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.csv"
        path.write_bytes(content)
        try:
            found = judge(path, {}, truth, "toy")
        except BadPredictions as problem:
            return None, str(problem)
    check_whole(found)
    return found, ""


def test_a_truth_needs_every_photo_once() -> None:
    photos = pl.DataFrame(
        {"photo_id": ["a", "a"], "author": [None, None], "lat": [1.0, 2.0], "lon": [1.0, 2.0]}
    )
    with pytest.raises(ValueError, match="once"):
        truth_of_photos("toy", photos, "", [])
