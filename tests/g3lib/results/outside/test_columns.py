"""Columns are known by their names, by one rule; what leaves a choice is refused with the candidates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g3lib.results.outside.columns import (
    IDS,
    BadPredictions,
    Columns,
    parse_columns,
    recognised,
    words_of,
)

# header: (id, prediction, truth), by name
FOUND = {
    "photo_id,lat,lon": ("photo_id", "lat, lon", None),
    "IMG_ID,LAT,LON": ("IMG_ID", "LAT, LON", None),
    "img_id,latitude,longitude": ("img_id", "latitude, longitude", None),
    "image,pred_lat,pred_lng": ("image", "pred_lat, pred_lng", None),
    "Image Path,Predicted Latitude (deg),Predicted Longitude (deg)": (
        "Image Path",
        "Predicted Latitude (deg), Predicted Longitude (deg)",
        None,
    ),
    "filename,predLat,predLon": ("filename", "predLat, predLon", None),
    "name,gps_lat,gps_lon": ("name", "gps_lat, gps_lon", None),
    # G3's own evaluation writes its metadata's columns and these
    "IMG_ID,AUTHOR,LAT,LON,S3_Label,LAT_pred,LON_pred,geodesic": ("IMG_ID", "LAT_pred, LON_pred", "LAT, LON"),
    "id,lat,lon,true_lat,true_lon": ("id", "lat, lon", "true_lat, true_lon"),
    "id,lat,lon,gt_lat,gt_lon,pred_lat,pred_lon": ("id", "pred_lat, pred_lon", "gt_lat, gt_lon"),
    "Predicted_LAT,Predicted_LON,True_LAT,True_LON": (
        None,
        "Predicted_LAT, Predicted_LON",
        "True_LAT, True_LON",
    ),
    "key,latpred,lonpred,lattrue,lontrue": ("key", "latpred, lonpred", "lattrue, lontrue"),
    "key,lat_gt,long_gt,lat,long": ("key", "lat, long", "lat_gt, long_gt"),
    "id,pred_lat,predicted_lon": ("id", "pred_lat, predicted_lon", None),  # one of the role on either axis
    "id,geoclip_lat,geoclip_lon": ("id", "geoclip_lat, geoclip_lon", None),  # the only one there is
    "id,geoclip_lat,geoclip_lon,target_lat,target_lon": (
        "id",
        "geoclip_lat, geoclip_lon",
        "target_lat, target_lon",
    ),
    "id,latest,longest,lat,lon": ("id", "lat, lon", None),
    "prediction.lat,prediction.lon,photo.id": ("photo.id", "prediction.lat, prediction.lon", None),
}


def parts(columns: Columns) -> tuple[str | None, str, str | None]:
    return (
        columns.name(columns.ids[0]) if columns.ids else None,
        columns.pair(columns.prediction),
        columns.pair(columns.truth) if columns.truth else None,
    )


@pytest.mark.parametrize("header", FOUND)
def test_columns_are_found(header: str) -> None:
    assert parts(recognised("file", header.split(","), {}, True)) == FOUND[header]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        # what G3 aggregates of its LMM's answers
        (
            "IMG_ID,LAT,LON,zs_0_latitude,zs_0_longitude,5_rag_0_latitude,5_rag_0_longitude",
            ("LAT, LON", "zs_0_latitude"),
        ),
        ("id,lat,lon,latitude,longitude", ("lat, lon; latitude, longitude", "--columns")),
        ("id,pred_lat,pred_lon,guess_lat,guess_lon", ("predicted position", "guess_lat, guess_lon")),
        (
            "id,pred_lat,pred_lon,gt_lat,gt_lon,true_lat,true_lon",
            ("true position", "gt_lat, gt_lon; true_lat"),
        ),
        ("id,true_lat,true_lon", ("no column of a predicted position", "true_lat")),
        ("id,lat,lot", ("no column of a predicted position", "lot")),
        ("a.jpg,48.1,2.3", ("no header", "photo_id,lat,lon")),
    ],
)
def test_a_choice_is_refused_with_the_candidates(header: str, words: tuple[str, ...]) -> None:
    with pytest.raises(BadPredictions) as refused:
        recognised("file", header.split(","), {}, True)
    assert [word for word in words if word not in str(refused.value)] == []


def test_several_ids_are_left_to_the_data_in_order_of_likelihood() -> None:
    columns = recognised("file", ["id", "lat", "lon", "filename", "img_id", "Unnamed: 0"], {}, True)
    assert [columns.name(each) for each in columns.ids] == ["img_id", "filename", "id", "Unnamed: 0"]


def test_what_is_asked_for_comes_before_the_rule() -> None:
    names = ["who", "zs_0_latitude", "zs_0_longitude", "LAT", "LON"]
    asked = parse_columns("id=WHO, lat=zs_0_latitude,lon=zs_0_longitude")
    assert parts(recognised("file", names, asked, True)) == (
        "who",
        "zs_0_latitude, zs_0_longitude",
        "LAT, LON",
    )


def test_a_choice_of_truths_matters_only_if_one_is_needed() -> None:
    names = ["id", "pred_lat", "pred_lon", "gt_lat", "gt_lon", "true_lat", "true_lon"]
    assert recognised("file", names, {}, False).truth is None


def test_a_truth_that_is_asked_for_is_no_prediction() -> None:
    names = ["id", "LAT", "LON", "zs_0_latitude", "zs_0_longitude"]
    asked = parse_columns("true_lat=LAT,true_lon=LON")
    assert parts(recognised("file", names, asked, True))[1:] == ("zs_0_latitude, zs_0_longitude", "LAT, LON")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lat=a", ("lat and lon belong together",)),
        ("lat", ("'lat'", "true_lat")),
        ("latitude=a,lon=b", ("'latitude=a'", "id, lat, lon")),
        ("id=a,id=b", ("'id=b'", "once")),
    ],
)
def test_an_option_that_is_none(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(BadPredictions) as refused:
        parse_columns(text)
    assert [word for word in words if word not in str(refused.value)] == []


@pytest.mark.parametrize(("names", "says"), [("id,lat,lon", "no column 'x'"), ("x,X,lat,lon", "")])
def test_a_column_that_is_asked_for_and_not_there(names: str, says: str) -> None:
    asked = {"id": "x"}
    if not says:
        assert recognised("file", names.split(","), asked, True).ids == (0,), "its own case decides"
        return
    with pytest.raises(BadPredictions, match=says):
        recognised("file", names.split(","), asked, True)
    with pytest.raises(BadPredictions, match="2 columns are called 'x'"):
        recognised("file", ["x", "x", "lat", "lon"], asked, True)


ROLES = st.sampled_from(["", "pred", "predicted", "prediction", "estimated", "guess", "output"])
AXES = st.sampled_from([("lat", "lon"), ("latitude", "longitude"), ("lat", "lng"), ("lat", "long")])
SEPARATORS = st.sampled_from(["_", " ", "-", ".", " _ "])
CASES = st.sampled_from([str.lower, str.upper, str.title])


@given(ROLES, AXES, SEPARATORS, CASES, st.booleans(), st.sampled_from(IDS[:-3]))
def test_case_separators_and_order_do_not_matter(role, axes, separator, case, behind, name) -> None:  # type: ignore[no-untyped-def]
    lat, lon = (case(separator.join(filter(None, (axis, role) if behind else (role, axis)))) for axis in axes)
    columns = recognised("file", ["score", lon, case(name), f" {lat} "], {}, True)
    assert (columns.prediction.lat, columns.prediction.lon, columns.ids) == (3, 1, (2,))


@given(st.lists(st.text(max_size=12), max_size=12))
def test_any_header_is_understood_or_refused(names: list[str]) -> None:
    try:
        columns = recognised("file", names, {}, True)
    except BadPredictions as refused:
        assert "file" in str(refused)
    else:
        taken = {columns.prediction.lat, columns.prediction.lon}
        assert len(taken) == 2 and not taken & set(columns.ids) and max(taken) < len(names)


def test_words() -> None:
    assert words_of("GTLat") == ("gt", "lat") and words_of("predictedlatitude") == ("predicted", "latitude")
    assert words_of("zs_0_latitude") == ("zs", "0", "latitude") and words_of("latest") == ("latest",)
