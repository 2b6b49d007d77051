"""The publishers' forms as data: which of their columns holds which fact, how many rows, which rows are known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from g3lib.images.metadata.table import PLACE_FIELDS

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Form:
    """Columns of a file, in lower case, by the fact they hold; the first name present is taken.

    `literal` are facts that hold for all rows; `names` are the columns of a file without header.
    """

    columns: Names
    literal: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ("photo_id", "lat", "lon")
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """A published list of photos: its forms, how many rows it has, and where to get it.

    `exact`: another number of rows makes scores incomparable. `known`: positions that must stand in the file.
    `looks`: how its photo ids look, to recognise it when it is offered as something else.
    """

    title: str
    forms: tuple[Form, ...]
    rows: tuple[int, ...] = ()
    exact: bool = False
    known: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    looks: re.Pattern[str] | None = None
    remedy: str = ""


PATHLIKE = re.compile(r"[0-9a-f]{2,3}/[0-9a-f]{2,3}/\d+\.\w+")  # 45/77/3228511372.jpg
WITH_AUTHOR = re.compile(r"\d+_[0-9a-f]+_\d+_\d+@N\d\d\.jpg")  # 1000269685_e60e9cdfb4_1125_78841376@N00.jpg
PLACES: Names = {name: (name,) for name in PLACE_FIELDS}
MP16_ROWS, MP16_PRO_ROWS = 4_723_695, 4_654_532

# GeoEstimation's ten columns; the file name is also the way to the photo
GEOESTIMATION = Form(
    {
        "photo_id": ("img_id",),
        "author": ("author",),
        "lat": ("lat",),
        "lon": ("lon",),
        "locator": ("img_id",),
        "accuracy": ("accuracy",),
        "scene": ("s3_label",),
        **PLACES,
    }
)
MP16_PRO = Form(GEOESTIMATION.columns, required=("photo_id", "lat", "lon", "country"))
YFCC_NAMES = (
    *(
        "recordnumber",
        "name",
        "secret",
        "ownernsid",
        "username",
        "datetaken",
        "dateuploaded",
        "camera",
        "title",
    ),
    *(
        "description",
        "tags",
        "emptyfield",
        "lon",
        "lat",
        "accuracy",
        "photopageurl",
        "photourl",
        "licensename",
    ),
    *("licenseurl", "farmid", "serverid", "secret2", "hash", "format", "placeholder"),
)
YFCC_COLUMNS: Names = {
    "photo_id": ("name",),
    "author": ("ownernsid",),
    "licence": ("licensename", "licenseurl"),
    "lat": ("lat",),
    "lon": ("lon",),
    "locator": ("secret",),  # so called, but it is the hash of the Multimedia Commons, never zero-padded
    "accuracy": ("accuracy",),
}
YFCC = Form(YFCC_COLUMNS, required=("photo_id", "lat", "lon", "locator"))
# The 25 columns as S3 and yfcc4k.csv have them, without header; a 1 in the last one marks a video
YFCC_BARE = Form({**YFCC_COLUMNS, "video": ("placeholder",)}, names=YFCC_NAMES)
OSV5M = Form(
    {
        "photo_id": ("id",),
        "author": ("creator_id", "creator_username"),
        "lat": ("latitude",),
        "lon": ("longitude",),
        "locator": ("id",),  # images/<split>/NN.zip hold <id>.jpg
        "country_code": ("country",),  # in capitals, with NA for Namibia
        "state": ("region",),
        "county": ("sub-region",),
        "city": ("city",),
    },
    literal={"licence": "CC BY-SA 4.0"},
)
ANY = Form(
    {
        "photo_id": ("photo_id", "img_id", "image_id", "id"),
        "author": ("author", "ownernsid", "creator_id"),
        "licence": ("licence", "license", "licensename"),
        "lat": ("lat", "latitude"),
        "lon": ("lon", "lng", "long", "longitude"),
        "locator": ("locator", "url", "photo_id", "img_id", "image_id", "id"),
        "accuracy": ("accuracy",),
        "scene": ("scene", "s3_label"),
        **PLACES,
    }
)

GEOESTIMATION_REMEDY = (
    "GeoEstimation withdrew its repository in January 2026; a copy lies beside G3's checkpoint "
    "(Hugging Face model Jia-py/G3-checkpoint, im2gps3k_places365.csv and yfcc4k_places365.csv)"
)
YFCC4K_REMEDY = (
    "YFCC4k's metadata are yfcc4k_places365.csv of the Hugging Face model Jia-py/G3-checkpoint, or yfcc4k.csv with "
    "YFCC100M's columns; the link in G3's README leads to YFCC26k's (yfcc25600)"
)
MP16_SAMPLES = {  # printed in G3's appendix A.1
    "4f/a0/3963216890.jpg": (47.217578, 7.542092),
    "eb/a7/193938478.jpg": (39.950477, -75.157535),
    "4b/5c/8178901047.jpg": (-34.580365, -58.425464),
}
IM2GPS3K_FIRST = {"1000269685_e60e9cdfb4_1125_78841376@N00.jpg": (32.325436, -64.764404)}  # Bermuda
YFCC4K_FIRST = {"10201275523.jpg": (43.649708, -79.365637), "7289030198.jpg": (40.740067, -73.985495)}

PUBLICATIONS: Mapping[str, Publication] = {
    "im2gps3k": Publication(
        "IM2GPS3k",
        (GEOESTIMATION,),
        (2997,),
        True,
        IM2GPS3K_FIRST,
        looks=WITH_AUTHOR,
        remedy=GEOESTIMATION_REMEDY,
    ),
    "im2gps": Publication("IM2GPS", (GEOESTIMATION,), (237,), True, remedy=GEOESTIMATION_REMEDY),
    "yfcc4k": Publication("YFCC4k", (YFCC, GEOESTIMATION), (4536,), True, YFCC4K_FIRST, remedy=YFCC4K_REMEDY),
    "yfcc26k": Publication(
        "YFCC26k (yfcc25600)", (GEOESTIMATION,), (25_600,), True, looks=PATHLIKE, remedy=GEOESTIMATION_REMEDY
    ),
    "mp16": Publication(
        "MP-16",
        (GEOESTIMATION,),
        (MP16_ROWS,),
        known=MP16_SAMPLES,
        looks=PATHLIKE,
        remedy="its file is mp16_places365.csv; MP16-Pro's MP16_Pro_places365.csv serves as well",
    ),
    "mp16-pro": Publication(
        "MP16-Pro",
        (MP16_PRO,),
        (MP16_PRO_ROWS,),
        known=MP16_SAMPLES,
        looks=PATHLIKE,
        remedy="its file is metadata/MP16_Pro_places365.csv of the Hugging Face dataset Jia-py/MP16-Pro (gated)",
    ),
    "yfcc100m": Publication(
        "YFCC100M", (YFCC, YFCC_BARE), remedy="unpack yfcc100m_dataset, 25 columns by tabs"
    ),
    "osv5m": Publication(
        "OSV-5M train", (OSV5M,), remedy="train.csv of the Hugging Face dataset osv5m/osv5m"
    ),
    "osv5m-test": Publication(
        "OSV-5M test", (OSV5M,), remedy="test.csv of the Hugging Face dataset osv5m/osv5m"
    ),
    "place-pulse": Publication(
        "Place Pulse 2.0", (), remedy="votes_clean.csv of figshare 10.6084/m9.figshare.11859993"
    ),
    "any": Publication("a table of photos", (ANY,), remedy="it needs photo_id (or IMG_ID), lat and lon"),
}
